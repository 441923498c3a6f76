#include "reference/publish.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "reference/memory_host_test_support.h"

namespace reference {
namespace {

const std::string kPath = "/d/file";

bool is_temporary(const std::string& name) { return name.ends_with(".tmp"); }

std::vector<std::string> verbs(const MemoryHost& host) {
  std::vector<std::string> found;
  for (const std::string& change : host.changes) found.push_back(change.substr(0, change.find(' ')));
  return found;
}

TEST(Publish, ReplacesByRenameAfterMode) {  // ATOM-22, ATOM-23, ATOM-24, SECURE-53
  MemoryHost host;
  host.put(kPath, "old");
  std::vector<std::string> seen;
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    const std::string name = path == kPath ? "file" : path == "/d" ? "directory" : "temporary";
    if (verb == "fsync" || verb == "rename" || verb == "write" || verb == "fchmod") seen.push_back(std::string(verb) + " " + name);
    if (verb == "write") {
      EXPECT_EQ(host.status(path).mode & 0777U, 0600U);
    }
    return std::nullopt;
  };
  host.write_limit = 2;
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "new!", 0600), true);
  EXPECT_EQ(seen, (std::vector<std::string>{"fchmod temporary", "write temporary", "write temporary", "fsync temporary", "rename file",
                                            "fsync directory"}));
  EXPECT_EQ(host.bytes(kPath), "new!");
  EXPECT_EQ(host.status(kPath).mode & 0777U, 0600U);
  EXPECT_EQ(host.tree("/d").size(), 1U);
}

TEST(Publish, WritesNothingWhenAllIsRight) {  // ATOM-26
  MemoryHost host;
  host.put(kPath, "same", 0600);
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "same", 0600), false);
  EXPECT_TRUE(host.changes.empty());
  int syncs = 0;
  host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
    syncs += verb == "fsync" ? 1 : 0;
    return std::nullopt;
  };
  EXPECT_EQ(publisher.publish(kPath, "same", 0600), false);
  EXPECT_EQ(syncs, 0);
}

// ATOM-22: the one who wrote it may have been killed between the rename and the sync of the directory.
TEST(Publish, MakesInheritedBytesDurableOnce) {
  MemoryHost host;
  host.put(kPath, "same", 0600);
  std::vector<std::string> synced;
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "fsync") synced.push_back(path);
    return std::nullopt;
  };
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "same", 0600), false);
  EXPECT_EQ(synced, (std::vector<std::string>{kPath, "/d"}));
}

// ATOM-22: after a sync that failed the next one may succeed without having written anything.
TEST(Publish, WritesAnewWhatCouldNotBeSynced) {
  MemoryHost host;
  host.put(kPath, "same", 0600);
  int failing = 1;
  host.before = [&](std::string_view verb, const std::string& path) {
    return verb == "fsync" && path == kPath && failing-- > 0 ? std::optional(EIO) : std::nullopt;
  };
  Publisher publisher(host);
  EXPECT_FALSE(publisher.publish(kPath, "same", 0600));
  EXPECT_TRUE(host.changes.empty());
  EXPECT_EQ(publisher.publish(kPath, "same", 0600), true);
  EXPECT_EQ(host.bytes(kPath), "same");
  EXPECT_EQ(publisher.publish(kPath, "same", 0600), false);
}

TEST(Publish, RepairsModeOwnerLinkAndDirectory) {  // EXIST-04, SECURE-55
  MemoryHost host;
  Publisher publisher(host);
  const auto repaired = [&] {
    EXPECT_EQ(publisher.publish(kPath, "right", 0600), true);
    return S_ISREG(host.status(kPath).mode) && (host.status(kPath).mode & 0777) == 0600 && host.status(kPath).uid == 0 &&
           host.bytes(kPath) == "right";
  };
  EXPECT_TRUE((host.put_directory("/d"), repaired()));
  EXPECT_TRUE((host.put(kPath, "right", 0644), repaired()));
  EXPECT_TRUE((host.put(kPath, "right", 0600, 1000), repaired()));
  EXPECT_TRUE((host.put(kPath, "", 0600), repaired()));
  EXPECT_TRUE((host.put(kPath, "wrong", 0600), repaired()));
  host.put("/victim", "right", 0600);
  EXPECT_TRUE((host.put_link(kPath, "/victim"), repaired()));
  EXPECT_TRUE((host.put_fifo(kPath), repaired()));
  host.remove_all(kPath);
  host.put(kPath + "/inside", "kept");
  EXPECT_TRUE(repaired());
  EXPECT_EQ(host.bytes("/victim"), "right");
  const auto tree = host.tree("/d");
  EXPECT_EQ(std::ranges::count_if(tree, [](const std::string& name) { return name.ends_with("displaced/inside"); }), 1);
}

