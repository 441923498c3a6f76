// Log: what people read of us. Each piece of news once; a trouble that lasts once a minute, not once a turn.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "reference/host.h"

namespace reference {

class Log {
 public:
  explicit Log(Host& host) : host_(host) {}

  void info(std::string_view text);     // standard output
  void warn(std::string_view text);     // standard error
  void problem(std::string_view text);  // standard error, at most once a minute for the same text

 private:
  Host& host_;
  std::map<std::string, std::chrono::nanoseconds, std::less<>> shown_;
};

}  // namespace reference
