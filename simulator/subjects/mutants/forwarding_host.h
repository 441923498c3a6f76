// ForwardingHost: a Host that leaves everything to another one. What a decorator does not override, it does not change.
#pragma once

#include "reference/host.h"

namespace entryproof::subjects {

class ForwardingHost : public reference::Host {
 public:
  template <class T = void>
  using Outcome = reference::Outcome<T>;
  using FileStatus = reference::FileStatus;

  explicit ForwardingHost(reference::Host& inner) : inner_(inner) {}

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override { return inner_.open(path, flags, mode); }
  Outcome<> close(Descriptor descriptor) override { return inner_.close(descriptor); }
  Outcome<std::size_t> read(Descriptor descriptor, char* buffer, std::size_t size) override {
    return inner_.read(descriptor, buffer, size);
  }
  Outcome<std::size_t> write(Descriptor descriptor, std::string_view bytes) override { return inner_.write(descriptor, bytes); }
  Outcome<> fsync(Descriptor descriptor) override { return inner_.fsync(descriptor); }
  Outcome<> fchmod(Descriptor descriptor, mode_t mode) override { return inner_.fchmod(descriptor, mode); }
  Outcome<> fchown(Descriptor descriptor, uid_t uid, gid_t gid) override { return inner_.fchown(descriptor, uid, gid); }
  Outcome<FileStatus> fstat(Descriptor descriptor) override { return inner_.fstat(descriptor); }
  Outcome<FileStatus> stat(const std::string& path) override { return inner_.stat(path); }
  Outcome<FileStatus> lstat(const std::string& path) override { return inner_.lstat(path); }
  Outcome<std::string> readlink(const std::string& path) override { return inner_.readlink(path); }
  Outcome<std::vector<reference::DirectoryEntry>> list(const std::string& path) override { return inner_.list(path); }
  Outcome<> mkdir(const std::string& path, mode_t mode) override { return inner_.mkdir(path, mode); }
  Outcome<> rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Outcome<> unlink(const std::string& path) override { return inner_.unlink(path); }
  Outcome<> rmdir(const std::string& path) override { return inner_.rmdir(path); }
  Outcome<> mark(Descriptor descriptor, std::int64_t number) override { return inner_.mark(descriptor, number); }
  Outcome<bool> marked_above(Descriptor descriptor, std::int64_t number) override { return inner_.marked_above(descriptor, number); }
  std::chrono::nanoseconds monotonic() const override { return inner_.monotonic(); }
  std::int64_t wall_seconds() const override { return inner_.wall_seconds(); }
  void write_out(std::string_view line) override { inner_.write_out(line); }
  void write_error(std::string_view line) override { inner_.write_error(line); }
  uid_t effective_uid() const override { return inner_.effective_uid(); }
  std::uint64_t random() override { return inner_.random(); }
  bool stop_requested() const override { return inner_.stop_requested(); }

 protected:
  reference::Host& inner_;
};

}  // namespace entryproof::subjects
