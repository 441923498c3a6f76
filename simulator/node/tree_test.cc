#include "simulator/node/tree.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace entryproof::node {
namespace {

constexpr Credentials kRootUser{};
constexpr Credentials kAlice{1000, 1000, false};
constexpr Credentials kBob{1001, 1001, false};

template <class T>
int error_of(const Outcome<T>& outcome) {
  return outcome ? 0 : static_cast<int>(outcome.error());
}

class TreeTest : public ::testing::Test {
 protected:
  InodeId file(std::string_view name, std::string_view bytes = {}, InodeId in = kRoot, Credentials who = kRootUser, mode_t mode = 0644) {
    const InodeId made = tree.create(who, in, name, mode, now).value();
    EXPECT_EQ(tree.write(made, 0, bytes, now).value(), bytes.size());
    return made;
  }
  InodeId directory(std::string_view name, InodeId in = kRoot, Credentials who = kRootUser, mode_t mode = 0755) {
    return tree.mkdir(who, in, name, mode, now).value();
  }
  int rename(InodeId from, std::string_view name, InodeId to, std::string_view new_name, RenameFlag flag = RenameFlag::kNone,
             Credentials who = kRootUser) {
    return error_of(tree.rename(who, from, name, to, new_name, flag, now));
  }
  mode_t mode_of(InodeId inode) { return tree.attributes(inode)->mode; }

