// Any bytes as a sequence of file-system requests, eight bytes each: the node answers as the naive one does, error for error, and in the
// end both hold the same tree. A snapshot that was taken on the way is what it was.
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/naive_node.h"
#include "fuzz/targets.h"
#include "simulator/base/clock.h"
#include "simulator/node/node.h"

namespace entryproof::fuzz {

namespace {

using node::FileType;
using node::InodeId;
using node::Outcome;

constexpr std::size_t kMostRequests = 200;

struct Request {
  std::uint8_t verb = 0, one = 0, two = 0, name = 0, new_name = 0, mode = 0, offset = 0, size = 0;
};

// Everything below a directory, as text.
void print(const node::Tree& tree, InodeId inode, const std::string& path, std::string& out) {
  const auto is = tree.attributes(inode);
  demand(is.has_value());
  out += path + " " + std::to_string(static_cast<int>(is->type)) + " " + std::to_string(is->mode) + " " + std::to_string(is->links);
  if (is->type == FileType::kFile) out += " " + tree.read_all(inode).value();
  if (is->type == FileType::kSymlink) out += " " + tree.readlink(inode).value();
  out += "\n";
  if (is->type != FileType::kDirectory) return;
  const auto entries = tree.list(inode).value();
  for (const auto& entry : entries) print(tree, entry.inode, path + "/" + entry.name, out);
}

void print(const NaiveNode& naive, NaiveNode::Id id, const std::string& path, std::string& out) {
  const auto& thing = *naive.look(id);
  out += path + " " + std::to_string(static_cast<int>(thing.type)) + " " + std::to_string(thing.mode) + " " +
         std::to_string(naive.link_count(id));
  if (thing.type != FileType::kDirectory) out += " " + thing.bytes;
  out += "\n";
  for (const auto& [name, child] : thing.names) print(naive, child, path + "/" + name, out);
}

class Twins {
 public:
  Twins() : node_(node::Tree(), clock_) {}

  void play(const Request& request) {
    const auto one = known(request.one);
    const auto two = known(request.two);
    const auto name = name_of(request.name);
    const auto new_name = name_of(request.new_name);
    const auto mode = static_cast<mode_t>(request.mode & 0777U);
    const std::size_t offset = request.offset * 97U;
    switch (request.verb % 16) {
      case 0:
        return same(naive_.lookup(one, name), node_.lookup(kRootUser, inodes_[one], name));
      case 1:
        return made(naive_.make(one, name, FileType::kFile, mode, ""), node_.create(kRootUser, inodes_[one], name, mode, O_RDWR), true);
      case 2:
        return made(naive_.make(one, name, FileType::kDirectory, mode, ""), node_.mkdir(kRootUser, inodes_[one], name, mode), false);
      case 3:
        return made(naive_.make(one, name, FileType::kSymlink, 0777, new_name), node_.symlink(kRootUser, inodes_[one], name, new_name),
                    false);
      case 4:
        return same(naive_.link(one, two, name), node_.link(kRootUser, inodes_[one], inodes_[two], name));
      case 5:
        return same(naive_.unlink(one, name), node_.unlink(kRootUser, inodes_[one], name));
      case 6:
        return same(naive_.rmdir(one, name), node_.rmdir(kRootUser, inodes_[one], name));
      case 7:
      case 8: {
        const auto how = static_cast<std::uint8_t>(request.mode % 3);
        return same(naive_.rename(one, name, two, new_name, static_cast<NaiveNode::Rename>(how)),
                    node_.rename(kRootUser, inodes_[one], name, inodes_[two], new_name, static_cast<node::RenameFlag>(how)));
      }
      case 9:
      case 10:
        return write(one, offset, std::string(request.size * 33U, static_cast<char>('a' + request.size % 26)));
      case 11: {
        node::AttributeChange change;
        change.size = offset;
        return same(naive_.truncate(one, offset), node_.set_attributes(kRootUser, inodes_[one], change));
      }
      case 12: {
        node::AttributeChange change;
        change.mode = mode;
        return same(naive_.chmod(one, mode), node_.set_attributes(kRootUser, inodes_[one], change));
      }
      case 13:
        return open(one, (request.mode & 1U) != 0, (request.mode & 2U) != 0);
      case 14:
        if (!held_.empty()) let_go(request.two % held_.size());
        return;
      default:
        snapshot_ = node_.tree();
        picture_.clear();
        print(snapshot_, node::kRoot, "", picture_);
        return;
    }
  }

