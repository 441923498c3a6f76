// MemoryHost: reference::Host over a process of the node in this process, with the world's clock and captured streams.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reference/host.h"
#include "simulator/base/clock.h"
#include "simulator/doors/memory_process.h"
#include "simulator/node/node.h"
#include "simulator/subjects/in_process/marks.h"

namespace entryproof::subjects {

class MemoryHost final : public reference::Host {
 public:
  template <class T = void>
  using Outcome = reference::Outcome<T>;

  // `marks`: of the node; null for a machine that has no such locks.
  MemoryHost(node::Node& node, const Clock& clock, node::View view, const node::Caller& caller, std::uint64_t seed, std::size_t output_cap,
             Marks* marks);

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override;
  Outcome<> close(Descriptor descriptor) override;
  Outcome<std::size_t> read(Descriptor descriptor, char* buffer, std::size_t size) override;
  Outcome<std::size_t> write(Descriptor descriptor, std::string_view bytes) override;
  Outcome<> fsync(Descriptor descriptor) override;
  Outcome<> fchmod(Descriptor descriptor, mode_t mode) override;
  Outcome<> fchown(Descriptor descriptor, uid_t uid, gid_t gid) override;
  Outcome<reference::FileStatus> fstat(Descriptor descriptor) override;
  Outcome<reference::FileStatus> stat(const std::string& path) override;
  Outcome<reference::FileStatus> lstat(const std::string& path) override;
  Outcome<std::string> readlink(const std::string& path) override;
  Outcome<std::vector<reference::DirectoryEntry>> list(const std::string& path) override;
  Outcome<> mkdir(const std::string& path, mode_t mode) override;
  Outcome<> rename(const std::string& from, const std::string& to) override;
  Outcome<> unlink(const std::string& path) override;
  Outcome<> rmdir(const std::string& path) override;
  Outcome<> mark(Descriptor descriptor, std::int64_t number) override;
  Outcome<bool> marked_above(Descriptor descriptor, std::int64_t number) override;
  std::chrono::nanoseconds monotonic() const override;
  std::int64_t wall_seconds() const override;
  void write_out(std::string_view line) override;
  void write_error(std::string_view line) override;
  uid_t effective_uid() const override;
  std::uint64_t random() override;
  bool stop_requested() const override { return stop_requested_; }

  // A signal came in the middle of something.
  void request_stop() { stop_requested_ = true; }
  // The node refuses every mutation of this process: it has been killed.
  bool killed() const { return node_.sealed(process_.caller().actor, process_.caller().session); }
  std::size_t open_descriptors() const { return process_.open_descriptors(); }
  // Closes what is open, as the kernel does for a process that ends.
  void exit();
  const std::string& output() const { return output_; }
  bool output_exceeded() const { return output_exceeded_; }

 private:
  const node::Node& node_;
  const Clock& clock_;
  doors::MemoryProcess process_;
  Marks* const marks_;
  std::uint64_t random_state_;
  std::size_t output_cap_;
  std::string output_;
  bool output_exceeded_ = false;
  bool stop_requested_ = false;
};

}  // namespace entryproof::subjects