  std::int64_t now = 1'000'000;
  Tree tree;
};

TEST_F(TreeTest, FreshTreeIsARootDirectory) {
  const Attributes root = tree.attributes(kRoot).value();
  EXPECT_EQ(root.type, FileType::kDirectory);
  EXPECT_EQ(root.mode, 0755U);
  EXPECT_EQ(root.links, 2U);
  EXPECT_EQ(tree.path_of(kRoot), "/");
  EXPECT_EQ(tree.inodes_used(), 1U);
}

TEST_F(TreeTest, WritesReadBackWithHolesAsZeros) {
  const InodeId f = file("f", "head");
  ASSERT_TRUE(tree.write(f, 10'000, "tail", now));
  EXPECT_EQ(tree.attributes(f)->size, 10'004U);
  const std::string all = tree.read_all(f).value();
  EXPECT_EQ(all, "head" + std::string(9'996, '\0') + "tail");
  EXPECT_EQ(tree.read(f, 9'998, 100).value(), std::string("\0\0tail", 6));
  EXPECT_EQ(tree.read(f, 20'000, 1).value(), "");
  EXPECT_EQ(tree.bytes_used(), 2 * 4096U) << "the page between was never written";
}

TEST_F(TreeTest, TruncatedBytesDoNotComeBack) {
  const InodeId f = file("f", "secret");
  AttributeChange change;
  change.size = 2;
  ASSERT_TRUE(tree.set_attributes(kRootUser, f, change, now));
  change.size = 6;
  ASSERT_TRUE(tree.set_attributes(kRootUser, f, change, now));
  EXPECT_EQ(tree.read_all(f).value(), std::string("se\0\0\0\0", 6));
}

TEST_F(TreeTest, QuotaEndsAWriteShortThenRefuses) {
  tree = Tree(Tree::Limits{.bytes = 2 * 4096});
  const InodeId f = file("f");
  EXPECT_EQ(tree.write(f, 4000, std::string(10'000, 'x'), now).value(), 2 * 4096U - 4000U);
  EXPECT_EQ(error_of(tree.write(f, 8192, "x", now)), ENOSPC);
  EXPECT_EQ(tree.write(f, 0, "over", now).value(), 4U) << "pages that exist cost nothing";
  AttributeChange change;
  change.size = 0;
  ASSERT_TRUE(tree.set_attributes(kRootUser, f, change, now));
  EXPECT_EQ(tree.bytes_used(), 0U);
}

TEST_F(TreeTest, SparseGiantsCostNothingAndHaveALimit) {
  const InodeId f = file("f");
  ASSERT_TRUE(tree.write(f, (1ULL << 40) - 1, "x", now));
  EXPECT_EQ(tree.bytes_used(), 4096U);
  EXPECT_EQ(error_of(tree.write(f, 1ULL << 40, "x", now)), EFBIG);
  EXPECT_EQ(error_of(tree.read_all(f)), EFBIG);
  EXPECT_EQ(tree.read(f, 0, SIZE_MAX)->size(), Tree::kReadCap);
  EXPECT_EQ(error_of(tree.allocate(f, 0, 1ULL << 40, false, now)), ENOSPC);
}

TEST_F(TreeTest, InodesAreCounted) {
  tree = Tree(Tree::Limits{.inodes = 3});
  file("a");
  directory("b");
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "c", 0644, now)), ENOSPC);
  const InodeId gone = tree.unlink(kRootUser, kRoot, "a", now).value();
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "c", 0644, now)), ENOSPC) << "somebody may still hold it";
  tree.reap(gone);
  EXPECT_TRUE(tree.create(kRootUser, kRoot, "c", 0644, now));
}

TEST_F(TreeTest, ReapedNumbersStayDead) {
  const InodeId f = file("f", "x");
  tree.reap(f);
  EXPECT_TRUE(tree.attributes(f)) << "it has a name";
  ASSERT_TRUE(tree.unlink(kRootUser, kRoot, "f", now));
  EXPECT_EQ(tree.read_all(f).value(), "x") << "unlinked, but maybe open";
  EXPECT_EQ(tree.path_of(f), "?");
  EXPECT_EQ(tree.orphans(), std::vector<InodeId>{f});
  tree.reap(f);
  EXPECT_EQ(error_of(tree.attributes(f)), ESTALE);
  EXPECT_EQ(tree.version(f), 0U);
  EXPECT_EQ(tree.bytes_used(), 0U);
  EXPECT_NE(file("f"), f);
}

// What a crash does: names go and come back without anybody's leave, and the counts stay right.
TEST_F(TreeTest, NamesCanBeLedElsewhere) {
  const InodeId f = file("f", "x");
  const InodeId d = tree.mkdir(kRootUser, kRoot, "d", 0755, now).value();
  const InodeId e = tree.mkdir(kRootUser, d, "e", 0755, now).value();
  ASSERT_TRUE(tree.link(kRootUser, f, e, "g", now));
  EXPECT_EQ(tree.names_of(f), (std::vector<std::pair<InodeId, std::string>>{{kRoot, "f"}, {e, "g"}}));
  tree.lead(kRoot, "f", 0);
  EXPECT_EQ(tree.attributes(f)->links, 1U);
  tree.lead(kRoot, "d", 0);
  tree.lead(d, "e", 0);
  EXPECT_EQ(tree.orphans(), (std::vector<InodeId>{d, e})) << "f still has a name in e";
  tree.lead(kRoot, "e", e);
  EXPECT_EQ(tree.attributes(e)->links, 2U);
  EXPECT_EQ(tree.path_of(f), "/e/g");
  tree.lead(kRoot, "d", d);
  tree.lead(kRoot, "e", 0);
  tree.lead(d, "e", e);
  EXPECT_EQ(tree.attributes(d)->links, 3U);
  EXPECT_EQ(tree.attributes(kRoot)->links, 3U);
  EXPECT_TRUE(tree.orphans().empty());
  tree.lead(e, "g", tree.symlink(kRootUser, kRoot, "l", "t", now).value());
  EXPECT_EQ(tree.orphans(), std::vector<InodeId>{f}) << "replaced";
}

TEST_F(TreeTest, NamesHaveRules) {
  file("f");
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "f", 0644, now)), EEXIST);
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "", 0644, now)), ENOENT);
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "..", 0644, now)), EEXIST);
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, "a/b", 0644, now)), EINVAL);
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, std::string_view("a\0b", 3), 0644, now)), EINVAL);
  EXPECT_EQ(error_of(tree.create(kRootUser, kRoot, std::string(256, 'x'), 0644, now)), ENAMETOOLONG);
  EXPECT_TRUE(tree.create(kRootUser, kRoot, std::string(255, 'x'), 0644, now));
  EXPECT_EQ(error_of(tree.lookup(kRootUser, tree.child(kRoot, "f"), "x")), ENOTDIR);
}

