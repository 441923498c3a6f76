#include "simulator/doors/memory_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>

#include <string>
#include <vector>

#include "simulator/faults/engine.h"

namespace entryproof::doors {
namespace {

using node::Actor;
using node::Caller;
using node::Mount;
using node::Verb;
using node::View;

template <class T>
int error_of(const node::Outcome<T>& outcome) {
  return outcome ? 0 : static_cast<int>(outcome.error());
}

class MemoryProcessTest : public ::testing::Test {
 protected:
  // A host with two volumes, one of them read-only in the pod.
  void SetUp() override {
    net = node.mkdir(host.caller(), node::kRoot, "net.d", 0755).value();
    secret = node.mkdir(host.caller(), node::kRoot, "secret", 0755).value();
    put(host, "/secret/token", "abc");
    put(host, "/net.d/10-flannel.conf", "{}");
  }
  View pod_view() const {
    return View({Mount{"/host/net.d", net, false}, Mount{"/var/secret", secret, true}, Mount{"/tmp", node::kRoot, false}});
  }
  static void put(MemoryProcess& process, const std::string& path, std::string_view bytes) {
    const auto file = process.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ASSERT_TRUE(file) << path;
    ASSERT_EQ(process.write(*file, bytes), bytes.size());
    ASSERT_TRUE(process.close(*file));
  }
  static std::string get(MemoryProcess& process, const std::string& path) {
    const auto file = process.open(path, O_RDONLY);
    if (!file) return "error " + std::to_string(error_of(file));
    const std::string bytes = process.read(*file, 1 << 20).value();
    EXPECT_TRUE(process.close(*file));
    return bytes;
  }

  VirtualClock clock;
  node::Node node{node::Tree(), clock};
  MemoryProcess host{node, View(), Caller{}};
  node::InodeId net = 0, secret = 0;
};

TEST_F(MemoryProcessTest, SeesVolumesWhereTheyAreMounted) {
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 0022, 1});
  EXPECT_EQ(get(pod, "/var/secret/token"), "abc");
  put(pod, "/host/net.d/00-multus.conf", "mine");
  EXPECT_EQ(get(host, "/net.d/00-multus.conf"), "mine");
  EXPECT_EQ(pod.list("/host/net.d")->size(), 2U);
  EXPECT_EQ(pod.stat("/host")->type, node::FileType::kDirectory);
  EXPECT_EQ(error_of(pod.mkdir("/host", 0755)), EEXIST);
  EXPECT_EQ(error_of(pod.mkdir("/host/new", 0755)), EROFS);
  EXPECT_EQ(error_of(pod.stat("/net.d")), ENOENT);
}

TEST_F(MemoryProcessTest, RefusesToRenameAndLinkAcrossMounts) {
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 0022, 1});
  put(pod, "/tmp/a", "x");
  EXPECT_EQ(error_of(pod.rename("/tmp/a", "/host/net.d/a")), EXDEV);
  EXPECT_EQ(error_of(pod.link("/tmp/a", "/host/net.d/a")), EXDEV);
  EXPECT_EQ(error_of(pod.rename("/tmp/net.d/10-flannel.conf", "/host/net.d/a")), EXDEV) << "even the same directory, mounted twice";
  EXPECT_EQ(error_of(pod.rename("/host/net.d", "/host/other")), EBUSY);
  EXPECT_EQ(error_of(pod.rmdir("/host/net.d")), EBUSY);
  EXPECT_EQ(error_of(pod.rename("/tmp/a", "/tmp/b")), 0);
}

TEST_F(MemoryProcessTest, ReadOnlyMountsRefuseEveryChange) {
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 0022, 1});
  const std::uint64_t before = node.tree().generation();
  EXPECT_EQ(error_of(pod.open("/var/secret/token", O_WRONLY)), EROFS);
  EXPECT_EQ(error_of(pod.open("/var/secret/token", O_RDONLY | O_TRUNC)), EROFS);
  EXPECT_EQ(error_of(pod.open("/var/secret/new", O_WRONLY | O_CREAT, 0644)), EROFS);
  EXPECT_EQ(error_of(pod.open("/var/secret/token", O_RDONLY | O_CREAT, 0644)), 0) << "it is there: nothing to create";
  EXPECT_EQ(error_of(pod.mkdir("/var/secret/d", 0755)), EROFS);
  EXPECT_EQ(error_of(pod.unlink("/var/secret/token")), EROFS);
  EXPECT_EQ(error_of(pod.rename("/var/secret/token", "/var/secret/t")), EROFS);
  EXPECT_EQ(error_of(pod.link("/var/secret/token", "/var/secret/t")), EROFS);
  EXPECT_EQ(error_of(pod.symlink("token", "/var/secret/t")), EROFS);
  EXPECT_EQ(error_of(pod.chmod("/var/secret/token", 0600)), EROFS);
  EXPECT_EQ(error_of(pod.truncate("/var/secret/token", 0)), EROFS);
  EXPECT_EQ(error_of(pod.access("/var/secret/token", 2)), EROFS);
  const int file = pod.open("/var/secret/token", O_RDONLY).value();
  EXPECT_EQ(error_of(pod.fchmod(file, 0600)), EROFS);
  EXPECT_EQ(node.tree().generation(), before);
}

