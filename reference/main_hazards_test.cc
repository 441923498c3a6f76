// The real program in hard places: ended at any moment, under any umask, beside another instance, in a container without /tmp and /proc
// whose root is read-only.
#include <sched.h>
#include <sys/mount.h>

#include <array>
#include <random>

#include "reference/process_test_support.h"

namespace reference {
namespace {

class HazardTest : public ProcessTest {
 protected:
  fs::path bin() const { return root_ / "host/opt/cni/bin"; }
  fs::path configuration() const { return net() / "00-multus.conf"; }

  static mode_t mode_of(const fs::path& path) {
    struct stat status{};
    return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0xffff;
  }

  // Whoever sees one file finds those that it leads to, whole; and nothing lies about.
  void expect_consistent() const {
    if (fs::exists(kubeconfig())) {
      EXPECT_TRUE(read_all(kubeconfig()).ends_with("current-context: multus-context\n"));
    }
    if (fs::exists(bin() / "multus")) {
      EXPECT_EQ(read_all(bin() / "multus"), read_all(root_ / "src/multus"));
    }
    if (fs::exists(configuration())) {
      EXPECT_TRUE(fs::exists(kubeconfig()));
      EXPECT_TRUE(fs::exists(bin() / "multus"));
      EXPECT_TRUE(read_all(configuration()).find("\"delegates\"") != std::string::npos);
    }
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "host")) {
      EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
    }
  }
};

TEST_F(HazardTest, TermAtAnyMomentLeavesAConsistentState) {  // LIFE-58, ATOM-22
  write_all(root_ / "src/multus", std::string(8'000'000, 'm'));
  std::minstd_rand random(20261123);
  for (int life = 0; life < 40; ++life) {
    if (life % 2 == 0) {  // half of the lives begin on a fresh node
      fs::remove_all(net() / "multus.d");
      fs::remove(configuration());
      fs::remove(bin() / "multus");
    }
    project("token-" + std::to_string(life));
    const auto process = launch(arguments());
    const timespec moment{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % 8'000'000)};
    ppoll(nullptr, 0, &moment, nullptr);
    process->signal(life % 3 == 0 ? SIGINT : SIGTERM);
    // Before the first instruction of main() a signal still kills, and then nothing was touched.
    const int status = process->wait();
    EXPECT_TRUE(status == 0 || status == -SIGTERM || status == -SIGINT) << status;
    expect_consistent();
  }
}

TEST_F(HazardTest, ModesAreOursWhateverTheUmask) {  // SECURE-53
  for (const mode_t mask : {0U, 022U, 027U, 077U, 0777U}) {
    fs::remove_all(net() / "multus.d");
    fs::remove(configuration());
    fs::remove(bin() / "multus");
    const mode_t before = umask(mask);
    const auto process = launch(arguments({"--once"}));
    umask(before);
    EXPECT_EQ(process->wait(), 0) << read_all(root_ / "error");
    EXPECT_EQ(mode_of(kubeconfig()), 0600U) << mask;
    EXPECT_EQ(mode_of(configuration()), 0600U) << mask;
    EXPECT_EQ(mode_of(bin() / "multus"), 0755U) << mask;
    EXPECT_EQ(mode_of(net() / "multus.d"), 0700U) << mask;
  }
}

TEST_F(HazardTest, TwoInstancesConverge) {  // ORDER-43
  const auto older = launch(arguments());
  const auto newer = launch(arguments({"--namespace-isolation=false"}));
  for (int i = 0; i < 5; ++i) {
    const std::string token = "token-" + std::to_string(i);
    project(token);
    EXPECT_TRUE(eventually([&] { return has_token(token); }));
    fs::remove(configuration());
    EXPECT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  }
  older->signal(SIGTERM);
  EXPECT_EQ(older->wait(), 0);
  EXPECT_TRUE(fs::exists(configuration()));
  fs::remove(kubeconfig());
  EXPECT_TRUE(eventually([&] { return has_token("token-4"); }));
  newer->signal(SIGTERM);
  EXPECT_EQ(newer->wait(), 0);
  expect_consistent();
}

// A container as small as they come: the program, its volumes, and nothing else; only net.d can be written to.
class BareContainerTest : public HazardTest {
 protected:
  void SetUp() override {
    if (!ENTRYPROOF_STATIC) GTEST_SKIP() << "a program with sanitizers needs libraries that are not in this container";
    if (geteuid() != 0) GTEST_SKIP() << "only root may mount";
    fs::create_directories(root_ / "host/opt/cni/bin");
    fs::copy_file(ENTRYPROOF_BIN_DIR "/thin_entrypoint", root_ / "thin_entrypoint");
  }

  // Begins a life in the container.
  pid_t begin() const {
    const pid_t child = fork();
    if (child == 0) {
      enter();
      const int log = open("/host/etc/cni/net.d/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      dup2(log, 1);
      dup2(log, 2);
      std::vector<std::string> words{"/thin_entrypoint",     "--multus-bin-file=/src/multus", "--token-file=/sa/token",
                                     "--ca-file=/sa/ca.crt", "--api-server=10.96.0.1:443",    "--once"};
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      std::array<char*, 1> nothing{nullptr};
      execve(pointers[0], pointers.data(), nothing.data());
      _exit(98);
    }
    return child;
  }

  // The exit status; 99 if the container could not be made.
  static int end_of(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  void enter() const {
    const std::string root = root_;
    const std::string net_directory = net();
    const bool entered = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                         mount(net_directory.c_str(), net_directory.c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                         mount(nullptr, root.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0 &&
                         chroot(root.c_str()) == 0 && chdir("/") == 0;
    if (!entered) _exit(99);
  }
};

TEST_F(BareContainerTest, NeedsNothingButItsVolumes) {  // SECURE-56, LIFE-59
  fs::copy_file(root_ / "src/multus", bin() / "multus");
  fs::permissions(bin() / "multus", fs::perms{0755});
  EXPECT_EQ(end_of(begin()), 0) << read_all(net() / "log");
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_TRUE(fs::exists(configuration()));
}

TEST_F(BareContainerTest, SaysWhyAReadOnlyPluginDirectoryStopsIt) {  // SECURE-56
  std::ofstream(bin() / "multus") << "another plugin, and not executable";
  const pid_t child = begin();
  EXPECT_TRUE(eventually([&] { return read_all(net() / "log").find("(EROFS)") != std::string::npos; })) << read_all(net() / "log");
  EXPECT_TRUE(has_token("first-token"));  // credentials are nobody's hostage
  EXPECT_FALSE(fs::exists(configuration()));
  kill(child, SIGTERM);
  EXPECT_EQ(end_of(child), 0);
}

}  // namespace
}  // namespace reference