TEST_F(TreeTest, ListsInByteOrderHoweverManyNames) {
  for (int i = 999; i >= 0; --i) file("n" + std::to_string(i));
  const std::vector<Entry> entries = tree.list(kRoot).value();
  ASSERT_EQ(entries.size(), 1000U);
  for (std::size_t i = 1; i < entries.size(); ++i) EXPECT_LT(entries[i - 1].name, entries[i].name);
  for (int i = 0; i < 1000; i += 2) ASSERT_TRUE(tree.unlink(kRootUser, kRoot, "n" + std::to_string(i), now));
  EXPECT_EQ(tree.list(kRoot)->size(), 500U);
  EXPECT_EQ(error_of(tree.lookup(kRootUser, kRoot, "n500")), ENOENT);
  EXPECT_TRUE(tree.lookup(kRootUser, kRoot, "n501"));
}

TEST_F(TreeTest, LinksShareAndCount) {
  const InodeId f = file("f", "shared");
  ASSERT_TRUE(tree.link(kRootUser, f, kRoot, "g", now));
  EXPECT_EQ(tree.attributes(f)->links, 2U);
  EXPECT_EQ(tree.path_of(f), "/g");
  ASSERT_TRUE(tree.unlink(kRootUser, kRoot, "g", now));
  EXPECT_EQ(tree.path_of(f), "/f");
  EXPECT_EQ(error_of(tree.link(kRootUser, directory("d"), kRoot, "e", now)), EPERM);
  ASSERT_TRUE(tree.unlink(kRootUser, kRoot, "f", now));
  EXPECT_EQ(error_of(tree.link(kRootUser, f, kRoot, "f", now)), ENOENT) << "the dead are not brought back";
}

TEST_F(TreeTest, RenameReplacesAndSaysWhatItReplaced) {
  const InodeId a = file("a", "new");
  const InodeId b = file("b", "old");
  EXPECT_EQ(tree.rename(kRootUser, kRoot, "a", kRoot, "b", RenameFlag::kNone, now).value(), b);
  EXPECT_EQ(tree.child(kRoot, "b"), a);
  EXPECT_EQ(tree.child(kRoot, "a"), 0U);
  EXPECT_EQ(tree.attributes(b)->links, 0U);
  EXPECT_EQ(tree.path_of(a), "/b");
}

TEST_F(TreeTest, RenameOntoAnotherNameOfTheSameFileDoesNothing) {
  const InodeId a = file("a");
  ASSERT_TRUE(tree.link(kRootUser, a, kRoot, "b", now));
  const std::uint64_t before = tree.generation();
  EXPECT_EQ(rename(kRoot, "a", kRoot, "b"), 0);
  EXPECT_EQ(tree.generation(), before);
  EXPECT_NE(tree.child(kRoot, "a"), 0U);
}

TEST_F(TreeTest, RenameKnowsDirectories) {
  const InodeId d = directory("d");
  const InodeId inner = directory("inner", d);
  const InodeId full = directory("full");
  file("x", "", full);
  file("f");
  EXPECT_EQ(rename(kRoot, "d", inner, "d"), EINVAL);
  EXPECT_EQ(rename(kRoot, "d", d, "d"), EINVAL);
  EXPECT_EQ(rename(d, "inner", kRoot, "d"), ENOTEMPTY);
  EXPECT_EQ(rename(kRoot, "d", kRoot, "full"), ENOTEMPTY);
  EXPECT_EQ(rename(kRoot, "d", kRoot, "f"), ENOTDIR);
  EXPECT_EQ(rename(kRoot, "f", kRoot, "d"), EISDIR);
  EXPECT_EQ(rename(kRoot, "missing", kRoot, "d"), ENOENT);
  EXPECT_EQ(rename(kRoot, ".", kRoot, "d"), EBUSY);
  EXPECT_EQ(tree.attributes(kRoot)->links, 4U);
  EXPECT_EQ(rename(d, "inner", full, "moved"), 0);
  EXPECT_EQ(tree.attributes(d)->links, 2U);
  EXPECT_EQ(tree.attributes(full)->links, 3U);
  EXPECT_EQ(tree.lookup(kRootUser, inner, "..").value(), full);
  EXPECT_EQ(tree.path_of(inner), "/full/moved");
}

