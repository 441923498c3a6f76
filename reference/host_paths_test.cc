#include "reference/host_paths.h"

#include <gtest/gtest.h>

#include "reference/memory_host_test_support.h"

namespace reference {
namespace {

const std::string kUsual = "/etc/cni/net.d/multus.d/multus.kubeconfig";

// EXIST-03: one mapping derives both the place that is written and the name that is published.
TEST(HostPaths, MapsByTheNameOfTheVolume) {
  const HostPaths paths({"/host/etc/cni/net.d", "/host/opt/cni/bin"}, kUsual, "");
  EXPECT_EQ(paths.in_container(kUsual), "/host/etc/cni/net.d/multus.d/multus.kubeconfig");
  EXPECT_EQ(paths.in_container("/etc/cni/net.d/other/name"), "/host/etc/cni/net.d/other/name");
  EXPECT_EQ(paths.in_container("/opt/cni/bin/x"), "/host/opt/cni/bin/x");
  EXPECT_FALSE(paths.in_container("/etc/kubernetes/multus.kubeconfig"));
  EXPECT_FALSE(paths.in_container("/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig"));
  EXPECT_FALSE(paths.in_container("/etc/cni/net.d"));
  EXPECT_FALSE(paths.in_container("/etc/cni/net.d/../../shadow"));
  EXPECT_FALSE(paths.in_container("/etc/cni/net.d.old/x"));
}

TEST(HostPaths, LearnsAnyPrefixOfTheContainer) {
  const HostPaths paths({"/mnt/node/etc/cni/net.d"}, kUsual, "");
  EXPECT_EQ(paths.in_container(kUsual), "/mnt/node/etc/cni/net.d/multus.d/multus.kubeconfig");
  EXPECT_EQ(paths.on_host("/mnt/node/etc/cni/multus"), "/etc/cni/multus");
  EXPECT_EQ(paths.on_host("/etc/cni/multus"), "/etc/cni/multus");
}

TEST(HostPaths, TakesTheSamePathOnBothSides) {
  const HostPaths paths({"/etc/cni/net.d"}, kUsual, "");
  EXPECT_EQ(paths.in_container(kUsual), kUsual);
  EXPECT_EQ(paths.on_host("/host/x"), "/host/x");  // no such prefix here
}

TEST(HostPaths, BelievesTheMountTableWhereNamesDoNotHelp) {
  const std::string table =
      "22 1 8:1 / / rw - overlay overlay rw\n"
      "30 22 8:2 /var/lib/rancher/k3s/agent/etc/cni/net.d /host/etc/cni/net.d rw,relatime - ext4 /dev/sda2 rw\n";
  const std::string moved = "/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig";
  const HostPaths paths({"/host/etc/cni/net.d"}, moved, table);
  EXPECT_EQ(paths.in_container(moved), "/host/etc/cni/net.d/multus.d/multus.kubeconfig");
  EXPECT_EQ(paths.on_host("/host/etc/cni/multus/net.d"), "/etc/cni/multus/net.d");
  EXPECT_FALSE(paths.in_container("/var/lib/other/etc/cni/multus.kubeconfig"));

  // The root of a file system tells nothing, and broken tables do no harm.
  EXPECT_FALSE(HostPaths({"/host/etc/cni/net.d"}, moved, "30 22 0:5 / /host/etc/cni/net.d rw - fuse x rw\n").in_container(moved));
  EXPECT_FALSE(HostPaths({"/host/etc/cni/net.d"}, moved, "\n1 2\n   \nx").in_container(moved));
}

TEST(HostPaths, LooksOnlyWhereThisModeUsesAVolume) {
  MemoryHost host;
  host.put("/proc/self/mountinfo", "30 22 8:2 /etc/cni/net.d /host/net rw,relatime - ext4 /dev/sda2 rw\n");
  Options options;
  options.cni_conf_dir = "/host/net";
  options.multus_conf_file = "/tmp/multus-conf/70-multus.conf";
  EXPECT_EQ(make_host_paths(host, options).in_container(kUsual), "/host/net/multus.d/multus.kubeconfig");
  options.multus_conf_file = "auto";
  EXPECT_EQ(make_host_paths(host, options).in_container(kUsual), "/host/etc/cni/net.d/multus.d/multus.kubeconfig");
  options.multus_autoconfig_dir = "/host/net";
  EXPECT_EQ(make_host_paths(host, options).in_container(kUsual), "/host/net/multus.d/multus.kubeconfig");
}

}  // namespace
}  // namespace reference
