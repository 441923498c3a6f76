// The two ends of a differential test: the memory door and a real directory, both as node::PosixTarget. For tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/result.h"
#include "simulator/doors/memory_process.h"
#include "simulator/node/posix_sequence.h"

namespace entryproof::doors {

// A process of a node. The process must outlive it.
class MemoryTarget final : public node::PosixTarget {
 public:
  explicit MemoryTarget(MemoryProcess& process) : process_(process) {}
  node::Outcome<int> open(const std::string& path, int flags, mode_t mode) override { return process_.open(path, flags, mode); }
  node::Outcome<> close(int descriptor) override { return process_.close(descriptor); }
  node::Outcome<std::size_t> write(int descriptor, std::string_view bytes) override { return process_.write(descriptor, bytes); }
  node::Outcome<std::size_t> pwrite(int descriptor, std::string_view bytes, std::uint64_t offset) override {
    return process_.pwrite(descriptor, bytes, offset);
  }
  node::Outcome<std::string> read(int descriptor, std::size_t size) override { return process_.read(descriptor, size); }
  node::Outcome<std::string> pread(int descriptor, std::size_t size, std::uint64_t offset) override {
    return process_.pread(descriptor, size, offset);
  }
  node::Outcome<> fsync(int descriptor) override { return process_.fsync(descriptor); }
  node::Outcome<> fchmod(int descriptor, mode_t mode) override { return process_.fchmod(descriptor, mode); }
  node::Outcome<> ftruncate(int descriptor, std::uint64_t size) override { return process_.ftruncate(descriptor, size); }
  node::Outcome<node::Attributes> fstat(int descriptor) override { return process_.fstat(descriptor); }
  node::Outcome<node::Attributes> stat(const std::string& path) override { return process_.stat(path); }
  node::Outcome<node::Attributes> lstat(const std::string& path) override { return process_.lstat(path); }
  node::Outcome<> access(const std::string& path, int mask) override { return process_.access(path, mask); }
  node::Outcome<std::string> readlink(const std::string& path) override { return process_.readlink(path); }
  node::Outcome<std::vector<std::string>> list(const std::string& path) override;
  node::Outcome<> mkdir(const std::string& path, mode_t mode) override { return process_.mkdir(path, mode); }
  node::Outcome<> rmdir(const std::string& path) override { return process_.rmdir(path); }
  node::Outcome<> unlink(const std::string& path) override { return process_.unlink(path); }
  node::Outcome<> symlink(const std::string& target, const std::string& path) override { return process_.symlink(target, path); }
  node::Outcome<> link(const std::string& path, const std::string& new_path) override { return process_.link(path, new_path); }
  node::Outcome<> rename(const std::string& path, const std::string& new_path, unsigned flags) override {
    return process_.rename(path, new_path, static_cast<node::RenameFlag>(flags));
  }
  node::Outcome<> chmod(const std::string& path, mode_t mode) override { return process_.chmod(path, mode); }
  node::Outcome<> truncate(const std::string& path, std::uint64_t size) override { return process_.truncate(path, size); }

 private:
  MemoryProcess& process_;
};

// The calling process itself, by system calls; "/" is its root.
class SystemTarget final : public node::PosixTarget {
 public:
  node::Outcome<int> open(const std::string& path, int flags, mode_t mode) override;
  node::Outcome<> close(int descriptor) override;
  node::Outcome<std::size_t> write(int descriptor, std::string_view bytes) override;
  node::Outcome<std::size_t> pwrite(int descriptor, std::string_view bytes, std::uint64_t offset) override;
  node::Outcome<std::string> read(int descriptor, std::size_t size) override;
  node::Outcome<std::string> pread(int descriptor, std::size_t size, std::uint64_t offset) override;
  node::Outcome<> fsync(int descriptor) override;
  node::Outcome<> fchmod(int descriptor, mode_t mode) override;
  node::Outcome<> ftruncate(int descriptor, std::uint64_t size) override;
  node::Outcome<node::Attributes> fstat(int descriptor) override;
  node::Outcome<node::Attributes> stat(const std::string& path) override;
  node::Outcome<node::Attributes> lstat(const std::string& path) override;
  node::Outcome<> access(const std::string& path, int mask) override;
  node::Outcome<std::string> readlink(const std::string& path) override;
  node::Outcome<std::vector<std::string>> list(const std::string& path) override;
  node::Outcome<> mkdir(const std::string& path, mode_t mode) override;
  node::Outcome<> rmdir(const std::string& path) override;
  node::Outcome<> unlink(const std::string& path) override;
  node::Outcome<> symlink(const std::string& target, const std::string& path) override;
  node::Outcome<> link(const std::string& path, const std::string& new_path) override;
  node::Outcome<> rename(const std::string& path, const std::string& new_path, unsigned flags) override;
  node::Outcome<> chmod(const std::string& path, mode_t mode) override;
  node::Outcome<> truncate(const std::string& path, std::uint64_t size) override;
};

// A sequence's answers and what it left behind.
struct Played {
  std::vector<std::string> answers;
  std::vector<std::string> inventory;  // as the privileged see it
};

// Plays in memory, on a fresh node whose root directory belongs to the caller, with umask 022.
Played play_in_memory(std::span<const node::PosixCall> calls, const node::Credentials& who);

// Plays in a real directory (a temporary one, or any mount) that should be empty, with umask 022. A forked child does it, with the
// directory as its root and these credentials, so that absolute symlinks and ".." stay inside. Needs CAP_SYS_CHROOT. The directory is given
// to `who` first.
Result<Played> play_in_directory(const std::string& directory, std::span<const node::PosixCall> calls, const node::Credentials& who);

}  // namespace entryproof::doors
