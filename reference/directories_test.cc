// SECURE-55: links to directories are followed once, as the host follows them.
#include "reference/directories.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "reference/entrypoint_test_support.h"

namespace reference {
namespace {

class DirectoriesTest : public EntrypointTest {
 protected:
  std::string find(const std::string& directory) {
    directories.begin_turn();
    const auto found = directories.find(directory);
    return found ? *found : "error: " + found.error().text;
  }
  HostPaths paths{{kNet, kNet, kBin}, "/etc/cni/net.d/multus.d/multus.kubeconfig", ""};
  Directories directories{host, paths};
};

TEST_F(DirectoriesTest, FollowsLinksAsTheHostDoes) {
  EXPECT_EQ(find(kNet), kNet);
  const int calls = host.calls;
  EXPECT_EQ(find(kNet), kNet);
  EXPECT_EQ(host.calls, calls + 1);  // one look tells that it is still the same
  EXPECT_EQ(find(kNet + "/to/be/made"), kNet + "/to/be/made");

  host.put_directory("/host/etc/cni/real.d");
  host.put_link("/host/etc/cni/relative", "real.d");
  host.put_link("/host/etc/cni/up", "../cni/./relative");
  host.put_link("/host/etc/cni/absolute", "/etc/cni/up");
  for (const char* name : {"relative", "up", "absolute"}) EXPECT_EQ(find("/host/etc/cni/" + std::string(name)), "/host/etc/cni/real.d");
  EXPECT_EQ(find("/host/etc/cni/absolute/new"), "/host/etc/cni/real.d/new");
}

TEST_F(DirectoriesTest, RefusesWhatLeadsOutOfTheVolumesInACircleOrNowhere) {
  host.put_directory("/var/lib/cni");  // in this container, where the host would never look
  host.put_link("/host/out", "/var/lib/cni");
  host.put_link("/host/dangling", "nothing");
  host.put_link("/host/loop", "loop2");
  host.put_link("/host/loop2", "/loop");
  EXPECT_NE(find("/host/out").find("error: cannot use /host/out: it is a link to /var/lib/cni"), std::string::npos);
  EXPECT_NE(find("/host/dangling/deeper").find("/host/dangling: it is a link to nothing"), std::string::npos);
  EXPECT_NE(find("/host/loop").find("circle"), std::string::npos);
  host.put("/host/file", "");
  EXPECT_NE(find("/host/file/below").find("ENOTDIR"), std::string::npos);
}

TEST_F(DirectoriesTest, NoticesAFlipAtOnce) {  // UPGRADE-49
  host.put_directory("/host/a");
  host.put_directory("/host/b");
  host.put_link("/host/current", "a");
  EXPECT_EQ(find("/host/current"), "/host/a");
  host.put_link("/host/current", "b");
  EXPECT_EQ(find("/host/current"), "/host/b");
  host.remove_all("/host/current");
  host.put_directory("/host/current");
  EXPECT_EQ(find("/host/current"), "/host/current");
  host.remove_all("/host/current");
  host.put_link("/host/current", "a");
  EXPECT_EQ(find("/host/current"), "/host/a");
}

TEST_F(DirectoriesTest, WithTheHostsOwnNamesTheFileSystemDecides) {
  const HostPaths same({"/etc/cni/net.d", "/etc/cni/net.d", "/opt/cni/bin"}, "/etc/cni/net.d/multus.d/multus.kubeconfig", "");
  ASSERT_EQ(same.prefix(), "");
  host.put_directory("/etc/cni/real.d");
  host.put_link("/etc/cni/net.d", "/etc/cni/real.d");
  Directories found(host, same);
  EXPECT_EQ(found.find("/etc/cni/net.d").value_or(""), "/etc/cni/real.d");
  host.put_link("/etc/cni/net.d", "/none");
  EXPECT_EQ(found.find("/etc/cni/net.d").value_or(""), "/etc/cni/real.d");  // for the rest of the turn
  found.begin_turn();
  EXPECT_FALSE(found.find("/etc/cni/net.d"));
}

TEST_F(DirectoriesTest, EverythingIsPublishedBehindTheLinks) {  // SECURE-55, ORDER-44, UPGRADE-49
  host.remove_all(kNet);
  host.remove_all(kBin);
  for (const char* state : {"one", "two"}) {
    host.put("/host/etc/cni/" + std::string(state) + "/10-flannel.conf", kFlannel);
    host.put_directory("/host/opt/cni/" + std::string(state));
  }
  host.put_link(kNet, "one");
  host.put_link(kBin, "/opt/cni/one");
  start();
  run(2s);
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_EQ(host.bytes("/host/opt/cni/one/multus"), "program");
  host.put_link(kNet, "two");
  host.put_link(kBin, "/opt/cni/two");
  run(2s);
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_EQ(delegate(), kFlannel);
  EXPECT_TRUE(host.bytes("/host/etc/cni/two/00-multus.conf"));
  EXPECT_EQ(host.bytes("/host/opt/cni/two/multus"), "program");
  EXPECT_TRUE(S_ISLNK(host.status(kNet).mode) && S_ISLNK(host.status(kBin).mode));
  host.changes.clear();
  run(10s);
  EXPECT_TRUE(host.changes.empty());
  EXPECT_FALSE(exit);
}

TEST_F(DirectoriesTest, ALinkOutOfTheVolumeIsSaidAndNothingIsWrittenThere) {  // SECURE-55
  host.put_directory("/var/lib/cni");
  host.remove_all(kNet);
  host.put_link(kNet, "/var/lib/cni");
  start();
  run(40s);
  EXPECT_EQ(exit, kExitConfiguration);
  EXPECT_TRUE(said(kNet + ": it is a link to /var/lib/cni"));
  EXPECT_TRUE(host.tree("/var/lib/cni").empty());
}

// SECURE-55: a flip in the middle of a replacement leaves no half of it anywhere.
TEST_F(DirectoriesTest, AFlipAtAnyCallLeavesNoLitter) {
  for (int nth = 1, count = nth; count >= nth; ++nth) {
    host.remove_all("/host");
    for (const char* state : {"one", "two"}) host.put("/host/etc/cni/" + std::string(state) + "/10-flannel.conf", kFlannel);
    host.put_directory(kBin);
    host.put_link(kNet, "one");
    start();
    count = 0;
    host.before = [&](std::string_view, const std::string&) -> std::optional<int> {
      if (++count == nth) host.put_link(kNet, "two");
      return std::nullopt;
    };
    host.now = entrypoint->turn().wait_until;
    host.before = nullptr;
    run(3s);
    ASSERT_TRUE(has_token("first-token")) << nth;
    ASSERT_EQ(delegate(), kFlannel) << nth;
    ASSERT_FALSE(litter()) << nth;
  }
}

}  // namespace
}  // namespace reference
