// What only the kernel can say of the program: which events it causes, which calls it makes, how it takes a limit.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "reference/posix_host.h"
#include "reference/publish.h"

namespace reference {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kDeadline = 20s;

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_all(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

class KernelTest : public testing::Test {
 protected:
  KernelTest() {
    std::string name = (fs::temp_directory_path() / "reference_kernel_XXXXXX").string();
    root_ = mkdtemp(name.data());
    fs::create_directories(net());
    fs::create_directories(root_ / "host/opt/cni/bin");
    write_all(root_ / "src/multus", "#!/bin/sh\n");
    write_all(root_ / "token", "first-token");
    write_all(root_ / "ca.crt", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n");
    write_all(net() / "10-flannel.conf", R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel"})");
  }
  ~KernelTest() override {
    if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
    fs::remove_all(root_);
  }

  fs::path net() const { return root_ / "host/etc/cni/net.d"; }

  // Runs the program with its standard error in a pipe. `confine` is called in the child just before.
  void launch(std::vector<std::string> more, const std::function<bool()>& confine) {
    std::vector<std::string> words{ENTRYPROOF_BIN_DIR "/thin_entrypoint",
                                   "--cni-conf-dir=" + net().string(),
                                   "--multus-autoconfig-dir=" + net().string(),
                                   "--cni-bin-dir=" + (root_ / "host/opt/cni/bin").string(),
                                   "--multus-bin-file=" + (root_ / "src/multus").string(),
                                   "--token-file=" + (root_ / "token").string(),
                                   "--ca-file=" + (root_ / "ca.crt").string(),
                                   "--api-server=10.96.0.1:443",
                                   "--poll-interval=100ms"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::array<char*, 1> environment{nullptr};
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDERR_FILENO);
      dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
      if (confine()) execve(pointers[0], pointers.data(), environment.data());
      _exit(127);
    }
    close(ends[1]);
    error_ = ends[0];
  }

  // What the child said up to the end, or up to `text`.
  std::string said(const std::string& text = "") {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (std::chrono::steady_clock::now() < end && (text.empty() || spoken_.find(text) == std::string::npos)) {
      pollfd ready{.fd = error_, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 1000) != 1) continue;
      std::array<char, 4096> buffer;
      const ssize_t got = read(error_, buffer.data(), buffer.size());
      if (got <= 0) break;
      spoken_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return spoken_;
  }

  // Its exit status, or minus the signal.
  int end() {
    said();
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    close(error_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  fs::path root_;
  pid_t child_ = -1;
  int error_ = -1;
  std::string spoken_;
};

// Whoever makes a socket from now on is killed.
bool forbid_the_network() {
  const auto refuse = [](long number) {
    return std::array<sock_filter, 2>{sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
                                      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  };
  std::vector<sock_filter> filter{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const long number : {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_sendto, SYS_recvfrom, SYS_sendmsg}) {
    const auto pair = refuse(number);
    filter.insert(filter.end(), pair.begin(), pair.end());
  }
  filter.push_back(sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(KernelTest, MakesNoNetworkCall) {  // STATIC-52
  launch({"--once"}, forbid_the_network);
  EXPECT_EQ(end(), 0) << spoken_;
  EXPECT_NE(read_all(net() / "multus.d/multus.kubeconfig").find("first-token"), std::string::npos);
  EXPECT_TRUE(fs::exists(net() / "00-multus.conf"));
  launch({"--once"}, [] { return forbid_the_network() && socket(AF_INET, SOCK_STREAM, 0) >= 0; });
  EXPECT_EQ(end(), -SIGSYS);  // the filter does bite
}

TEST_F(KernelTest, ALimitOfFileSizesIsAnErrorAndNoEnd) {  // ATOM-28
  launch({}, [] {
    const rlimit limit{.rlim_cur = 100, .rlim_max = 100};
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
  });
  EXPECT_NE(said("EFBIG").find("multus.kubeconfig"), std::string::npos);
  kill(child_, SIGTERM);
  EXPECT_EQ(end(), 0);
  EXPECT_TRUE(fs::is_empty(net() / "multus.d"));
}

// ATOM-25: containerd reads a directory again when a name in it goes or a file in it was written, not when one appears.
TEST_F(KernelTest, PublishingIsAnEventThatRuntimesListenTo) {
  const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  ASSERT_GE(inotify_add_watch(watch, net().c_str(), IN_ALL_EVENTS), 0);
  PosixHost host;
  Publisher publisher(host);
  ASSERT_TRUE(publisher.publish((net() / "00-multus.conf").string(), "{}\n", 0600));
  alignas(inotify_event) std::array<char, 8192> buffer;
  const ssize_t size = read(watch, buffer.data(), buffer.size());
  close(watch);
  ASSERT_GT(size, 0);
  std::uint32_t appeared = 0;
  std::vector<std::uint32_t> left;
  for (ssize_t at = 0; at < size;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const std::string name(buffer.data() + at + sizeof event, strnlen(buffer.data() + at + sizeof event, event.len));
    if ((event.mask & IN_MOVED_FROM) != 0) left.push_back(event.cookie);
    if ((event.mask & IN_MOVED_TO) != 0 && name == "00-multus.conf") appeared = event.cookie;
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  ASSERT_NE(appeared, 0U);
  EXPECT_EQ(std::ranges::count(left, appeared), 1);  // the temporary name went in the same rename, in the same directory
}

}  // namespace
}  // namespace reference
