#include "simulator/subjects/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>

namespace entryproof::subjects {
namespace {

constexpr std::string_view kPrefix = "entryproof-";

bool write_file(const std::string& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool names(const std::string& list, const std::string& word, char separator) {
  const auto parts = split(list, separator);
  return std::ranges::find(parts, word) != parts.end();
}

// When the process began, in clock ticks since boot; "" if there is none.
std::string start_of(pid_t pid) {
  const auto line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const auto after_name = line.rfind(')');
  if (after_name == std::string::npos) return {};
  const auto fields = split(line.substr(after_name + 2), ' ');
  return fields.size() > 19 ? fields[19] : std::string();
}

// The directory of this process's group for a controller ("" = the v2 hierarchy), or "".
std::string own_directory(const std::string& controller) {
  std::string group;
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {  // "8:pids:/a/b"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : names(controllers, controller, ',')) group = line.substr(second + 1);
  }
  if (group.empty()) return {};
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {  // "30 23 0:27 ROOT POINT opts … - cgroup SOURCE OPTIONS"
    const auto fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    if (dash[1] != (controller.empty() ? "cgroup2" : "cgroup")) continue;
    if (!controller.empty() && !names(dash[3], controller, ',')) continue;
    const auto& root = fields[3];
    if (root != "/" && !group.starts_with(root)) return fields[4];
    const auto below = root == "/" ? group : group.substr(root.size());
    return below == "/" ? fields[4] : fields[4] + below;
  }
  return {};
}

std::vector<std::string> children(const std::string& directory) {
  std::vector<std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(opendir(directory.c_str()), closedir);
  if (handle == nullptr) return found;
  while (const dirent* entry = readdir(handle.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') found.emplace_back(entry->d_name);
  }
  return found;
}

// A dead group holds no process, so that removing it is always right; one that is alive answers EBUSY.
void remove_tree(const std::string& directory) {
  for (const auto& child : children(directory)) rmdir((directory + "/" + child).c_str());
  rmdir(directory.c_str());
}

void remove_stale(const std::string& directory) {
  for (const auto& child : children(directory)) {
    if (!child.starts_with(kPrefix)) continue;
    const auto parts = split(child.substr(kPrefix.size()), '-');
    pid_t pid = 0;
    if (parts.size() != 2 || std::from_chars(parts[0].data(), parts[0].data() + parts[0].size(), pid).ec != std::errc()) continue;
    if (start_of(pid) != parts[1]) remove_tree(directory + "/" + child);
  }
}

std::uint64_t counter_of(const Descriptor& events, const std::string& counter) {
  std::array<char, 1024> text{};
  const auto got = pread(events.get(), text.data(), text.size(), 0);
  if (got <= 0) return 0;
  for (const auto& line : split(std::string(text.data(), static_cast<std::size_t>(got)), '\n')) {
    if (!line.starts_with(counter + " ")) continue;
    std::uint64_t value = 0;
    std::from_chars(line.data() + counter.size() + 1, line.data() + line.size(), value);
    return value;
  }
  return 0;
}

}  // namespace

std::vector<int> Cgroups::Group::procs() const {
  std::vector<int> descriptors;
  for (const auto& part : parts_) {
    if (part.procs) descriptors.push_back(part.procs.get());
  }
  return descriptors;
}

std::vector<Excess> Cgroups::Group::excesses() {
  std::vector<Excess> found;
  for (const auto& part : parts_) {
    if (counter_of(part.events, part.counter) > 0) found.push_back(part.meaning);
  }
  return found;
}

bool Cgroups::Group::remove() {
  std::erase_if(parts_, [](Part& part) {
    part.procs.reset();
    part.events.reset();
    return rmdir(part.directory.c_str()) == 0 || errno == ENOENT;
  });
  return parts_.empty();
}

bool Cgroups::prepare_v2(const std::string& name) {
  const auto own = own_directory("");
  if (own.empty()) return false;
  const auto available = first_line(own + "/cgroup.controllers");
  if (!names(available, "pids", ' ') || !names(available, "memory", ' ')) return false;
  remove_stale(own);
  // Refused (EBUSY) where the harness's own group has processes and is not the root: then only the watchdog is left.
  write_file(own + "/cgroup.subtree_control", "+pids +memory");
  const auto parent = own + "/" + name;
  if (mkdir(parent.c_str(), 0755) != 0) return false;
  if (!write_file(parent + "/cgroup.subtree_control", "+pids +memory")) {
    rmdir(parent.c_str());
    return false;
  }
  parents_ = {parent};
  kind_ = Kind::kV2;
  return true;
}

bool Cgroups::prepare_v1(const std::string& name) {
  std::vector<std::string> made;
  for (const std::string controller : {"pids", "memory"}) {
    const auto own = own_directory(controller);
    if (!own.empty()) remove_stale(own);
    const auto parent = own + "/" + name;
    if (own.empty() || mkdir(parent.c_str(), 0755) != 0) {
      for (const auto& directory : made) rmdir(directory.c_str());
      return false;
    }
    made.push_back(parent);
  }
  parents_ = std::move(made);
  kind_ = Kind::kV1;
  return true;
}

Cgroups Cgroups::prepare(pid_t harness) {
  Cgroups cgroups;
  const auto name = std::string(kPrefix) + std::to_string(harness) + "-" + start_of(harness);
  if (!cgroups.prepare_v2(name)) cgroups.prepare_v1(name);
  return cgroups;
}

Result<Cgroups::Group> Cgroups::create(std::uint64_t id, const SandboxLimits& limits) const {
  Group group;
  const auto memory = std::to_string(limits.memory_bytes);
  const auto processes = std::to_string(limits.processes);
  for (const auto& parent : parents_) {
    Group::Part part;
    part.directory = parent + "/" + std::to_string(id);
    if (mkdir(part.directory.c_str(), 0755) != 0) {
      const int error = errno;
      group.remove();
      return fail_errno("mkdir", part.directory, error);
    }
    group.parts_.push_back(std::move(part));
  }
  const auto set = [&](Group::Part& part, const char* file, const std::string& value, bool needed) -> Result<> {
    const auto path = part.directory + "/" + file;
    if (!write_file(path, value) && needed) return fail_errno("write " + value + " to", path, errno);
    return {};
  };
  const auto watch = [](Group::Part& part, Excess meaning, const char* events, const char* counter) {
    part.meaning = meaning;
    part.counter = counter;
    part.events.reset(open((part.directory + "/" + events).c_str(), O_RDONLY | O_CLOEXEC));
  };
  Result<> done;
  if (kind_ == Kind::kV2) {
    auto& both = group.parts_.front();
    if (done) done = set(both, "pids.max", processes, true);
    if (done) done = set(both, "memory.max", memory, true);
    if (done) done = set(both, "memory.swap.max", "0", false);
    if (done) done = set(both, "memory.oom.group", "1", false);
    watch(both, Excess::kMemory, "memory.events", "oom_kill");
    // A second part on the same directory: it only watches, and is removed with the first.
    Group::Part pids;
    pids.directory = both.directory;
    watch(pids, Excess::kProcesses, "pids.events", "max");
    both.procs.reset(open((both.directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    group.parts_.push_back(std::move(pids));
  } else {
    auto& pids = group.parts_[0];
    auto& heap = group.parts_[1];
    if (done) done = set(pids, "pids.max", processes, true);
    if (done) done = set(heap, "memory.limit_in_bytes", memory, true);
    if (done) done = set(heap, "memory.memsw.limit_in_bytes", memory, false);
    watch(pids, Excess::kProcesses, "pids.events", "max");
    watch(heap, Excess::kMemory, "memory.oom_control", "oom_kill");
    for (auto& part : group.parts_) part.procs.reset(open((part.directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  }
  if (!done) {
    group.remove();
    return std::unexpected(done.error());
  }
  return group;
}

void Cgroups::remove() const {
  for (const auto& parent : parents_) remove_tree(parent);
}

}  // namespace entryproof::subjects