TEST_F(TreeTest, RenameFlags) {
  const InodeId d = directory("d");
  const InodeId f = file("f", "file");
  const InodeId inside = file("x", "inside", d);
  EXPECT_EQ(rename(kRoot, "f", kRoot, "d", RenameFlag::kNoReplace), EEXIST);
  EXPECT_EQ(rename(kRoot, "f", kRoot, "none", RenameFlag::kExchange), ENOENT);
  EXPECT_EQ(rename(kRoot, "d", d, "x", RenameFlag::kExchange), EINVAL);
  EXPECT_EQ(rename(kRoot, "f", d, "x", RenameFlag::kExchange), 0);
  EXPECT_EQ(tree.child(d, "x"), f);
  EXPECT_EQ(tree.child(kRoot, "f"), inside);
  EXPECT_EQ(rename(kRoot, "f", kRoot, "d", RenameFlag::kExchange), 0) << "a file and a directory may change places";
  EXPECT_EQ(tree.child(kRoot, "f"), d);
  EXPECT_EQ(tree.attributes(kRoot)->links, 3U);
}

TEST_F(TreeTest, RemovedDirectoriesTakeNothingNew) {
  const InodeId d = directory("d");
  EXPECT_EQ(error_of(tree.unlink(kRootUser, kRoot, "d", now)), EISDIR);
  ASSERT_TRUE(tree.rmdir(kRootUser, kRoot, "d", now));
  EXPECT_EQ(error_of(tree.create(kRootUser, d, "f", 0644, now)), ENOENT);
  file("f");
  EXPECT_EQ(rename(kRoot, "f", d, "f"), ENOENT);
  EXPECT_EQ(error_of(tree.rmdir(kRootUser, kRoot, "f", now)), ENOTDIR);
}

TEST_F(TreeTest, PermissionBitsBindTheUnprivileged) {
  const InodeId closed = directory("closed", kRoot, kRootUser, 0700);
  file("f", "", closed);
  EXPECT_EQ(error_of(tree.lookup(kAlice, closed, "f")), EACCES);
  EXPECT_EQ(error_of(tree.create(kAlice, kRoot, "x", 0644, now)), EACCES);
  EXPECT_EQ(error_of(tree.unlink(kAlice, kRoot, "closed", now)), EACCES);
  const InodeId f = file("g", "", kRoot, kRootUser, 0640);
  EXPECT_EQ(error_of(tree.access(kAlice, f, 4)), EACCES);
  EXPECT_EQ(error_of(tree.access(Credentials{1000, 0, false}, f, 4)), 0) << "the group may read";
  EXPECT_EQ(error_of(tree.access(kRootUser, f, 7)), EACCES) << "not even root runs what nobody may run";
}

TEST_F(TreeTest, StickyDirectoriesProtectOwners) {
  const InodeId tmp = directory("tmp", kRoot, kRootUser, 0777);
  AttributeChange sticky;
  sticky.mode = 01777;
  ASSERT_TRUE(tree.set_attributes(kRootUser, tmp, sticky, now));
  file("alices", "", tmp, kAlice);
  file("bobs", "", tmp, kBob);
  EXPECT_EQ(error_of(tree.unlink(kBob, tmp, "alices", now)), EPERM);
  EXPECT_EQ(rename(tmp, "bobs", tmp, "alices", RenameFlag::kNone, kBob), EPERM);
  EXPECT_EQ(rename(tmp, "alices", tmp, "mine", RenameFlag::kNone, kBob), EPERM);
  EXPECT_EQ(error_of(tree.unlink(kAlice, tmp, "alices", now)), 0);
}

