// PosixHost: the machine itself. Each verb is the system call of its name.
#pragma once

#include <set>
#include <utility>

#include "reference/host.h"

namespace reference {

class PosixHost final : public Host {
 public:
  PosixHost() = default;
  PosixHost(const PosixHost&) = delete;
  PosixHost& operator=(const PosixHost&) = delete;
  ~PosixHost() override;

  // Until the time has come, the end was asked for (signals.h), or something has changed in a watched directory, but for that not before
  // `events_from`. Both are monotonic() times.
  void wait(std::chrono::nanoseconds until, std::chrono::nanoseconds events_from);

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

  Outcome<> watch(const std::string& directory) override;  // inotify
  bool take_events() override { return std::exchange(events_, false); }
  Outcome<> mark(Descriptor descriptor, std::int64_t number) override;  // a lock of one byte at that offset
  Outcome<bool> marked_above(Descriptor descriptor, std::int64_t number) override;

  std::chrono::nanoseconds monotonic() const override;
  std::int64_t wall_seconds() const override;

  // A line is given to the stream if it takes it at once. A reader of the log that has fallen asleep must not stop the refresh.
  void write_out(std::string_view line) override;
  void write_error(std::string_view line) override;
  uid_t effective_uid() const override;
  std::uint64_t random() override;
  bool stop_requested() const override;  // signals.h; beats the watchdog

 private:
  bool poll_until(std::chrono::nanoseconds until, bool for_events) const;
  void close_events();
  void drain_events();

  int inotify_ = -1;
  std::set<int> watches_;
  bool events_ = false;
};

}  // namespace reference
