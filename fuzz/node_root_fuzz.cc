// Any text as what lies in a node's root directory, read for an audit: what NodeRoot brings into its tree is what a naive walk through the
// same entries finds, and the audit's report keeps its promises. The text is an archive: each line that begins with "@ " begins an entry,
//     @ /PATH          a file, of what follows
//     @ /PATH/         a directory
//     @ /PATH |        a FIFO
//     @ /PATH -> TEXT  a symbolic link
// and an entry that cannot be made (nothing to lie in, a name that is taken) is left out.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/audit_report.h"
#include "fuzz/targets.h"
#include "simulator/audit/node_audit.h"
#include "simulator/audit/node_root.h"
#include "simulator/oracles/host.h"

namespace entryproof::fuzz {

namespace {

namespace fs = std::filesystem;
using node::FileType;

constexpr std::size_t kMostEntries = 40;
constexpr std::size_t kCap = 600;  // of bytes taken of one file
constexpr int kMostLinks = 40;
// Stands in a token, so that it can be looked for in what the audit says.
constexpr std::string_view kSecret = "zzyzx-plugh";

struct Entry {
  FileType type = FileType::kFile;
  std::string bytes;  // or where the link leads
};
// By path, without a final "/"; the root is "".
using Entries = std::map<std::string, Entry, std::less<>>;

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// Adds the entry and the directories that lead to it.
void add(Entries& entries, std::string_view path, Entry entry) {
  const auto parts = parts_of(path);
  std::string at;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& part = parts[i];
    if (part == ".." || part.size() > 255 || part.find('\0') != std::string::npos) return;
    if (entries.at(at).type != FileType::kDirectory) return;
    at += "/" + part;
    const bool last = i + 1 == parts.size();
    if (at.size() > 1000 || entries.size() > kMostEntries) return;
    entries.try_emplace(at, last ? std::move(entry) : Entry{FileType::kDirectory, {}});
  }
}

Entries read(std::string_view text) {
  Entries entries{{"", {FileType::kDirectory, {}}}};
  while (!text.empty()) {
    auto next = text.find("\n@ ");
    auto part = text.substr(0, next == std::string_view::npos ? next : next + 1);
    text.remove_prefix(part.size());
    if (!part.starts_with("@ ")) continue;
    part.remove_prefix(2);
    const auto end = std::min(part.find('\n'), part.size());
    auto path = part.substr(0, end);
    const auto bytes = part.substr(std::min(end + 1, part.size()));
    if (const auto arrow = path.find(" -> "); arrow != std::string_view::npos) {
      const auto target = path.substr(arrow + 4);
      if (!target.empty() && target.size() < 1000 && target.find('\0') == std::string_view::npos)
        add(entries, path.substr(0, arrow), {FileType::kSymlink, std::string(target)});
    } else if (path.ends_with(" |")) {
      add(entries, path.substr(0, path.size() - 2), {FileType::kFifo, {}});
    } else if (path.ends_with("/")) {
      add(entries, path, {FileType::kDirectory, {}});
    } else {
      add(entries, path, {FileType::kFile, std::string(bytes)});
    }
  }
  return entries;
}

// Where a path leads, links and all; nothing if nowhere.
std::optional<std::string> resolve(const Entries& entries, std::string_view path) {
  const auto first = parts_of(path);
  std::deque<std::string> parts(first.begin(), first.end());
  std::string at;
  for (int links = 0; !parts.empty();) {
    if (entries.at(at).type != FileType::kDirectory) return std::nullopt;
    const auto part = parts.front();
    parts.pop_front();
    if (part == "..") {
      at.resize(at.empty() ? 0 : at.rfind('/'));
      continue;
    }
    const auto found = entries.find(at + "/" + part);
    if (found == entries.end()) return std::nullopt;
    if (found->second.type != FileType::kSymlink) {
      at = found->first;
      continue;
    }
    if (++links > kMostLinks) return std::nullopt;
    const auto& target = found->second.bytes;
    if (target.starts_with('/')) at.clear();
    const auto more = parts_of(target);
    parts.insert(parts.begin(), more.begin(), more.end());
  }
  return at;
}

// The entries on this machine's disk, until the next input.
class Disk {
 public:
  Disk() : root_((fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path().string()) + "/entryproof-fuzz-XXXXXX") {
    demand(::mkdtemp(root_.data()) != nullptr);
  }
  ~Disk() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::string& fill(const Entries& entries) {
    for (const auto& entry : fs::directory_iterator(root_)) fs::remove_all(entry.path());
    for (const auto& [path, entry] : entries) {
      if (path.empty()) continue;
      const auto place = root_ + path;
      int failed = 0;
      switch (entry.type) {
        case FileType::kDirectory:
          failed = ::mkdir(place.c_str(), 0755);
          break;
        case FileType::kSymlink:
          failed = ::symlink(entry.bytes.c_str(), place.c_str());
          break;
        case FileType::kFifo:
          failed = ::mkfifo(place.c_str(), 0644);
          break;
        default:
          failed = (std::ofstream(place, std::ios::binary) << entry.bytes).good() ? 0 : -1;
          break;
      }
      demand(failed == 0);
    }
    return root_;
  }

