#include "simulator/doors/tmpfs_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "simulator/node/view.h"
#include "simulator/subjects/sandbox_test_support.h"

namespace entryproof::doors {
namespace {

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new subjects::HarnessEnvironment);

using node::FileType;
using ::testing::HasSubstr;

constexpr std::int64_t kTime = 1'700'000'000'123'456'789;

class TmpfsDoorTest : public subjects::SandboxFixture {
 protected:
  void SetUp() override {
    SandboxFixture::SetUp();
    if (!IsSkipped()) open_door({});
  }
  void open_door(TmpfsDoor::Limits limits) {
    door_.reset();
    auto mounted = TmpfsDoor::mount(*harness().make_directory("tmpfs"), limits);
    ASSERT_TRUE(mounted) << mounted.error().line();
    door_ = std::move(*mounted);
  }
  static node::InodeId at(const node::Tree& tree, const std::string& path) {
    const auto inode = node::View().resolve(tree, {}, path, false);
    return inode ? *inode : 0;
  }
  std::unique_ptr<TmpfsDoor> door_;
};

TEST_F(TmpfsDoorTest, ATreeComesBackAsItWent) {
  node::Tree tree;
  const auto etc = *tree.mkdir({}, node::kRoot, "etc", 0750, kTime);
  const auto file = *tree.create({}, etc, "file", 04711, kTime);
  ASSERT_TRUE(tree.write(file, 1'000'000, std::string(70'000, 'x'), kTime));
  ASSERT_TRUE(tree.link({}, file, node::kRoot, "second", kTime));
  ASSERT_TRUE(tree.symlink({}, etc, "link", "/not/there", kTime));
  ASSERT_TRUE(tree.mknod({}, etc, "pipe", FileType::kFifo, 0600, kTime));
  ASSERT_TRUE(tree.mknod({}, etc, "socket", FileType::kSocket, 0600, kTime));
  node::AttributeChange change;
  change.mtime_ns = kTime - 5;
  change.mode = 04711;
  ASSERT_TRUE(tree.set_attributes({}, file, change, kTime));
  const auto populated = door_->populate(tree);
  ASSERT_TRUE(populated) << populated.error().line();

  const auto back = door_->snapshot();
  ASSERT_TRUE(back) << back.error().line();
  EXPECT_EQ(at(*back, "/etc/file"), at(*back, "/second"));
  EXPECT_EQ(*back->read_all(at(*back, "/second")), *tree.read_all(file));
  EXPECT_LT(back->bytes_used(), 200'000U);  // the hole stayed one
  EXPECT_EQ(*back->readlink(at(*back, "/etc/link")), "/not/there");
  for (const char* path : {"/etc", "/etc/file", "/etc/link", "/etc/pipe", "/etc/socket"}) {
    const auto was = *tree.attributes(at(tree, path));
    const auto is = back->attributes(at(*back, path));
    ASSERT_TRUE(is) << path;
    EXPECT_EQ(is->type, was.type) << path;
    EXPECT_EQ(is->mode, was.mode) << path;
    EXPECT_EQ(is->links, was.links) << path;
    EXPECT_EQ(is->size, was.size) << path;
    EXPECT_EQ(is->mtime_ns, was.mtime_ns) << path;
  }
  // Populating again leaves nothing of before.
  ASSERT_TRUE(door_->populate(node::Tree()));
  EXPECT_EQ(door_->snapshot()->inodes_used(), 1U);
}

TEST_F(TmpfsDoorTest, AnObjectKeepsItsNumberAndNothingElseGetsIt) {
  node::Tree tree;
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(tree.create({}, node::kRoot, name, 0644, kTime));
  ASSERT_TRUE(door_->populate(tree));
  const auto before = door_->snapshot();
  ASSERT_TRUE(before) << before.error().line();
  const std::filesystem::path root = door_->mount_point();
  std::filesystem::remove(root / "a");
  std::ofstream(root / "new") << "x";
  std::filesystem::rename(root / "new", root / "b");
  std::filesystem::create_hard_link(root / "c", root / "another");
  const auto after = door_->snapshot();
  ASSERT_TRUE(after) << after.error().line();
  EXPECT_EQ(at(*after, "/c"), at(*before, "/c"));
  EXPECT_EQ(at(*after, "/another"), at(*before, "/c"));
  for (const char* name : {"/a", "/b", "/c"}) EXPECT_NE(at(*after, "/b"), at(*before, name)) << name;
}

TEST_F(TmpfsDoorTest, SeesWhatASandboxLeaves) {
  node::Tree tree;
  for (const char* name : {"a", "b"}) ASSERT_TRUE(tree.mkdir({}, node::kRoot, name, 0755, kTime));
  ASSERT_TRUE(door_->populate(tree));
  auto spec = bash("echo kubeconfig > /host/a/file; mv /host/a/file /host/b/file; ln -s ../../../../etc /host/a/out; mkfifo /host/a/pipe");
  spec.binds = {{door_->mount_point(), "a", "/host/a", false}, {door_->mount_point(), "b", "/host/b", false}};
  EXPECT_EQ(run(spec).status, (subjects::ExitStatus{0, 0}));
  const auto now = door_->snapshot();
  ASSERT_TRUE(now) << now.error().line();
  EXPECT_EQ(*now->read_all(at(*now, "/b/file")), "kubeconfig\n");
  EXPECT_EQ(now->attributes(at(*now, "/a/out"))->type, FileType::kSymlink);
  EXPECT_EQ(now->attributes(at(*now, "/a/pipe"))->type, FileType::kFifo);
}

TEST_F(TmpfsDoorTest, TheWorldChangesItThroughTheAgent) {
  ASSERT_TRUE(harness().agent().apply(door_->mount_point(), {{.kind = subjects::Change::Kind::kWrite, .path = "/f", .content = "x"}}));
  const auto now = door_->snapshot();
  ASSERT_TRUE(now);
  EXPECT_EQ(*now->read_all(at(*now, "/f")), "x");
}

TEST_F(TmpfsDoorTest, AHostileTreeMeetsTheCaps) {
  open_door({.bytes = 8ULL << 20, .inodes = 1000, .depth = 16});
  auto spec = bash("cd /host; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do mkdir d; cd d; done");
  spec.binds = {{door_->mount_point(), "", "/host", false}};
  run(spec);
  auto snapshot = door_->snapshot();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::kLimit);
  EXPECT_THAT(snapshot.error().line(), HasSubstr("more than 16 deep"));

  open_door({.bytes = 8ULL << 20, .inodes = 200, .depth = 16});
  spec = bash("touch /host/f; for ((i = 0; i < 300; ++i)); do ln /host/f /host/$i; done");
  spec.binds = {{door_->mount_point(), "", "/host", false}};
  run(spec);
  snapshot = door_->snapshot();
  // Hard links cost no inodes, so tmpfs itself may or may not stop them; a snapshot does.
  if (!snapshot) {
    EXPECT_THAT(snapshot.error().line(), HasSubstr("more than 200 names"));
  }
  if (snapshot) {
    EXPECT_LE(snapshot->list(node::kRoot)->size(), 200U);
  }

  open_door({.bytes = 8ULL << 20, .inodes = 1000, .depth = 16});
  spec = bash("truncate -s 500G /host/sparse; true");
  spec.limits.file_bytes = 1ULL << 40;
  spec.binds = {{door_->mount_point(), "", "/host", false}};
  run(spec);
  snapshot = door_->snapshot();
  ASSERT_FALSE(snapshot);
  EXPECT_EQ(snapshot.error().code, ErrorCode::kLimit);
}

}  // namespace
}  // namespace entryproof::doors
