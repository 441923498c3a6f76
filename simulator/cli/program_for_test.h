// Runs the programs of the build tree for end-to-end tests, and reads what they stored.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/reports/run.h"

namespace entryproof::cli {

struct Ended {
  int exit_code = -1;  // 128 + N when a signal ended it
  std::string out;
  std::string err;
};

// Runs a program without a shell and waits for it. Environment entries are added to this process's own.
Ended run_program(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment = {});

// A directory of its own below the test's temporary one, removed with the object.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }
  // Writes a file there and gives its path.
  std::string write(const std::string& name, const std::string& bytes, unsigned mode = 0644) const;

 private:
  std::string path_;
};

// `entryproof run ARGUMENTS`, with what it stored. `failed` and `judged` are check ids by build.
struct Judged {
  Ended ended;
  reports::Run run;
  std::map<std::string, std::set<std::string>> failed;
  std::map<std::string, std::set<std::string>> not_tested;
  std::map<std::string, std::set<std::string>> judged;
};
Judged judge(std::vector<std::string> arguments);
// Several of them, some at a time: they are mostly waiting. In the order of `runs`.
std::vector<Judged> judge_side_by_side(const std::vector<std::vector<std::string>>& runs);

// build/bin/NAME of this build.
std::string program(const std::string& name);

}  // namespace entryproof::cli
