// Publisher: files that a reader, and a power cut, find old or new but never in between.
//
// A new content goes to a temporary file of ours in the target's own directory (made exclusively, never through a link, under a name that
// no container runtime loads), gets its mode before its data, is synced, renamed over the target, and the directory is synced. What is
// right already is not touched. Whatever fails leaves the target as it was and no temporary file; what fails again and again is tried less
// often, so that a full disk is not kept busy.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reference/host.h"
#include "reference/problem.h"

namespace reference {

class Publisher {
 public:
  explicit Publisher(Host& host) : host_(host), user_(host.effective_uid()) {}

  // Makes `path` a regular file with exactly these bytes, this mode and our owner. True if it had to be written. On success it is durable,
  // also if an earlier process wrote it and did not live to sync it.
  Result<bool> publish(const std::string& path, std::string_view bytes, mode_t mode);

  // The same for a copy of a program, which may be large: mode 0755, compared by content once and by status from then on. The copy is read
  // back and compared before anybody can execute it.
  Result<bool> install(const std::string& source, const std::string& path);

  enum class Directory {
    kOwn,     // has this mode and our owner, whoever made it
    kShared,  // one that is there stays as it is
  };
  // Makes `directory` if it is missing. Its parent must be there. True if something had to be done. On success its entry is durable.
  Result<bool> make_directory(const std::string& directory, mode_t mode, Directory kind = Directory::kOwn);

  Result<bool> remove(const std::string& path);                         // durably; false if there was none
  Result<bool> remove_directory(const std::string& directory);          // durably, if it is empty; false if it is not, or there was none
  Result<bool> rename(const std::string& from, const std::string& to);  // within one directory, durably; false if there was none

  // Removes the temporary files that an earlier life of ours left in a directory. False if one of them is still there.
  bool sweep(const std::string& directory);

  // What else had to give way to our files since the last call, for the log.
  std::vector<std::string> take_notes();

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
  using Check = std::function<Result<>(const std::string& temporary)>;  // the last look before it becomes visible
  struct Work {
    Fill fill;
    Check check;
    std::chrono::milliseconds longest_pause;
  };
  struct Failure {
    int count = 0;
    std::chrono::nanoseconds next{};  // not tried before
    Problem problem;
  };

  bool is_right(const std::string& path, std::string_view bytes, mode_t mode, FileStatus& status);
  bool is_copy(const std::string& source, const FileStatus& source_status, const std::string& path, const FileStatus& status);
  bool owned(const std::string& path, const FileStatus& status) const;
  Result<> settle(const std::string& path, const FileStatus& status);
  bool same_content(const std::string& left_path, const std::string& right_path);
  Result<> replace(const std::string& path, const Work& work);
  Result<> try_to_replace(const std::string& path, const Work& work);
  void tidy();
  Result<> finish(const std::string& path, const FileStatus& made);
  Result<FileStatus> fill_and_rename(const std::string& temporary, const std::string& path, Host::Descriptor descriptor, const Work& work);
  Result<> own(Host::Descriptor descriptor, const FileStatus& status, const std::string& path);
  Result<bool> keep_directory(const std::string& directory, mode_t mode, Directory kind, const FileStatus& status);
  Result<> displace_directory(const std::string& path);
  Result<> sync_directory(const std::string& directory);
  Result<> sync_opened(const std::string& directory, Host::Descriptor descriptor);
  Result<> write_all(Host::Descriptor descriptor, std::string_view bytes, const std::string& path);
  std::string hidden_name(const std::string& directory, std::string_view ending);

  Host& host_;
  const uid_t user_;                         // whose our files are
  std::map<std::string, FileStatus> known_;  // what stood at a path when it was last made sure of
  std::set<std::string> doubtful_;           // whose last sync failed
  std::map<std::string, Copy> copies_;
  std::map<std::string, FileStatus> directories_;  // those whose entry is durable
  std::map<std::string, Failure> failures_;        // by target
  std::vector<std::string> leftovers_;             // temporary files that could not be removed yet
  std::vector<std::string> notes_;
};

}  // namespace reference
