#include "simulator/durability/play_test_support.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace entryproof::durability {
namespace {

using node::InodeId;

std::vector<std::string> split(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> found;
  for (std::string word; words >> word;) found.push_back(word);
  return found;
}

class FailNextFsync : public node::Gate {
 public:
  bool armed = false;
  node::Ruling before(const node::Operation& operation) override {
    if (operation.verb != node::Verb::kFsync || !std::exchange(armed, false)) return {};
    node::Ruling ruling;
    ruling.error = node::Errno{EIO};
    return ruling;
  }
};

InodeId find(const node::Tree& tree, std::string_view path) {
  InodeId at = node::kRoot;
  while (!path.empty() && at != 0) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) at = tree.child(at, path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

}  // namespace

struct Play::Stage {
  VirtualClock clock;
  FailNextFsync gate;
  std::unique_ptr<node::Node> node;
  std::map<std::string, InodeId> open;
  bool strict = true;

  InodeId directory(const std::string& path) const { return find(node->tree(), path.substr(0, path.rfind('/'))); }
  static std::string name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
  InodeId file(const std::string& path) {
    if (path.starts_with("new:")) return open[path.substr(4)] = find(node->tree(), path.substr(4));
    const auto [found, fresh] = open.try_emplace(path);
    if (fresh) found->second = find(node->tree(), path);
    return found->second;
  }
  void play(std::string line, node::Caller caller);
  bool names(const std::vector<std::string>& words, const node::Caller& caller);
  bool insides(const std::vector<std::string>& words, const node::Caller& caller);
};

bool Play::Stage::names(const std::vector<std::string>& words, const node::Caller& caller) {
  const std::string& verb = words[0];
  const std::string& path = words[1];
  const auto mode = [&](unsigned preset) {
    return words.size() > 2 ? static_cast<mode_t>(std::strtoul(words[2].c_str(), nullptr, 8)) : static_cast<mode_t>(preset);
  };
  if (verb == "create") {
    const auto made = node->create(caller, directory(path), name(path), mode(0644), O_WRONLY | O_CREAT | O_EXCL);
    if (made) open[path] = *made;
    return made.has_value();
  }
  if (verb == "mkdir") return node->mkdir(caller, directory(path), name(path), mode(0755)).has_value();
  if (verb == "symlink") return node->symlink(caller, directory(words[2]), name(words[2]), path).has_value();
  if (verb == "unlink") return node->unlink(caller, directory(path), name(path)).has_value();
  if (verb == "rmdir") return node->rmdir(caller, directory(path), name(path)).has_value();
  if (verb == "link") return node->link(caller, find(node->tree(), path), directory(words[2]), name(words[2])).has_value();
  if (verb != "rename" && verb != "exchange") return false;
  const auto flag = verb == "rename" ? node::RenameFlag::kNone : node::RenameFlag::kExchange;
  return node->rename(caller, directory(path), name(path), directory(words[2]), name(words[2]), flag).has_value();
}

bool Play::Stage::insides(const std::vector<std::string>& words, const node::Caller& caller) {
  const std::string& verb = words[0];
  const InodeId inode = file(words[1]);
  if (!node->tree().attributes(inode)) return false;
  const auto size = [&] { return node->tree().attributes(inode)->size; };
  const auto write = [&](std::uint64_t offset, const std::string& text) { return node->write(caller, inode, offset, text).has_value(); };
  node::AttributeChange change;
  if (verb == "write") return write(0, words[2]);
  if (verb == "append") return write(size(), words[2]);
  if (verb == "at") return write(std::stoul(words[2]), words[3]);
  if (verb == "pages") {
    std::string text;
    for (const char letter : words[2]) text.append(4096, letter);
    return write(0, text);
  }
  if (verb == "empty") return node->open(caller, inode, O_WRONLY | O_TRUNC).has_value();
  if (verb == "truncate" || verb == "chmod") {
    if (verb == "truncate") change.size = std::stoul(words[2]);
    if (verb == "chmod") change.mode = static_cast<mode_t>(std::strtoul(words[2].c_str(), nullptr, 8));
    return node->set_attributes(caller, inode, change).has_value();
  }
  if (verb == "allocate") return node->allocate(caller, inode, 0, std::stoul(words[2]), false).has_value();
  if (verb == "fail-fsync") {
    gate.armed = true;
    return !node->fsync(caller, inode, false).has_value();
  }
  if (verb == "fdatasync") return node->fsync(caller, inode, true).has_value();
  if (verb != "fsync") return false;
  const bool directory = node->tree().attributes(inode)->type == node::FileType::kDirectory;
  return (directory ? node->fsync_directory(caller, inode) : node->fsync(caller, inode, false)).has_value();
}

void Play::Stage::play(std::string line, node::Caller caller) {
  if (line.starts_with("world: ")) {
    line.erase(0, 7);
    caller.actor = node::Actor::kWorld;
  }
  const std::vector<std::string> words = split(line);
  if (words.size() < 2) throw std::invalid_argument("not a line of a program: " + line);
  if (words[0] == "told") {
    node->mark(caller.actor, words[1]);
  } else if (!names(words, caller) && !insides(words, caller) && strict) {
    throw std::invalid_argument("cannot be played: " + line);
  }
}

Play::Play(const std::vector<std::string>& image, const std::vector<std::string>& program, bool strict)
    : stage_(std::make_unique<Stage>()) {
  stage_->node = std::make_unique<node::Node>(node::Tree(), stage_->clock);
  for (const std::string& line : image) stage_->play(line, {});
  const node::Tree made = stage_->node->tree();
  stage_->open.clear();
  stage_->strict = strict;
  stage_->node = std::make_unique<node::Node>(made, stage_->clock);
  stage_->node->set_gate(&stage_->gate);
  for (const std::string& line : program) stage_->play(line, {node::Actor::kBuild, {}, 0, 1});
  trace_.image = made;
  trace_.operations = stage_->node->journal().operations();
}

Play::~Play() = default;

const node::Node& Play::node() const { return *stage_->node; }

std::string look(const node::Tree& tree, const std::string& what) {
  const std::vector<std::string> words = split(what);
  if (words[0] == "is") return find(tree, words[1]) == find(tree, words[2]) ? "same" : "other";
  const InodeId inode = find(tree, words.back());
  if (inode == 0) return "-";
  const auto is = tree.attributes(inode).value();
  if (words[0] == "mode") {
    std::ostringstream text;
    text << std::oct << is.mode;
    return text.str();
  }
  if (is.type == node::FileType::kDirectory) return "dir";
  if (is.type == node::FileType::kSymlink) return "->" + tree.readlink(inode).value();
  if (is.size == 0) return "0";
  std::string bytes = tree.read_all(inode).value_or("?");
  std::ranges::replace(bytes, '\0', '.');
  if (bytes.size() <= 64) return bytes;
  std::string letters;
  for (std::size_t at = 0; at < bytes.size(); at += 4096) letters += bytes[at];
  return letters;
}

std::vector<std::string> inventory(const node::Tree& tree) {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, InodeId>> open{{"", node::kRoot}};
  while (!open.empty()) {
    const auto [path, inode] = open.back();
    open.pop_back();
    const auto is = tree.attributes(inode).value();
    std::ostringstream line;
    line << (path.empty() ? "/" : path) << ' ' << static_cast<int>(is.type) << ' ' << std::oct << is.mode << std::dec << ' ' << is.uid
         << ' ' << is.gid << ' ';
    if (is.type == node::FileType::kFile) line << tree.read_all(inode).value_or("?");
    if (is.type == node::FileType::kSymlink) line << tree.readlink(inode).value();
    lines.push_back(line.str());
    if (is.type != node::FileType::kDirectory) continue;
    const auto entries = tree.list(inode).value();
    for (const node::Entry& entry : entries) open.emplace_back(path + "/" + entry.name, entry.inode);
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace entryproof::durability