TEST_F(TreeTest, OnlyOwnersChangeModesAndTimes) {
  const InodeId f = file("f", "", kRoot, kRootUser, 0666);
  AttributeChange mode;
  mode.mode = 0600;
  EXPECT_EQ(error_of(tree.set_attributes(kAlice, f, mode, now)), EPERM);
  AttributeChange times;
  times.mtime_ns = 5;
  EXPECT_EQ(error_of(tree.set_attributes(kAlice, f, times, now)), EPERM);
  times.times_are_now = true;
  EXPECT_EQ(error_of(tree.set_attributes(kAlice, f, times, now)), 0) << "who may write may touch";
  AttributeChange owner;
  owner.uid = 1000;
  EXPECT_EQ(error_of(tree.set_attributes(kAlice, f, owner, now)), EPERM);
}

TEST_F(TreeTest, SetIdBitsFallWhenOthersTouchTheFile) {
  const InodeId d = directory("d", kRoot, kRootUser, 0777);
  const InodeId written = file("w", "", d, kAlice, 06777);
  ASSERT_TRUE(tree.write(kBob, written, 0, "x", now));
  EXPECT_EQ(mode_of(written), 0777U);
  const InodeId kept = file("k", "", d, kAlice, 06777);
  ASSERT_TRUE(tree.write(kept, 0, "x", now));
  EXPECT_EQ(mode_of(kept), 06777U) << "the privileged keep them";
  AttributeChange owner;
  owner.uid = 7;
  ASSERT_TRUE(tree.set_attributes(kRootUser, kept, owner, now));
  EXPECT_EQ(mode_of(kept), 0777U) << "but not over a change of owner";
}

TEST_F(TreeTest, SetGroupDirectoriesGiveTheirGroup) {
  const InodeId d = directory("d", kRoot, kRootUser, 0777);
  AttributeChange change;
  change.gid = 50;
  change.mode = 02777;
  ASSERT_TRUE(tree.set_attributes(kRootUser, d, change, now));
  EXPECT_EQ(tree.attributes(file("f", "", d, kAlice))->gid, 50U);
  const Attributes sub = tree.attributes(directory("sub", d, kAlice)).value();
  EXPECT_EQ(sub.gid, 50U);
  EXPECT_EQ(sub.mode, 02755U);
}

TEST_F(TreeTest, ChangeTimesGrowThoughTheClockStands) {
  const InodeId f = file("f");
  std::int64_t last = tree.attributes(f)->ctime_ns;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(tree.write(f, 0, "x", now));
    EXPECT_GT(tree.attributes(f)->ctime_ns, last);
    last = tree.attributes(f)->ctime_ns;
  }
  ASSERT_TRUE(tree.write(f, 0, "x", now - 1000)) << "or goes back";
  EXPECT_GT(tree.attributes(f)->ctime_ns, last);
}

TEST_F(TreeTest, VersionsTellChangesApart) {
  const InodeId f = file("f", "one");
  const InodeId g = file("g", "other");
  const Tree before = tree;
  const std::uint64_t g_version = tree.version(g);
  ASSERT_TRUE(tree.write(f, 0, "two", now));
  EXPECT_NE(tree.version(f), before.version(f));
  EXPECT_EQ(tree.version(g), g_version);
  Tree other = before;
  ASSERT_TRUE(other.write(f, 0, "tri", now));
  EXPECT_NE(other.version(f), tree.version(f)) << "two futures of one past";
  const std::uint64_t root = tree.version(kRoot);
  file("h");
  EXPECT_NE(tree.version(kRoot), root);
}

