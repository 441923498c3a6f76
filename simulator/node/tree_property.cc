// Whatever is done to one tree, its snapshots stay what they were; and the books are right.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "simulator/node/tree.h"

namespace entryproof::node {
namespace {

std::vector<Entry> entries_of(const Tree& tree, InodeId directory) { return tree.list(directory).value(); }

// Everything a tree holds, as text.
void print(const Tree& tree, InodeId inode, const std::string& path, std::string& out) {
  const Attributes is = tree.attributes(inode).value();
  out += path + " #" + std::to_string(inode) + " m" + std::to_string(is.mode) + " l" + std::to_string(is.links) + " s" +
         std::to_string(is.size) + " c" + std::to_string(is.ctime_ns) + " v" + std::to_string(tree.version(inode));
  if (is.type == FileType::kFile) out += " " + tree.read_all(inode).value();
  if (is.type == FileType::kSymlink) out += " -> " + tree.readlink(inode).value();
  out += "\n";
  if (is.type != FileType::kDirectory) return;
  for (const Entry& entry : entries_of(tree, inode)) print(tree, entry.inode, path + "/" + entry.name, out);
}

std::string print(const Tree& tree) {
  std::string out = std::to_string(tree.bytes_used()) + " " + std::to_string(tree.inodes_used()) + "\n";
  print(tree, kRoot, "", out);
  return out;
}

void ignore(const auto&) {}

// One random change; many fail, which must not matter.
void change(Tree& tree, const std::vector<int>& dice) {
  const auto name = [](int n) { return "n" + std::to_string(n % 5); };
  const std::vector<Entry> top = tree.list(kRoot).value();
  std::vector<InodeId> directories{kRoot};
  std::vector<InodeId> files;
  for (const Entry& entry : top) (entry.type == FileType::kDirectory ? directories : files).push_back(entry.inode);
  const auto any = [](const std::vector<InodeId>& from, int n) { return from[static_cast<std::size_t>(n) % from.size()]; };
  const InodeId here = any(directories, dice[1]);
  const InodeId there = any(directories, dice[2]);
  const InodeId one = files.empty() ? kRoot : any(files, dice[3]);
  const auto offset = static_cast<std::uint64_t>(dice[4]) * 97 % 9000;
  const auto flag = static_cast<RenameFlag>(dice[5] % 3);
  AttributeChange shorter;
  shorter.size = offset;
  switch (dice[0] % 9) {
    case 0:
      ignore(tree.create({}, here, name(dice[3]), 0644, 1));
      break;
    case 1:
      ignore(tree.mkdir({}, here, name(dice[3]), 0755, 1));
      break;
    case 2:
      ignore(tree.write(one, offset, std::string(1 + offset / 3, static_cast<char>('a' + dice[5] % 26)), 1));
      break;
    case 3:
      ignore(tree.set_attributes({}, one, shorter, 1));
      break;
    case 4:
      if (const auto gone = tree.unlink({}, here, name(dice[3]), 1)) tree.reap(*gone);
      break;
    case 5:
      if (const auto gone = tree.rmdir({}, here, name(dice[3]), 1)) tree.reap(*gone);
      break;
    case 6:
      if (const auto gone = tree.rename({}, here, name(dice[3]), there, name(dice[4]), flag, 1); gone && *gone) tree.reap(**gone);
      break;
    case 7:
      ignore(tree.link({}, one, there, name(dice[3]), 1));
      break;
    default:
      ignore(tree.symlink({}, here, name(dice[3]), name(dice[4]), 1));
      break;
  }
}

std::vector<std::vector<int>> some_changes() {
  const auto dice = rc::gen::container<std::vector<int>>(6, rc::gen::inRange(0, 1000));
  return *rc::gen::container<std::vector<std::vector<int>>>(rc::gen::resize(100, dice));
}

RC_GTEST_PROP(TreeSnapshots, StayWhatTheyWere, ()) {
  Tree tree;
  std::vector<std::pair<Tree, std::string>> snapshots;
  for (const std::vector<int>& dice : some_changes()) {
    if (dice[5] % 3 == 0) snapshots.emplace_back(tree, print(tree));
    change(tree, dice);
    // Now and then a snapshot is lived on, and the old line goes on beside it.
    if (dice[5] % 7 == 0 && !snapshots.empty()) {
      Tree fork = snapshots.back().first;
      change(fork, dice);
      std::swap(tree, fork);
      snapshots.emplace_back(fork, print(fork));
    }
  }
  for (const auto& [snapshot, text] : snapshots) RC_ASSERT(print(snapshot) == text);
}

// Links, inodes and pages as counted by looking, against the tree's own figures.
void count(const Tree& tree, InodeId directory, std::map<InodeId, std::uint32_t>& names) {
  std::uint32_t below = 0;
  for (const Entry& entry : entries_of(tree, directory)) {
    const Attributes is = tree.attributes(entry.inode).value();
    RC_ASSERT(is.type == entry.type);
    ++names[entry.inode];
    if (entry.type != FileType::kDirectory) continue;
    ++below;
    RC_ASSERT(tree.lookup({}, entry.inode, "..").value() == directory);
    RC_ASSERT(tree.lookup({}, directory, entry.name).value() == entry.inode);
    count(tree, entry.inode, names);
  }
  RC_ASSERT(tree.attributes(directory)->links == below + 2);
}

RC_GTEST_PROP(TreeBooks, AgreeWithWhatIsThere, ()) {
  Tree tree;
  for (const std::vector<int>& dice : some_changes()) change(tree, dice);
  std::map<InodeId, std::uint32_t> names;
  count(tree, kRoot, names);
  RC_ASSERT(tree.inodes_used() == names.size() + 1);
  RC_ASSERT(tree.orphans().empty());
  for (const auto& [inode, links] : names) {
    const Attributes is = tree.attributes(inode).value();
    if (is.type != FileType::kDirectory) RC_ASSERT(is.links == links);
    RC_ASSERT(tree.path_of(inode).starts_with("/n"));
  }
  // Once everything is removed nothing is used.
  while (!tree.list(kRoot)->empty()) {
    for (const Entry& entry : entries_of(tree, kRoot)) {
      for (const Entry& inner : entry.type == FileType::kDirectory ? entries_of(tree, entry.inode) : std::vector<Entry>{}) {
        const auto up =
            tree.rename({}, entry.inode, inner.name, kRoot, "up" + std::to_string(entry.inode) + inner.name, RenameFlag::kNone, 1);
        RC_ASSERT(up.has_value());
      }
      const auto gone = entry.type == FileType::kDirectory ? tree.rmdir({}, kRoot, entry.name, 1) : tree.unlink({}, kRoot, entry.name, 1);
      RC_ASSERT(gone.has_value());
      tree.reap(*gone);
    }
  }
  RC_ASSERT(tree.bytes_used() == 0U);
  RC_ASSERT(tree.inodes_used() == 1U);
}

}  // namespace
}  // namespace entryproof::node
