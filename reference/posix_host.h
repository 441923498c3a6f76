// PosixHost: the machine itself. Each verb is the system call of its name.
#pragma once

#include "reference/host.h"

namespace reference {

class PosixHost final : public Host {
 public:
  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override;
  Outcome<> close(Descriptor descriptor) override;
  Outcome<std::size_t> read(Descriptor descriptor, char* buffer, std::size_t size) override;
  Outcome<std::size_t> write(Descriptor descriptor, std::string_view bytes) override;
  Outcome<> fsync(Descriptor descriptor) override;
  Outcome<> fchmod(Descriptor descriptor, mode_t mode) override;
  Outcome<> fchown(Descriptor descriptor, uid_t uid, gid_t gid) override;
  Outcome<FileStatus> fstat(Descriptor descriptor) override;
  Outcome<FileStatus> stat(const std::string& path) override;
  Outcome<FileStatus> lstat(const std::string& path) override;
  Outcome<std::string> readlink(const std::string& path) override;
  Outcome<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Outcome<> mkdir(const std::string& path, mode_t mode) override;
  Outcome<> rename(const std::string& from, const std::string& to) override;
  Outcome<> unlink(const std::string& path) override;
  Outcome<> rmdir(const std::string& path) override;

  std::chrono::nanoseconds monotonic() const override;
  std::int64_t wall_seconds() const override;

  // A line is given to the stream if it takes it at once. A reader of the log that has fallen asleep must not stop the refresh.
  void write_out(std::string_view line) override;
  void write_error(std::string_view line) override;
  uid_t effective_uid() const override;
  std::uint64_t random() override;
  bool stop_requested() const override;  // TERM or INT is pending; the main program keeps them blocked
};

}  // namespace reference