// ATOM-27: leftovers under any name we might use are neither followed nor written to.
TEST(Publish, MakesItsTemporaryExclusively) {
  MemoryHost host;
  host.put("/victim", "untouched");
  host.put_directory("/d");
  int planted = 0;
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "open" && is_temporary(path) && planted++ < 3) host.put_link(path, "/victim");
    return std::nullopt;
  };
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "new", 0600), true);
  EXPECT_EQ(planted, 4);
  EXPECT_EQ(host.bytes("/victim"), "untouched");
  EXPECT_EQ(host.bytes(kPath), "new");
}

TEST(Publish, SweepsOnlyItsOwnTemporaries) {  // ATOM-22
  MemoryHost host;
  const std::vector<std::string> foreign{
      ".other.tmp", ".thin_entrypoint.0123456789abcdeX.tmp", ".thin_entrypoint.0123.tmp", "10-flannel.conf",
      "_multus123", "thin_entrypoint.0123456789abcdef.tmp"};
  for (const std::string& name : foreign) host.put("/d/" + name, "x");
  for (char c = 'a'; c <= 'f'; ++c) host.put("/d/.thin_entrypoint.0123456789abcde" + std::string(1, c) + ".tmp", "x");
  Publisher(host).sweep("/d");
  const auto left = host.tree("/d");
  EXPECT_EQ(left.size(), foreign.size());
}

// ATOM-28: whichever call fails, readers have old or new, nothing of ours is left lying about, and the next try heals all.
TEST(Publish, AnyFailureLeavesOldOrNew) {
  for (const int number : {ENOSPC, EIO, EACCES, EROFS, EMFILE, EINTR}) {
    for (int nth = 1;; ++nth) {
      MemoryHost host;
      host.put(kPath, "old", 0600);
      Publisher publisher(host);
      int count = 0;
      bool unlinking = false;
      host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
        if (++count != nth) return std::nullopt;
        unlinking = verb == "unlink";
        return number;
      };
      const auto done = publisher.publish(kPath, "new", 0600);
      const std::string seen = host.bytes(kPath).value_or("missing");
      EXPECT_TRUE(seen == "old" || seen == "new") << seen << " at call " << nth;
      if (done) {
        EXPECT_EQ(seen, "new");
      }
      EXPECT_EQ(host.open_descriptors(), 0) << nth;
      if (!unlinking) {
        EXPECT_EQ(host.tree("/d").size(), 1U) << nth;
      }
      host.before = nullptr;
      ASSERT_TRUE(publisher.publish(kPath, "new", 0600)) << nth;
      EXPECT_EQ(host.bytes(kPath), "new");
      EXPECT_EQ(host.tree("/d").size(), 1U) << nth;
      if (count < nth) break;
    }
  }
}

TEST(Publish, AFullDiskLeavesNothingBehindHoweverOften) {  // ATOM-28
  MemoryHost host;
  host.put(kPath, "old", 0600);
  host.put("/src", std::string(1000, 'x'), 0755);
  host.before = [](std::string_view verb, const std::string&) -> std::optional<int> {
    return verb == "write" ? std::optional(ENOSPC) : std::nullopt;
  };
  Publisher publisher(host);
  for (int i = 0; i < 20; ++i) {
    const auto done = publisher.publish(kPath, "new", 0600);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().text.find("ENOSPC"), std::string::npos);
    EXPECT_NE(done.error().text.find(kPath), std::string::npos);
    EXPECT_FALSE(publisher.install("/src", "/d/multus"));
  }
  EXPECT_EQ(host.tree("/d").size(), 1U);
  EXPECT_EQ(host.bytes(kPath), "old");
}

TEST(Publish, AnotherInstanceMaySweepOurTemporary) {  // ORDER-43
  MemoryHost host;
  host.put_directory("/d");
  bool swept = false;
  host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
    if (verb == "rename" && !std::exchange(swept, true)) {
      for (const std::string& name : host.tree("/d")) host.remove_all("/d/" + name);
    }
    return std::nullopt;
  };
  Publisher publisher(host);
  EXPECT_TRUE(publisher.publish(kPath, "new", 0600));
  EXPECT_EQ(host.bytes(kPath), "new");
}

