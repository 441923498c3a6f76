#include "simulator/subjects/census.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/descriptor.h"

namespace entryproof::subjects {
namespace {

std::string slurp(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file) return text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; text.size() < 65536 && (got = read(file.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// The state letter after the name, which may itself hold anything: "12 (a b) S 1 …".
char state_of(const std::string& stat) {
  const auto after_name = stat.rfind(") ");
  return after_name == std::string::npos || after_name + 2 >= stat.size() ? 'X' : stat[after_name + 2];
}

bool waits(char state) { return state == 'S' || state == 'T' || state == 't' || state == 'Z' || state == 'X'; }

std::uint64_t kilobytes(const std::string& status, std::string_view field) {
  const auto at = status.find(field);
  if (at == std::string::npos) return 0;
  const auto digits = status.find_first_of("0123456789", at + field.size());
  std::uint64_t value = 0;
  if (digits != std::string::npos) std::from_chars(status.data() + digits, status.data() + status.size(), value);
  return value;
}

// The entries of a directory of /proc but "." and ".."; -1 if it may not be read.
std::int64_t count_entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (directory == nullptr) return -1;
  std::int64_t count = 0;
  while (const dirent* entry = readdir(directory.get())) count += entry->d_name[0] != '.' ? 1 : 0;
  return count;
}

void add_children(const std::string& text, std::vector<pid_t>& pids) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc()) pids.push_back(pid);
    at = next + 1;
  }
}

}  // namespace

Census take_census(pid_t init, const CensusRequest& request) {
  Census census;
  std::vector<pid_t> pids{init};
  for (std::size_t i = 0; i < pids.size(); ++i) {
    const auto process = "/proc/" + std::to_string(pids[i]);
    const std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir((process + "/task").c_str()), closedir);
    if (tasks == nullptr) continue;
    while (const dirent* entry = readdir(tasks.get())) {
      if (entry->d_name[0] == '.') continue;
      const auto task = process + "/task/" + entry->d_name;
      ++census.tasks;
      if (!waits(state_of(slurp(task + "/stat")))) census.idle = false;
      if ((request.until_busy && !census.idle) || census.tasks > request.until_tasks) return census;
      add_children(slurp(task + "/children"), pids);
    }
    if (request.descriptors) {
      const auto open = count_entries(process + "/fd");
      census.refused = census.refused || (open < 0 && errno != ENOENT);
      census.descriptors += static_cast<std::uint64_t>(std::max<std::int64_t>(open, 0));
    }
    if (request.memory) {
      const auto status = slurp(process + "/status");
      census.memory_bytes += 1024 * (kilobytes(status, "RssAnon:") + kilobytes(status, "RssShmem:"));
    }
  }
  return census;
}

}  // namespace entryproof::subjects