 private:
  std::string root_;
};

void compare(const Entries& entries, audit::NodeRoot& root, const std::string& path, bool head) {
  root.take(path, kCap, head);
  demand(root.obstacle(path).empty());
  const auto expected = resolve(entries, path);
  const auto seen = oracles::resolve_on_host(root.tree(), path);
  demand(expected.has_value() == seen.has_value());
  if (!expected) return;
  const auto& entry = entries.at(*expected);
  const auto is = root.tree().attributes(*seen);
  demand(is && is->type == entry.type);
  if (entry.type != FileType::kFile) return;
  demand(is->size == entry.bytes.size());
  if (entry.bytes.size() <= kCap) demand(root.tree().read_all(*seen) == entry.bytes);
  if (entry.bytes.size() > kCap && head) demand(root.tree().read(*seen, 0, kCap) == entry.bytes.substr(0, kCap));
}

// Whether the secret stands in the text once, and there as a kubeconfig's token: nothing else may be taken for one.
bool is_told_as_a_token(std::string_view text) {
  const auto at = text.find(kSecret);
  if (at == std::string_view::npos || text.find(kSecret, at + 1) != std::string_view::npos) return false;
  const auto line = text.rfind('\n', at);
  return line != std::string_view::npos && text.substr(line, at - line).find(" token: ") != std::string_view::npos;
}

}  // namespace

void node_root(std::string_view bytes) {
  static Disk disk;
  const auto entries = read(bytes);
  const auto& directory = disk.fill(entries);
  // Each way of taking has a tree of its own: what was read once is not read again.
  for (const bool head : {false, true}) {
    auto root = audit::NodeRoot::open(directory);
    demand(root.has_value());
    for (const auto& [path, entry] : entries) {
      compare(entries, *root, path.empty() ? "/" : path, head);
      compare(entries, *root, path + "/../a", head);
      if (entry.type == FileType::kSymlink) compare(entries, *root, path + "/a", head);
    }
  }
  auto listed = audit::NodeRoot::open(directory);
  demand(listed.has_value());
  listed->take_directory("/etc/cni/net.d", kCap, [](std::string_view) { return true; });
  const auto net_dir = resolve(entries, "/etc/cni/net.d");
  for (auto entry = entries.upper_bound(net_dir.value_or("") + "/"); net_dir && entry != entries.end(); ++entry) {
    if (!entry->first.starts_with(*net_dir + "/")) break;
    if (entry->first.find('/', net_dir->size() + 1) != std::string::npos) continue;
    demand(oracles::resolve_on_host(listed->tree(), "/etc/cni/net.d" + entry->first.substr(net_dir->size())).has_value() ==
           resolve(entries, entry->first).has_value());
  }

  const auto report = audit::audit_node({.root = directory, .now = 1'767'225'600, .net_dir = {}, .bin_dir = {}});
  demand(report.has_value());
  demand_sound(*report, 0);
  if (is_told_as_a_token(bytes)) demand_silent(*report, kSecret);
  demand_rendered({*report});
}

}  // namespace entryproof::fuzz
