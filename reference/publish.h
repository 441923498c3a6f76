// Publisher: files that a reader, and a power cut, find old or new but never in between.
//
// A new content goes to a temporary file of ours in the target's own directory (made exclusively, never through a link, under a name that
// no container runtime loads), gets its mode before its data, is synced, renamed over the target, and the directory is synced. What is
// right already is not touched. Whatever fails leaves the target as it was and no temporary file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reference/host.h"
#include "reference/problem.h"

namespace reference {

class Publisher {
 public:
  explicit Publisher(Host& host) : host_(host) {}

  // Makes `path` a regular file with exactly these bytes, this mode and our owner. True if it had to be written. On success it is durable,
  // also if an earlier process wrote it and did not live to sync it.
  Result<bool> publish(const std::string& path, std::string_view bytes, mode_t mode);

  // The same for a copy of a program, which may be large: mode 0755, compared by content once and by status from then on.
  Result<bool> install(const std::string& source, const std::string& path);

  // Makes `directory` if it is missing. Its parent must be there. One that is there keeps its mode.
  Result<bool> make_directory(const std::string& directory, mode_t mode);

  Result<bool> remove(const std::string& path);                         // durably; false if there was none
  Result<bool> rename(const std::string& from, const std::string& to);  // within one directory, durably; false if there was none

  // Removes the temporary files that an earlier life of ours left in a directory.
  void sweep(const std::string& directory);

  // Is what stands at `path` the very file that we published or found right last?
  bool is_ours(const std::string& path);
  // The name in its directory under which the file now stands that we published at `path`; empty if it is nowhere.
  std::string moved_to(const std::string& path);

 private:
  struct Copy {
    FileStatus source;
    FileStatus target;
  };
  using Fill = std::function<Result<>(Host::Descriptor)>;

  bool is_right(const std::string& path, std::string_view bytes, mode_t mode, FileStatus& status);
  bool is_copy(const std::string& source, const FileStatus& source_status, const std::string& path, const FileStatus& status);
  bool owned(const std::string& path, const FileStatus& status) const;
  Result<> settle(const std::string& path, const FileStatus& status);
  Result<> replace(const std::string& path, const Fill& fill);
  void tidy();
  Result<> finish(const std::string& path, const FileStatus& made);
  Result<FileStatus> fill_and_rename(const std::string& temporary, const std::string& path, Host::Descriptor descriptor, const Fill& fill);
  Result<> displace_directory(const std::string& path);
  Result<> sync_directory(const std::string& directory);
  Result<> write_all(Host::Descriptor descriptor, std::string_view bytes, const std::string& path);
  std::string hidden_name(const std::string& directory, std::string_view ending);

  Host& host_;
  std::map<std::string, FileStatus> known_;  // what stood at a path when it was last made sure of
  std::map<std::string, Copy> copies_;
  std::map<std::string, std::uint64_t> directories_;  // the inodes of directories whose entry is durable
  std::vector<std::string> leftovers_;                // temporary files that could not be removed yet
};

}  // namespace reference