  void conclude() {
    while (!held_.empty()) let_go(held_.size() - 1);
    std::string expected;
    std::string seen;
    print(naive_, 0, "", expected);
    print(node_.tree(), node::kRoot, "", seen);
    demand(expected == seen);
    demand(node_.tree().inodes_used() == naive_.alive());
    demand(node_.tree().orphans().empty());
    if (picture_.empty()) return;
    std::string again;
    print(snapshot_, node::kRoot, "", again);
    demand(again == picture_);
  }

 private:
  static inline const node::Caller kRootUser{};

  NaiveNode::Id known(std::uint8_t number) const { return number % inodes_.size(); }

  static std::string name_of(std::uint8_t number) {
    static const std::array<std::string, 8> kNames = {"a", "b", "c", "d", "a", "b", "e", std::string(256, 'x')};
    return kNames.at(number % kNames.size());
  }

  template <class T, class U>
  void same(const Outcome<T>& expected, const Outcome<U>& seen) {
    const auto number = [](const auto& outcome) { return outcome ? 0 : static_cast<int>(outcome.error()); };
    if (number(expected) == number(seen)) return;
    // What is gone cannot be asked for by anybody; which of two refusals comes first is nobody's business.
    if (number(expected) != 0 && number(seen) != 0 && (number(expected) == ESTALE || number(seen) == ESTALE)) return;
    std::fprintf(stderr, "naive: error %d, node: error %d\n", number(expected), number(seen));
    demand(false);
  }

  void made(const Outcome<NaiveNode::Id>& expected, const Outcome<InodeId>& seen, bool pinned) {
    same(expected, seen);
    if (!expected) return;
    demand(*expected == inodes_.size());
    inodes_.push_back(*seen);
    if (pinned) node_.unpin(*seen);
  }

  void write(NaiveNode::Id id, std::size_t offset, const std::string& bytes) {
    const auto written = node_.write(kRootUser, inodes_[id], offset, bytes);
    same(naive_.write(id, offset, bytes), written);
    if (!written) return;
    demand(*written == bytes.size());
    demand(node_.read(kRootUser, inodes_[id], 0, 1U << 20) == naive_.look(id)->bytes);
  }

  void open(NaiveNode::Id id, bool for_writing, bool truncates) {
    const int flags = (for_writing ? O_RDWR : O_RDONLY) | (truncates ? O_TRUNC : 0);
    const auto may = naive_.open(id, for_writing, truncates);
    same(may, node_.open(kRootUser, inodes_[id], flags));
    if (!may) return;
    if (truncates) static_cast<void>(naive_.truncate(id, 0));
    naive_.hold(id);
    held_.push_back(id);
  }

  void let_go(std::size_t which) {
    const auto id = held_[which];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
    naive_.let_go(id);
    node_.unpin(inodes_[id]);
  }

  VirtualClock clock_;
  node::Node node_;
  NaiveNode naive_;
  std::vector<InodeId> inodes_{node::kRoot};
  std::vector<NaiveNode::Id> held_;
  node::Tree snapshot_;
  std::string picture_;  // of the snapshot, when it was taken
};

}  // namespace

void node_sequence(std::string_view bytes) {
  Twins twins;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  for (std::size_t i = 0; i + kRecordBytes <= bytes.size() && i / kRecordBytes < kMostRequests; i += kRecordBytes)
    twins.play({at(i), at(i + 1), at(i + 2), at(i + 3), at(i + 4), at(i + 5), at(i + 6), at(i + 7)});
  twins.conclude();
}

}  // namespace entryproof::fuzz
