// Log: what people read of us. Each piece of news once, in one line; a trouble that lasts once a minute, not once a turn.
//
// Text is for people, JSON for collectors: {"time":"…","level":"info|warning|error","message":"…"}, the same events in both.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "reference/host.h"
#include "reference/options.h"

namespace reference {

class Log {
 public:
  explicit Log(Host& host, LogFormat format = LogFormat::kText) : host_(host), format_(format) {}

  void info(std::string_view text);     // standard output
  void warn(std::string_view text);     // standard error
  void error(std::string_view text);    // standard error, always: the last line of a life
  void waiting(std::string_view text);  // standard output, at most once a minute for the same text
  void problem(std::string_view text);  // standard error, at most once a minute for the same text

 private:
  bool is_news(std::string_view text);
  std::string line(std::string_view level, std::string_view text) const;

  Host& host_;
  const LogFormat format_;
  std::map<std::string, std::chrono::nanoseconds, std::less<>> shown_;
};

}  // namespace reference