TEST(Install, CopiesOnceAndComparesByStatusThen) {  // LIFE-59, UPGRADE-49
  MemoryHost host;
  const std::string program = std::string(600'000, 'p') + "end";
  host.put("/src/multus", program, 0644);
  host.put_directory("/bin");
  Publisher publisher(host);
  EXPECT_EQ(publisher.install("/src/multus", "/bin/multus"), true);
  EXPECT_EQ(host.bytes("/bin/multus"), program);
  EXPECT_EQ(host.status("/bin/multus").mode & 0777U, 0755U);
  int reads = 0;
  host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
    reads += verb == "read" ? 1 : 0;
    return std::nullopt;
  };
  EXPECT_EQ(publisher.install("/src/multus", "/bin/multus"), false);
  EXPECT_EQ(reads, 0);
  host.put("/bin/multus", program.substr(1) + "x", 0755);
  EXPECT_EQ(publisher.install("/src/multus", "/bin/multus"), true);
  host.remove_all("/bin/multus");
  EXPECT_EQ(publisher.install("/src/multus", "/bin/multus"), true);
  host.put("/src/multus", "new program");
  EXPECT_EQ(publisher.install("/src/multus", "/bin/multus"), true);
  EXPECT_EQ(host.bytes("/bin/multus"), "new program");
}

TEST(Install, AnIdenticalProgramNeedsNoWritableDirectory) {  // SECURE-56
  MemoryHost host;
  host.put("/src/multus", "program", 0755);
  host.put("/bin/multus", "program", 0755);
  host.before = [](std::string_view verb, const std::string&) -> std::optional<int> {
    return verb == "fsync" || verb == "rename" || verb == "fchmod" ? std::optional(EROFS) : std::nullopt;
  };
  EXPECT_EQ(Publisher(host).install("/src/multus", "/bin/multus"), false);
}

TEST(Install, RefusesWhatIsNoProgramOrChanges) {
  MemoryHost host;
  host.put("/bin/multus", "old", 0755);
  host.put("/empty", "");
  Publisher publisher(host);
  EXPECT_EQ(publisher.install("/none", "/bin/multus").error().exit_code, kExitNoInput);
  EXPECT_EQ(publisher.install("/empty", "/bin/multus").error().exit_code, kExitBadInput);
  EXPECT_EQ(publisher.install("/bin", "/bin/multus").error().exit_code, kExitBadInput);
  host.put("/src", std::string(600'000, 'a'));
  host.before = [&](std::string_view verb, const std::string&) -> std::optional<int> {
    if (verb == "write") host.put("/src", "other"), host.stopping = true;
    return std::nullopt;
  };
  EXPECT_FALSE(publisher.install("/src", "/bin/multus"));  // LIFE-58: a long copy stops when the end is asked for
  EXPECT_EQ(host.bytes("/bin/multus"), "old");
  EXPECT_EQ(host.tree("/bin").size(), 1U);
}

TEST(Publish, OwnDirectoryIsPrivateAndASharedOneKeepsItsMode) {  // SECURE-53
  MemoryHost host;
  host.put_directory("/d");
  Publisher publisher(host);
  EXPECT_EQ(publisher.make_directory("/d/own", 0700), true);
  EXPECT_EQ(host.status("/d/own").mode & 07777U, 0700U);
  EXPECT_EQ(publisher.make_directory("/d/own", 0700), false);
  EXPECT_EQ(publisher.make_directory("/d", 0700, Publisher::Directory::kShared), false);
  EXPECT_EQ(host.status("/d").mode & 07777U, 0755U);
  host.put_directory("/d/left", 0777);  // what an old build left under umask 000
  EXPECT_EQ(publisher.make_directory("/d/left", 0700), true);
  EXPECT_EQ(host.status("/d/left").mode & 07777U, 0700U);
  EXPECT_EQ(publisher.make_directory("/d/left", 0700), false);
  EXPECT_FALSE(publisher.make_directory("/none/own", 0700));
  host.put("/d/file", "");
  EXPECT_FALSE(publisher.make_directory("/d/file", 0700));
}

TEST(Publish, GoesWithoutASyncOfDirectoriesWhereThereIsNone) {
  MemoryHost host;
  host.put_directory("/d");
  host.before = [](std::string_view verb, const std::string& path) -> std::optional<int> {
    return verb == "fsync" && !is_temporary(path) && path != kPath ? std::optional(EINVAL) : std::nullopt;
  };
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "new", 0600), true);
  EXPECT_EQ(publisher.make_directory("/d/own", 0700), true);
  EXPECT_EQ(publisher.remove(kPath), true);
}

TEST(Publish, ADirectoryThatSomebodyElseMakesMeanwhileIsHis) {
  MemoryHost host;
  host.put_directory("/v");
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "mkdir") host.put_directory(path, 0711);
    return std::nullopt;
  };
  EXPECT_EQ(Publisher(host).make_directory("/v/net.d", 0755, Publisher::Directory::kShared), true);
  EXPECT_EQ(host.status("/v/net.d").mode & 07777U, 0711U);
}

