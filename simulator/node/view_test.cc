#include "simulator/node/view.h"

#include <gtest/gtest.h>

#include <cerrno>

#include <string>

namespace entryproof::node {
namespace {

class ViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    etc = tree.mkdir({}, kRoot, "etc", 0755, 1).value();
    net = tree.mkdir({}, etc, "net.d", 0755, 1).value();
    conf = tree.create({}, net, "00.conf", 0644, 1).value();
    secret = tree.mkdir({}, kRoot, "secret", 0700, 1).value();
    inside = tree.create({}, secret, "inside", 0644, 1).value();
  }
  void link(InodeId directory, std::string_view name, std::string_view target) {
    ASSERT_TRUE(tree.symlink({}, directory, name, target, 1));
  }
  int error(const View& view, std::string_view path, bool follow = true, Credentials who = {}) {
    const auto found = view.resolve(tree, who, path, follow);
    return found ? 0 : static_cast<int>(found.error());
  }

  Tree tree;
  View host;
  InodeId etc = 0, net = 0, conf = 0, secret = 0, inside = 0;
};

TEST_F(ViewTest, HostPathsAreTreePaths) {
  EXPECT_EQ(host.resolve(tree, {}, "/"), kRoot);
  EXPECT_EQ(host.resolve(tree, {}, "/etc/net.d/00.conf"), conf);
  EXPECT_EQ(host.resolve(tree, {}, "//etc/./net.d/../net.d//00.conf"), conf);
  EXPECT_EQ(host.resolve(tree, {}, "/../../etc"), etc);
  EXPECT_EQ(host.resolve(tree, {}, "/etc/"), etc);
  EXPECT_EQ(error(host, ""), ENOENT);
  EXPECT_EQ(error(host, "/missing"), ENOENT);
  EXPECT_EQ(error(host, "/missing/x"), ENOENT);
  EXPECT_EQ(error(host, "/etc/net.d/00.conf/"), ENOTDIR);
  EXPECT_EQ(error(host, "/etc/net.d/00.conf/x"), ENOTDIR);
  EXPECT_EQ(error(host, "/etc/net.d/00.conf/.."), ENOTDIR);
  EXPECT_EQ(error(host, "/" + std::string(256, 'x')), ENAMETOOLONG);
  EXPECT_EQ(error(host, "/" + std::string(5000, '/')), ENAMETOOLONG);
}

TEST_F(ViewTest, PlacesSayWhereSomethingNewGoes) {
  const Place missing = host.walk(tree, {}, "/etc/net.d/new").value();
  EXPECT_EQ(missing.inode, 0U);
  EXPECT_EQ(missing.parent, net);
  EXPECT_EQ(missing.name, "new");
  EXPECT_FALSE(missing.directory_required);
  EXPECT_TRUE(host.walk(tree, {}, "/etc/net.d/new/")->directory_required);
  EXPECT_EQ(host.walk(tree, {}, "/etc/..")->name, "..");
  EXPECT_EQ(host.walk(tree, {}, "/")->name, "");
}

TEST_F(ViewTest, SymlinksAreFollowedInsideTheView) {
  link(kRoot, "relative", "etc/net.d/00.conf");
  link(net, "up", "../../etc/net.d/00.conf");
  link(kRoot, "dangling", "etc/net.d/later");
  EXPECT_EQ(host.resolve(tree, {}, "/relative"), conf);
  EXPECT_EQ(host.resolve(tree, {}, "/etc/net.d/up"), conf);
  EXPECT_NE(host.resolve(tree, {}, "/relative", false), conf);
  EXPECT_EQ(error(host, "/dangling"), ENOENT);
  const Place later = host.walk(tree, {}, "/dangling").value();
  EXPECT_EQ(later.parent, net) << "creating through a dangling link makes its target";
  EXPECT_EQ(later.name, "later");
}