// Says something under ThreadSanitizer above all.
TEST_F(TreeTest, SnapshotsLiveOnThreadsOfTheirOwn) {
  const InodeId f = file("f", "start");
  std::vector<std::string> ends(4);
  std::vector<std::thread> lives;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    lives.emplace_back([f, i, &ends, mine = tree]() mutable {
      for (int round = 0; round < 200; ++round) {
        const Tree kept = mine;
        EXPECT_TRUE(mine.write(f, 0, std::string(5, static_cast<char>('a' + i)), round));
        EXPECT_TRUE(mine.create(kRootUser, kRoot, "x" + std::to_string(round), 0644, round));
        EXPECT_EQ(kept.list(kRoot)->size() + 1, mine.list(kRoot)->size());
      }
      ends[i] = mine.read_all(f).value();
    });
  }
  for (int round = 0; round < 200; ++round) EXPECT_TRUE(tree.write(f, 0, "START", round));
  for (std::thread& life : lives) life.join();
  EXPECT_EQ(ends, (std::vector<std::string>{"aaaaa", "bbbbb", "ccccc", "ddddd"}));
  EXPECT_EQ(tree.read_all(f).value(), "START");
}

TEST_F(TreeTest, FailuresChangeNothing) {
  file("f");
  const std::uint64_t generation = tree.generation();
  const std::uint64_t version = tree.version(kRoot);
  EXPECT_FALSE(tree.create(kRootUser, kRoot, "f", 0644, now));
  EXPECT_FALSE(tree.rmdir(kRootUser, kRoot, "f", now));
  EXPECT_FALSE(tree.rename(kRootUser, kRoot, "f", kRoot, "..", RenameFlag::kNone, now));
  EXPECT_EQ(tree.generation(), generation);
  EXPECT_EQ(tree.version(kRoot), version);
}

TEST_F(TreeTest, ATreeThatFollowsNeverGivesANumberTwice) {
  Tree past = tree;
  const InodeId lost = file("lost");
  past.follow(tree);
  EXPECT_GT(past.create(kRootUser, kRoot, "fresh", 0644, now).value(), lost);
}

TEST_F(TreeTest, DeepPathsAreCutForPeople) {
  InodeId at = kRoot;
  for (int i = 0; i < 3000; ++i) at = directory("dir" + std::to_string(i), at);
  const std::string path = tree.path_of(at);
  EXPECT_LT(path.size(), 1100U);
  EXPECT_TRUE(path.starts_with("…/"));
  EXPECT_TRUE(path.ends_with("/dir2998/dir2999"));
  at = kRoot;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    at = tree.child(at, "dir" + std::to_string(i));
    expected += "/dir" + std::to_string(i);
  }
  EXPECT_EQ(tree.path_of(at), expected);
}

TEST(Tree, GivesAsManyBytesAsThereAreWhateverTheirNumber) {
  Tree tree;
  const InodeId f = *tree.create({}, kRoot, "f", 0644, 1);
  std::string all;
  for (std::size_t size = 1; size < 80; ++size) {
    all += static_cast<char>('a' + size % 26);
    ASSERT_TRUE(tree.write(f, size - 1, all.substr(size - 1), 1));
    ASSERT_EQ(tree.read_all(f), all);
    ASSERT_EQ(tree.read(f, 0, 4096), all);
    std::string room(100, '!');
    ASSERT_EQ(tree.read(f, 0, std::span(room)), size);
    ASSERT_EQ(room, all + std::string(100 - size, '!'));
    ASSERT_TRUE(tree.holds(f, all));
    ASSERT_FALSE(tree.holds(f, all + "!"));
    ASSERT_FALSE(tree.holds(f, all.substr(1)));
  }
}

TEST(Tree, ReadsAndComparesHolesAsZeros) {
  Tree tree;
  const InodeId f = *tree.create({}, kRoot, "f", 0644, 1);
  ASSERT_TRUE(tree.write(f, 9000, "tail", 1));
  std::string whole = std::string(9000, '\0') + "tail";
  std::string room(20000, '!');
  ASSERT_EQ(tree.read(f, 0, std::span(room)), whole.size());
  EXPECT_EQ(room.substr(0, whole.size()), whole);
  EXPECT_TRUE(tree.holds(f, whole));
  whole[5000] = 'x';
  EXPECT_FALSE(tree.holds(f, whole));
}

}  // namespace
}  // namespace entryproof::node