// SECURE-53: root:root where that can be had, and no endless repair where the file system decides.
TEST(Publish, OwnsItsFilesWhereTheFileSystemAllowsIt) {
  MemoryHost host;
  host.put_directory("/d");
  host.owner_of_new_files = 65534;
  host.group_of_new_files = 100;
  Publisher publisher(host);
  EXPECT_EQ(publisher.publish(kPath, "new", 0600), true);
  EXPECT_EQ(host.status(kPath).uid, 0U);
  EXPECT_EQ(host.status(kPath).gid, 0U);
  for (const int number : {EPERM, EINVAL, ENOSYS, EOPNOTSUPP}) {
    host.remove_all(kPath);
    host.before = [&](std::string_view verb, const std::string&) { return verb == "fchown" ? std::optional(number) : std::nullopt; };
    EXPECT_EQ(publisher.publish(kPath, "new", 0600), true);
    EXPECT_EQ(publisher.publish(kPath, "new", 0600), false);
    EXPECT_EQ(host.status(kPath).uid, 65534U);
  }
  host.remove_all(kPath);
  host.before = [](std::string_view verb, const std::string&) { return verb == "fchown" ? std::optional(EIO) : std::nullopt; };
  EXPECT_FALSE(publisher.publish(kPath, "new", 0600));
}

TEST(Publish, AFailureThatLastsIsTriedLessOften) {  // ATOM-28
  MemoryHost host;
  host.put(kPath, "old", 0600);
  host.put("/src", "program", 0755);
  int made = 0;
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    made += verb == "open" && is_temporary(path) ? 1 : 0;
    return verb == "write" ? std::optional(ENOSPC) : std::nullopt;
  };
  Publisher publisher(host);
  for (int i = 0; i < 600; ++i) {  // a minute
    const auto done = publisher.publish(kPath, "new", 0600);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().error, Errno{ENOSPC});
    host.now += std::chrono::milliseconds(100);
  }
  EXPECT_LE(made, 40);
  made = 0;
  for (int i = 0; i < 600; ++i) {
    EXPECT_FALSE(publisher.install("/src", "/d/multus"));
    host.now += std::chrono::milliseconds(100);
  }
  EXPECT_LE(made, 15);
  host.before = nullptr;
  host.now += std::chrono::seconds(2);
  EXPECT_EQ(publisher.publish(kPath, "new", 0600), true);
}

TEST(Install, ReadsTheCopyBackBeforeAnybodyCanExecuteIt) {  // LIFE-59
  MemoryHost host;
  host.put("/src/multus", "program", 0755);
  host.put("/bin/multus", "older", 0755);
  host.before = [&](std::string_view verb, const std::string& path) -> std::optional<int> {
    if (verb == "close" && is_temporary(path)) host.put(path, "progrXm", 0755);  // a disk that keeps something else
    return std::nullopt;
  };
  Publisher publisher(host);
  const auto done = publisher.install("/src/multus", "/bin/multus");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().exit_code, kExitOutput);
  EXPECT_EQ(host.bytes("/bin/multus"), "older");
  EXPECT_EQ(host.tree("/bin").size(), 1U);
}

TEST(Publish, RemovesAnEmptyDirectoryOnly) {  // UPGRADE-46
  MemoryHost host;
  host.put("/d/own/file", "x");
  Publisher publisher(host);
  EXPECT_EQ(publisher.remove_directory("/d/own"), false);
  host.remove_all("/d/own/file");
  EXPECT_EQ(publisher.remove_directory("/d/own"), true);
  EXPECT_EQ(publisher.remove_directory("/d/own"), false);
  host.put("/d/own", "a file");
  EXPECT_TRUE(publisher.remove_directory("/d/own/below").has_value());
  EXPECT_EQ(host.bytes("/d/own"), "a file");
}

TEST(Publish, RemovesAndRenamesDurably) {
  MemoryHost host;
  host.put_directory("/d");
  Publisher publisher(host);
  ASSERT_TRUE(publisher.publish(kPath, "x", 0600));
  EXPECT_TRUE(publisher.is_ours(kPath));
  host.put(kPath, "x", 0600);
  EXPECT_FALSE(publisher.is_ours(kPath));  // ORDER-43: another instance's, though it looks the same
  EXPECT_EQ(publisher.rename(kPath, "/d/other"), true);
  EXPECT_EQ(publisher.rename(kPath, "/d/other"), false);
  EXPECT_EQ(publisher.remove("/d/other"), true);
  EXPECT_EQ(publisher.remove("/d/other"), false);
  EXPECT_EQ(verbs(host).back(), "unlink");
}

}  // namespace
}  // namespace reference