TEST_F(ViewTest, FortyLinksAreFollowedAndNoMore) {
  link(kRoot, "l0", "etc");
  for (int i = 1; i <= 40; ++i) link(kRoot, "l" + std::to_string(i), "l" + std::to_string(i - 1));
  EXPECT_EQ(host.resolve(tree, {}, "/l39"), etc);
  EXPECT_EQ(error(host, "/l40"), ELOOP);
  link(kRoot, "self", "self");
  EXPECT_EQ(error(host, "/self"), ELOOP);
  EXPECT_EQ(error(host, "/self", false), 0);
}

TEST_F(ViewTest, SearchPermissionIsAskedOnTheWay) {
  const Credentials alice{1000, 1000, false};
  EXPECT_EQ(error(host, "/secret", true, alice), 0);
  EXPECT_EQ(error(host, "/secret/inside", true, alice), EACCES);
  EXPECT_EQ(error(host, "/secret/..", true, alice), EACCES);
}

TEST_F(ViewTest, MountsAreCrossedBothWays) {
  const InodeId rootfs = tree.mkdir({}, kRoot, "rootfs", 0755, 1).value();
  const InodeId own_etc = tree.mkdir({}, rootfs, "etc", 0755, 1).value();
  const InodeId point = tree.mkdir({}, own_etc, "cni", 0755, 1).value();
  const View pod({{"/", rootfs, false}, {"/etc/cni", net, false}, {"/secret", secret, true}});
  EXPECT_EQ(pod.resolve(tree, {}, "/etc"), own_etc);
  EXPECT_EQ(pod.resolve(tree, {}, "/etc/cni"), net);
  EXPECT_NE(pod.resolve(tree, {}, "/etc/cni"), point) << "what a mount covers cannot be reached";
  EXPECT_EQ(pod.resolve(tree, {}, "/etc/cni/00.conf"), conf);
  EXPECT_EQ(pod.resolve(tree, {}, "/etc/cni/.."), own_etc) << "not the parent in the tree";
  EXPECT_EQ(pod.walk(tree, {}, "/etc/x")->mount, 0U);
  EXPECT_EQ(pod.walk(tree, {}, "/etc/cni/x")->mount, 1U);
  EXPECT_FALSE(pod.walk(tree, {}, "/etc/cni/x")->read_only);
  EXPECT_TRUE(pod.walk(tree, {}, "/secret/inside")->read_only) << "without a directory in the tree to mount it on, too";
  EXPECT_EQ(pod.walk(tree, {}, "/etc/cni")->name, "");
  link(net, "absolute", "/etc/cni/00.conf");
  EXPECT_EQ(pod.resolve(tree, {}, "/etc/cni/absolute"), conf) << "in the pod the target exists";
  EXPECT_EQ(error(host, "/etc/net.d/absolute"), ENOENT) << "on the host it does not";
}

TEST_F(ViewTest, ScaffoldLeadsToMounts) {
  const View pod({{"/host/etc/cni/net.d", net, false}, {"/tmp/secret", secret, true}});
  EXPECT_EQ(pod.resolve(tree, {}, "/host/etc/cni/net.d/00.conf"), conf);
  EXPECT_EQ(pod.resolve(tree, {}, "/host/etc/../etc/cni/net.d/../net.d"), net);
  EXPECT_TRUE(pod.walk(tree, {}, "/host/etc")->scaffold);
  EXPECT_TRUE(pod.walk(tree, {}, "/")->scaffold);
  EXPECT_TRUE(pod.walk(tree, {}, "/host/new")->read_only);
  EXPECT_FALSE(pod.walk(tree, {}, "/host/new")->scaffold);
  EXPECT_EQ(error(pod, "/host/etc"), ENOENT);
  EXPECT_EQ(error(pod, "/etc"), ENOENT) << "the tree's root is not mounted";
  EXPECT_TRUE(pod.find(tree, {}, "/host/etc/")->scaffold);
}

}  // namespace
}  // namespace entryproof::node
