// MemoryHost: a small machine in memory for the tests of the entrypoint: files, directories, symlinks, a clock that the test sets.
//
// Every call on files is counted and can be made to fail, or to be preceded by something that the test does: that is how disks fill up and
// kubelets swap directories between two calls. Apart from the simulator's node on purpose, as the reference may know nothing of that.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reference/host.h"

namespace reference {

class MemoryHost final : public Host {
 public:
  MemoryHost();
  ~MemoryHost() override;

  // The world outside of the program. Parents are made as needed; these calls are neither counted nor recorded.
  void put(const std::string& path, std::string bytes, mode_t mode = 0644, uid_t uid = 0);
  void put_directory(const std::string& path, mode_t mode = 0755);
  void put_link(const std::string& path, std::string target);
  void put_fifo(const std::string& path);
  void put_volume(const std::string& path);  // a directory on a device of its own
  void remove_all(const std::string& path);
  void move(const std::string& from, const std::string& to);
  void project(const std::string& directory, const std::string& token, const std::string& ca);  // as kubelet does, a new generation
  void swap_generation(const std::string& directory, const std::map<std::string, std::string>& files);
  std::optional<std::string> bytes(const std::string& path) const;  // of a regular file, links followed
  std::vector<std::string> tree(const std::string& path) const;     // all names below, sorted
  FileStatus status(const std::string& path) const;                 // asserts that it exists; links not followed

  // Power is lost. What was synced stays, and what the world outside put there. Of the rest: the n-th directory with unsynced changes (by
  // path) keeps them if bit n of `directories` is set, all files keep unsynced bytes and modes if `data`, else they are as they were synced
  // last, or empty. That is as free as POSIX is. Gives how many directories had such changes.
  int cut_power(unsigned directories, bool data);

  // Time.
  std::chrono::nanoseconds now{std::chrono::hours(1)};
  std::int64_t wall = 1'700'000'000;

  // Calls.
  std::function<std::optional<int>(std::string_view verb, const std::string& path)> before;  // an errno makes the call fail
  int calls = 0;
  std::vector<std::string> changes;  // "verb path" of everything that changed the tree, in order
  std::vector<std::string> out;
  std::vector<std::string> error;
  std::size_t write_limit = 1 << 20;  // bytes that one write takes
  bool stopping = false;
  bool marks_supported = false;
  int events_error = ENOTSUP;  // of watch(); 0: it works
  bool events = false;         // something has happened, for take_events()
  std::set<std::string> watched;
  uid_t owner_of_new_files = 0;  // where the file system decides that
  gid_t group_of_new_files = 0;
  int open_descriptors() const { return static_cast<int>(descriptors_.size()); }

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
  Outcome<> watch(const std::string& directory) override;
  bool take_events() override { return std::exchange(events, false); }
  Outcome<> mark(Descriptor descriptor, std::int64_t number) override;
  Outcome<bool> marked_above(Descriptor descriptor, std::int64_t number) override;
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::int64_t wall_seconds() const override { return wall; }
  void write_out(std::string_view line) override { out.emplace_back(line); }
  void write_error(std::string_view line) override { error.emplace_back(line); }
  uid_t effective_uid() const override { return 0; }
  std::uint64_t random() override { return ++random_ * 0x9e3779b97f4a7c15U; }
  bool stop_requested() const override { return stopping; }

 private:
  struct Node;
  struct Place;  // a name in a directory, and what is there
  struct Opened;
  Outcome<Place> find(const std::string& path, bool follow) const;
  std::shared_ptr<Node> make(const std::string& path, mode_t mode);
  Outcome<> check(std::string_view verb, const std::string& path);
  Outcome<> check(std::string_view verb, Descriptor descriptor);
  void changed(std::string_view verb, const std::string& path);
  void touch(Node& node);
  static FileStatus status_of(const Node& node);
  static void store(Node& node);
  static int lose(Node& node, unsigned directories, bool data, int seen);

  std::shared_ptr<Node> root_;
  std::map<Descriptor, Opened> descriptors_;
  std::map<Descriptor, std::int64_t> marks_;
  Descriptor next_descriptor_ = 3;
  std::uint64_t next_inode_ = 1;
  std::int64_t ticks_ = 0;
  std::uint64_t random_ = 0;
  int generation_ = 0;
};

}  // namespace reference
