// Channel: messages and descriptors between the harness and its helper processes.
//
// One SOCK_SEQPACKET pair per helper. A message of any size is one packet: what does not fit goes into a memory file that travels with it.
// Both ends are ours, so a message that makes no sense is a bug, not an attack. Pack and Unpack put numbers and texts into a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"

namespace entryproof::subjects {

struct Message {
  std::string bytes;
  std::vector<Descriptor> descriptors;
};

class Channel {
 public:
  Channel() = default;
  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}
  // Both ends are close-on-exec.
  static Result<std::pair<Channel, Channel>> pair();

  int fd() const { return socket_.get(); }
  // Waits while the other side is behind. Descriptors are copied, not given away; at most 32.
  Result<> send(std::string_view bytes, const std::vector<int>& descriptors = {}) const;
  // Waits for a message; nullopt when the other side is gone.
  Result<std::optional<Message>> receive() const;
  // Nothing more will be sent from here: the other side's receive() gives nullopt after what is under way.
  void finish() const;
  // Gives the socket up without closing it.
  int release() { return socket_.release(); }

 private:
  Descriptor socket_;
};

class Pack {
 public:
  Pack& number(std::uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Pack& text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
    return *this;
  }
  Pack& texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const auto& value : values) text(value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Unpack {
 public:
  explicit Unpack(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number();
  template <class T>
  T number_as() {
    return static_cast<T>(number());
  }
  std::string text();
  std::vector<std::string> texts();
  // False once something was read that was not there; it read as 0 or "".
  bool ok() const { return ok_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace entryproof::subjects