TEST_F(MemoryProcessTest, DescriptorsAreNumberedAndCapped) {
  EXPECT_EQ(host.open("/", O_RDONLY), 3);
  EXPECT_EQ(host.open("/", O_RDONLY), 4);
  ASSERT_TRUE(host.close(3));
  EXPECT_EQ(host.open("/", O_RDONLY), 3);
  EXPECT_EQ(error_of(host.close(99)), EBADF);
  EXPECT_EQ(error_of(host.read(-1, 1)), EBADF);
  int opened = 2;
  while (host.open("/", O_RDONLY)) ++opened;
  EXPECT_EQ(opened, 1024 - 3);
  EXPECT_EQ(error_of(host.open("/f", O_WRONLY | O_CREAT, 0644)), EMFILE);
  EXPECT_EQ(node.tree().child(node::kRoot, "f"), 0U) << "nothing is made for a descriptor that cannot be given";
}

TEST_F(MemoryProcessTest, DescriptorsKnowTheirDirectionAndPlace) {
  put(host, "/f", "0123456789");
  const int in = host.open("/f", O_RDONLY).value();
  EXPECT_EQ(host.read(in, 4), "0123");
  EXPECT_EQ(host.read(in, 4), "4567");
  EXPECT_EQ(host.pread(in, 2, 0), "01");
  EXPECT_EQ(host.lseek(in, -1, SEEK_END), 9U);
  EXPECT_EQ(host.read(in, 4), "9");
  EXPECT_EQ(error_of(host.lseek(in, -1, SEEK_SET)), EINVAL);
  EXPECT_EQ(error_of(host.write(in, "x")), EBADF);
  EXPECT_EQ(error_of(host.ftruncate(in, 0)), EINVAL);
  const int out = host.open("/f", O_WRONLY | O_APPEND).value();
  EXPECT_EQ(error_of(host.read(out, 1)), EBADF);
  EXPECT_EQ(host.write(out, "ab"), 2U);
  EXPECT_EQ(host.lseek(out, 0, SEEK_CUR), 12U);
  EXPECT_EQ(get(host, "/f"), "0123456789ab");
}

TEST_F(MemoryProcessTest, AFileWithoutANameLivesUntilItsLastDescriptor) {
  const int file = host.open("/f", O_RDWR | O_CREAT, 0600).value();
  const node::InodeId inode = host.fstat(file)->inode;
  ASSERT_TRUE(host.unlink("/f"));
  ASSERT_TRUE(host.write(file, "ghost"));
  EXPECT_EQ(host.pread(file, 10, 0), "ghost");
  EXPECT_EQ(host.fstat(file)->links, 0U);
  host.exit();
  EXPECT_FALSE(node.tree().attributes(inode));
}

TEST_F(MemoryProcessTest, MakesNoRequestThatLinuxWouldNotMake) {
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 0022, 1});
  const std::size_t before = node.journal().operations().size();
  EXPECT_EQ(error_of(pod.mkdir("/tmp/net.d", 0755)), EEXIST);
  EXPECT_EQ(error_of(pod.unlink("/tmp/missing")), ENOENT);
  EXPECT_EQ(error_of(pod.rename("/tmp/missing", "/tmp/x")), ENOENT);
  EXPECT_EQ(error_of(pod.open("/tmp/missing", O_RDONLY)), ENOENT);
  EXPECT_EQ(error_of(pod.open("/tmp/net.d/10-flannel.conf", O_WRONLY | O_CREAT | O_EXCL, 0644)), EEXIST);
  EXPECT_EQ(node.journal().operations().size(), before);
}

