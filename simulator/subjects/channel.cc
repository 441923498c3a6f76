#include "simulator/subjects/channel.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace entryproof::subjects {
namespace {

constexpr std::size_t kInlineBytes = 32UL << 10;
constexpr std::size_t kMostDescriptors = 32;
constexpr char kInline = 'i';
constexpr char kInFile = 'f';  // the bytes are in the last descriptor

Result<Descriptor> memory_file(std::string_view bytes) {
  Descriptor file(memfd_create("message", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create", "message", errno);
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) return fail_errno("write", "a memory file", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return file;
}

Result<std::string> contents(const Descriptor& file) {
  struct stat about{};
  if (fstat(file.get(), &about) != 0) return fail_errno("fstat", "a memory file", errno);
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got = pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got <= 0) return fail_errno("read", "a memory file", got < 0 ? errno : EIO);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair", "AF_UNIX", errno);
  return std::pair(Channel(Descriptor(ends[0])), Channel(Descriptor(ends[1])));
}

Result<> Channel::send(std::string_view bytes, const std::vector<int>& descriptors) const {
  std::vector<int> passed = descriptors;
  Descriptor file;
  std::string packet(1, kInline);
  if (bytes.size() <= kInlineBytes) {
    packet.append(bytes);
  } else {
    auto made = memory_file(bytes);
    if (!made) return std::unexpected(made.error());
    file = std::move(*made);
    packet.assign(1, kInFile);
    passed.push_back(file.get());
  }
  if (passed.size() > kMostDescriptors) return fail(ErrorCode::kInternal, "a message with too many descriptors");

  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> control{};
  if (!passed.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * passed.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * passed.size());
    std::memcpy(CMSG_DATA(rights), passed.data(), sizeof(int) * passed.size());
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail_errno("sendmsg", "the other process of the harness", errno);
  return {};
}

Result<std::optional<Message>> Channel::receive() const {
  std::string packet(kInlineBytes + 1, '\0');
  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)> control{};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return std::nullopt;
  if (got < 0) return fail_errno("recvmsg", "the other process of the harness", errno);

  Message message;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr; rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    std::vector<int> passed((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(passed.data(), CMSG_DATA(rights), sizeof(int) * passed.size());
    for (const int fd : passed) message.descriptors.emplace_back(fd);
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(ErrorCode::kIo, "a message of the harness was cut short; is the limit of open files too low?");
  }
  if (packet.front() == kInFile) {
    if (message.descriptors.empty()) return fail(ErrorCode::kInternal, "a message without its bytes");
    auto bytes = contents(message.descriptors.back());
    if (!bytes) return std::unexpected(bytes.error());
    message.bytes = std::move(*bytes);
    message.descriptors.pop_back();
  } else {
    message.bytes.assign(packet, 1, static_cast<std::size_t>(got) - 1);
  }
  return message;
}

void Channel::finish() const { shutdown(socket_.get(), SHUT_WR); }

std::uint64_t Unpack::number() {
  std::uint64_t value = 0;
  if (bytes_.size() < sizeof value) {
    ok_ = false;
    return 0;
  }
  std::memcpy(&value, bytes_.data(), sizeof value);
  bytes_.remove_prefix(sizeof value);
  return value;
}

std::string Unpack::text() {
  const auto size = number();
  if (!ok_ || size > bytes_.size()) {
    ok_ = false;
    return {};
  }
  std::string value(bytes_.substr(0, size));
  bytes_.remove_prefix(size);
  return value;
}

std::vector<std::string> Unpack::texts() {
  const auto count = number();
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < count && ok_; ++i) values.push_back(text());
  return values;
}

}  // namespace entryproof::subjects
