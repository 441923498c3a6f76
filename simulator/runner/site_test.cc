#include "simulator/runner/site.h"

#include <gtest/gtest.h>

namespace entryproof::runner {
namespace {

TEST(Site, MapsContainerPathsByTheInnermostVolume) {
  const Site site = Site::usual();
  EXPECT_EQ(site.to_node("/host/etc/cni/net.d/00-multus.conf"), "/etc/cni/net.d/00-multus.conf");
  EXPECT_EQ(site.to_node("/host/opt/cni/bin"), "/opt/cni/bin");
  EXPECT_EQ(site.to_node("/var/run/secrets/kubernetes.io/serviceaccount/token"), site.service_account + "/token");
  EXPECT_EQ(site.to_node("/host/etc/cni/net.dx"), site.root + "/host/etc/cni/net.dx");
  EXPECT_EQ(site.to_node("/tmp/x"), site.root + "/tmp/x");
  EXPECT_EQ(site.to_node("node:/etc/cni/net.d"), "/etc/cni/net.d");
}

TEST(Site, MountsOneMoreDirectoryBehindTheMountsThatHoldItAndBeforeThoseBelowIt) {
  Site site = Site::usual();
  site.mount("/host/etc", "/other/etc");
  site.mount("/host/etc/cni/multus", "/moved");
  EXPECT_EQ(site.to_node("/host/etc/x"), "/other/etc/x");
  EXPECT_EQ(site.to_node("/host/etc/cni/net.d/x"), "/etc/cni/net.d/x");
  EXPECT_EQ(site.to_node("/host/etc/cni/multus/x"), "/moved/x");
  const auto view = site.view(site.image());
  ASSERT_TRUE(view) << view.error().line();
  const auto outer = view->walk(site.image(), {}, "/host/etc/x");
  const auto inner = view->walk(site.image(), {}, "/host/etc/cni/net.d/x");
  ASSERT_TRUE(outer && inner);
  EXPECT_NE(outer->mount, inner->mount);
  EXPECT_TRUE(node::View().resolve(site.image(), {}, "/other/etc/cni/net.d")) << "a mount needs a mount point";
}

TEST(Site, ImageHoldsEveryVolumeAndThePlugin) {
  const Site site = Site::usual();
  const node::Tree& image = site.image();
  for (const auto& volume : site.volumes) {
    const auto inode = node::View().resolve(image, {}, volume.node);
    ASSERT_TRUE(inode) << volume.node;
    EXPECT_EQ(image.attributes(*inode)->type, node::FileType::kDirectory) << volume.node;
  }
  const auto plugin = node::View().resolve(image, {}, site.image_plugin);
  ASSERT_TRUE(plugin);
  EXPECT_EQ(image.attributes(*plugin)->mode, 0755U);
  EXPECT_GT(image.attributes(*plugin)->size, 64U * 1024) << "a torn copy must be able to show";
}

TEST(Site, TheContainerSeesVolumesAsMountsOfTheirOwn) {
  const Site site = Site::usual();
  const auto view = site.view(site.image());
  ASSERT_TRUE(view) << view.error().line();
  const auto temporary = view->walk(site.image(), {}, "/tmp/x");
  const auto net = view->walk(site.image(), {}, "/host/etc/cni/net.d/x");
  const auto account = view->walk(site.image(), {}, "/var/run/secrets/kubernetes.io/serviceaccount/x");
  ASSERT_TRUE(temporary && net && account);
  EXPECT_NE(temporary->mount, net->mount);
  EXPECT_FALSE(net->read_only);
  EXPECT_TRUE(account->read_only);
  const auto root = view->walk(site.image(), {}, "/x");
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->read_only);
}

}  // namespace
}  // namespace entryproof::runner
