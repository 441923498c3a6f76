// Hostile trees: nothing outside of the root is reached, nothing blocks, nothing is guessed.
#include "simulator/audit/node_root.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "simulator/audit/disk_for_test.h"
#include "simulator/oracles/host.h"

namespace entryproof::audit {
namespace {

bool all(std::string_view) { return true; }

std::optional<std::string> bytes(const NodeRoot& root, std::string_view path) {
  return oracles::read_host_file(root.tree(), path, 1U << 20);
}

TEST(NodeRoot, ReadsAFileWithItsAttributes) {
  Disk disk;
  disk.file("/etc/cni/net.d/a.conf", "hello", 0640).at("/etc/cni/net.d/a.conf", 5);
  auto root = NodeRoot::open(disk.root());
  ASSERT_TRUE(root);
  root->take("/etc/cni/net.d/a.conf", 100);
  EXPECT_EQ(bytes(*root, "/etc/cni/net.d/a.conf"), "hello");
  const auto attributes = root->tree().attributes(*oracles::resolve_on_host(root->tree(), "/etc/cni/net.d/a.conf"));
  EXPECT_EQ(attributes->mode, 0640U);
  EXPECT_EQ(attributes->mtime_ns, 1'767'225'605'000'000'000);
  EXPECT_TRUE(root->obstacle("/etc/cni/net.d/a.conf").empty());
}

TEST(NodeRoot, LinksEndAtTheRoot) {
  Disk outside;
  outside.file("/secret", "not of this node");
  Disk disk;
  disk.link("/up", "../../../../../../../../" + outside.root() + "/secret")
      .link("/absolute", outside.root() + "/secret")
      .link("/etc/cni", "/real/cni")
      .file("/real/cni/net.d/a.conf", "inside")
      .link("/loop", "/loop2")
      .link("/loop2", "loop")
      .link("/root-of-all", "/..")
      .file("/x", "x");
  auto root = NodeRoot::open(disk.root());
  for (const char* path : {"/up", "/absolute", "/loop", "/../../../x", "/etc/cni/net.d/a.conf", "/root-of-all/x"}) root->take(path, 100);
  EXPECT_FALSE(bytes(*root, "/up"));
  EXPECT_FALSE(bytes(*root, "/absolute"));
  EXPECT_FALSE(bytes(*root, "/loop"));
  EXPECT_EQ(bytes(*root, "/etc/cni/net.d/a.conf"), "inside");
  EXPECT_EQ(bytes(*root, "/x"), "x");
  EXPECT_EQ(bytes(*root, "/root-of-all/x"), "x");
}

TEST(NodeRoot, OpensNoFifoAndNoDevice) {
  Disk disk;
  disk.fifo("/d/00-a.conf").file("/d/10-b.conf", "b");
  const bool device = ::mknod((disk.root() + "/d/05-null.conf").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;  // only root may
  auto root = NodeRoot::open(disk.root());
  root->take_directory("/d", 100, all);
  EXPECT_EQ(bytes(*root, "/d/10-b.conf"), "b");
  const auto listed = root->tree().list(*oracles::resolve_on_host(root->tree(), "/d"));
  EXPECT_EQ(listed->size(), device ? 3U : 2U);
  EXPECT_FALSE(bytes(*root, "/d/00-a.conf"));
  EXPECT_FALSE(bytes(*root, "/d/05-null.conf"));
}

TEST(NodeRoot, CapsFilesAndDirectories) {
  Disk disk;
  disk.file("/d/big", "").file("/d/small", "1234").file("/program", "ELF and so on");
  std::filesystem::resize_file(disk.root() + "/d/big", std::uintmax_t{1} << 38);
  auto root = NodeRoot::open(disk.root());
  root->take_directory("/d", 4, all);
  EXPECT_EQ(bytes(*root, "/d/small"), "1234");
  EXPECT_EQ(root->tree().attributes(*oracles::resolve_on_host(root->tree(), "/d/big"))->size, std::uint64_t{1} << 38);
  root->take("/program", 3, true);
  EXPECT_EQ(bytes(*root, "/program")->substr(0, 4), std::string("ELF\0", 4));
  EXPECT_EQ(bytes(*root, "/program")->size(), 13U);

  Disk crowded;
  crowded.crowd("/d", NodeRoot::kEntriesMax + 1);
  auto other = NodeRoot::open(crowded.root());
  other->take_directory("/d", 4, all);
  EXPECT_FALSE(other->obstacle("/d").empty());
  EXPECT_FALSE(other->obstacle("/d/17").empty()) << "what is in it is not known";
  EXPECT_TRUE(other->obstacle("/e").empty());
}

TEST(NodeRoot, AFileThatIsAskedForTwiceIsReadWhenItsBytesAreWanted) {
  Disk disk;
  disk.file("/d/a", "bytes");
  auto root = NodeRoot::open(disk.root());
  root->take_directory("/d", 0, [](std::string_view) { return false; });
  root->take("/d/a", 100);
  EXPECT_EQ(bytes(*root, "/d/a"), "bytes");
}

TEST(NodeRoot, WritesNothing) {
  Disk disk;
  disk.file("/d/a", "bytes").link("/l", "d/a").at("/d/a", 1).at("/d", 1).at("", 1);
  struct stat before{};
  ASSERT_EQ(::stat((disk.root() + "/d/a").c_str(), &before), 0);
  auto root = NodeRoot::open(disk.root());
  root->take("/l", 100);
  root->take("/d/absent", 100);
  root->take_directory("/d", 100, all);
  struct stat after{};
  ASSERT_EQ(::stat((disk.root() + "/d/a").c_str(), &after), 0);
  EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
  EXPECT_EQ(before.st_atim.tv_sec, after.st_atim.tv_sec);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(disk.root())) ++entries;
  EXPECT_EQ(entries, 3U);
}

TEST(NodeRoot, RefusesWhatIsNoDirectory) {
  Disk disk;
  disk.file("/a", "").fifo("/fifo");
  EXPECT_FALSE(NodeRoot::open(disk.root() + "/a"));
  EXPECT_FALSE(NodeRoot::open(disk.root() + "/fifo"));
  EXPECT_FALSE(NodeRoot::open(disk.root() + "/absent"));
}

}  // namespace
}  // namespace entryproof::audit