TEST_F(MemoryProcessTest, AtomicReplacementIsSixCountedOperations) {
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 0022, 7});
  const int file = pod.open("/host/net.d/.tmp", O_WRONLY | O_CREAT | O_EXCL, 0600).value();
  ASSERT_TRUE(pod.write(file, "{}"));
  ASSERT_TRUE(pod.fchmod(file, 0644));
  ASSERT_TRUE(pod.fsync(file));
  ASSERT_TRUE(pod.close(file));
  ASSERT_TRUE(pod.rename("/host/net.d/.tmp", "/host/net.d/00.conf"));
  const int directory = pod.open("/host/net.d", O_RDONLY | O_DIRECTORY).value();
  ASSERT_TRUE(pod.fsync(directory));
  const node::Operation& last = node.journal().operations().back();
  EXPECT_EQ(last.verb, Verb::kFsyncDirectory);
  EXPECT_EQ(last.index, 6U);
  EXPECT_EQ(last.session, 7U);
  EXPECT_EQ(last.path, "/net.d") << "the journal speaks of the host";
}

TEST_F(MemoryProcessTest, UmaskAndCredentialsAreTheProcesss) {
  MemoryProcess alice(node, View(), Caller{Actor::kBuild, {1000, 1000, false}, 0077, 1});
  EXPECT_EQ(error_of(alice.mkdir("/mine", 0777)), EACCES);
  ASSERT_TRUE(host.chmod("/", 0777));
  ASSERT_TRUE(alice.mkdir("/mine", 0777));
  EXPECT_EQ(host.stat("/mine")->mode, 0700U);
  EXPECT_EQ(host.stat("/mine")->uid, 1000U);
  EXPECT_EQ(alice.umask(0), 0077U);
  const int file = alice.open("/mine/f", O_RDWR | O_CREAT, 0400).value();
  EXPECT_EQ(error_of(alice.ftruncate(file, 5)), 0) << "opened for writing, whatever the mode says";
  EXPECT_EQ(error_of(alice.truncate("/mine/f", 5)), EACCES);
}

// As the FUSE door sees it.
TEST_F(MemoryProcessTest, ADescriptorThatIsSynchronousSyncsEachWrite) {
  const int all = host.open("/net.d/f", O_WRONLY | O_CREAT | O_SYNC, 0644).value();
  const int data = host.open("/net.d/f", O_WRONLY | O_DSYNC).value();
  const std::size_t before = node.journal().operations().size();
  ASSERT_TRUE(host.write(all, "abc"));
  ASSERT_TRUE(host.pwrite(data, "d", 0));
  std::vector<std::string> seen;
  for (std::size_t i = before; i < node.journal().operations().size(); ++i) {
    const node::Operation& operation = node.journal().operations()[i];
    if (node::counts(operation.verb)) seen.push_back(std::string(to_string(operation.verb)) + (operation.flags != 0 ? " data" : ""));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"write", "fsync", "write", "fsync data"}));
}

TEST_F(MemoryProcessTest, EveryCallGivesTheErrnoOfThePlan) {
  faults::Engine engine(node);
  node.set_gate(&engine);
  engine.set_plan(
      *faults::parse("open **/token errno=EMFILE\nread **/token errno=EIO\nlookup **/10-flannel.conf errno=EACCES\n"
                     "close **/a errno=EIO\nwrite **/a short=3 then errno=ENOSPC\nlookup **/a nth=2 errno=ENOENT\n"
                     "read-directory **/net.d errno=EIO"));
  MemoryProcess pod(node, pod_view(), Caller{Actor::kBuild, {}, 022, 1});
  EXPECT_EQ(error_of(pod.open("/var/secret/token", O_RDONLY)), EMFILE);
  const int token = pod.open("/var/secret/token", O_RDONLY).value();
  EXPECT_EQ(error_of(pod.read(token, 10)), EIO);
  EXPECT_EQ(pod.read(token, 10), "abc");
  EXPECT_EQ(error_of(pod.stat("/host/net.d/10-flannel.conf")), EACCES);
  EXPECT_EQ(error_of(pod.stat("/host/net.d/10-flannel.conf")), 0);
  EXPECT_EQ(error_of(pod.list("/host/net.d")), EIO);
  const int file = pod.open("/host/net.d/a", O_WRONLY | O_CREAT, 0644).value();
  EXPECT_EQ(pod.write(file, "0123456789"), 3U);
  EXPECT_EQ(error_of(pod.write(file, "3456789")), ENOSPC);
  EXPECT_EQ(pod.write(file, "3456789"), 7U);
  EXPECT_EQ(error_of(pod.stat("/host/net.d/a")), ENOENT) << "whatever is there";
  EXPECT_EQ(error_of(pod.close(file)), EIO);
  EXPECT_EQ(error_of(pod.close(file)), EBADF) << "closed all the same";
  EXPECT_EQ(get(host, "/net.d/a"), "0123456789");
  node.set_gate(nullptr);
}

}  // namespace
}  // namespace entryproof::doors
