// The real program on real files: what only a process shows, that is signals, exit codes, streams and the kernel's own file system.
#include "reference/process_test_support.h"

namespace reference {
namespace {

using MainTest = ProcessTest;

TEST_F(MainTest, InstallsRefreshesAndStops) {  // EXIST-01, FRESH-06, LIFE-58
  const auto process = launch(arguments());
  ASSERT_TRUE(eventually([&] { return fs::exists(net() / "00-multus.conf"); })) << read_all(root_ / "error");
  EXPECT_TRUE(has_token("first-token"));
  EXPECT_NE(read_all(kubeconfig()).find("server: https://[fd00::1]:443\n"), std::string::npos);
  struct stat status{};
  ASSERT_EQ(stat(kubeconfig().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  project("second-token");
  EXPECT_TRUE(eventually([&] { return has_token("second-token"); }));
  process->signal(SIGHUP);
  fs::remove(kubeconfig());
  EXPECT_TRUE(eventually([&] { return has_token("second-token"); }));
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(), 0);
  EXPECT_TRUE(fs::exists(net() / "00-multus.conf"));
  EXPECT_EQ(read_all(root_ / "out").find("token\""), std::string::npos);
}

TEST_F(MainTest, CleansUpOnIntIfAsked) {  // UPGRADE-45
  const auto process = launch(arguments({"--cleanup-config-on-exit"}));
  ASSERT_TRUE(eventually([&] { return fs::exists(net() / "00-multus.conf"); }));
  process->signal(SIGINT);
  EXPECT_EQ(process->wait(), 0);
  EXPECT_FALSE(fs::exists(net() / "00-multus.conf"));
  EXPECT_TRUE(fs::exists(kubeconfig()));
}

TEST_F(MainTest, UninstallsWhatItInstalled) {  // UPGRADE-46, UPGRADE-48
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "host")) names.push_back(entry.path());
    std::ranges::sort(names);
    return names;
  };
  const auto before = files();
  ASSERT_EQ(launch(arguments({"--once", "--rename-conf-file"}))->wait(), 0) << read_all(root_ / "error");
  ASSERT_TRUE(fs::exists(net() / "10-flannel.conf.old"));
  std::vector<std::string> words = arguments();
  words.insert(words.begin(), "uninstall");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(launch(words, {})->wait(), 0) << read_all(root_ / "error");
    EXPECT_EQ(files(), before);
  }
  EXPECT_NE(read_all(root_ / "out").find("removed " + kubeconfig().string()), std::string::npos);
}

TEST_F(MainTest, TermWhileWaitingForEverything) {  // LIFE-58
  fs::remove_all(root_ / "sa");
  const auto process = launch(arguments());
  ASSERT_TRUE(eventually([&] { return !read_all(root_ / "error").empty(); }));
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(), 0);
}

TEST_F(MainTest, KilledAnywhereItHealsAtTheNextStart) {  // ATOM-22, ATOM-28
  write_all(root_ / "src/multus", std::string(4'000'000, 'm'));
  for (int i = 0; i < 20; ++i) {
    auto process = launch(arguments());
    poll(nullptr, 0, i / 2);
    process->signal(SIGKILL);
    EXPECT_EQ(process->wait(), -SIGKILL);
    if (fs::exists(net() / "00-multus.conf")) {
      EXPECT_TRUE(has_token("first-token"));
      EXPECT_EQ(fs::file_size(root_ / "host/opt/cni/bin/multus"), 4'000'000U);
    }
  }
  EXPECT_EQ(launch(arguments({"--once"}))->wait(), 0);
  EXPECT_TRUE(has_token("first-token"));
  for (const auto& entry : fs::recursive_directory_iterator(root_ / "host")) {
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
  }
}

TEST_F(MainTest, ExitCodesAndOneLine) {  // LIFE-57, UPGRADE-47, FRESH-19
  EXPECT_EQ(launch(arguments({"--once"}))->wait(), 0);
  EXPECT_EQ(read_all(root_ / "error"), "");
  const auto fails = [&](const std::vector<std::string>& args, const std::vector<std::string>& environment, int code) {
    fs::remove(root_ / "error");
    EXPECT_EQ(launch(args, environment)->wait(), code);
    const std::string error = read_all(root_ / "error");
    EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
  };
  fails({"--multus-fancy=1"}, kEnvironment, 64);
  fails(arguments({"--multus-log-level=info"}), kEnvironment, 64);
  fs::remove(kubeconfig());  // whose server would do
  fails(arguments(), {"KUBERNETES_SERVICE_PORT=443"}, 78);
  fails(arguments({"--multus-kubeconfig-file-host=/etc/kubernetes/x"}), kEnvironment, 78);
}

TEST_F(MainTest, HelpAndVersion) {
  EXPECT_EQ(launch({"--help"}, {})->wait(), 0);
  EXPECT_EQ(launch({"--version"}, {})->wait(), 0);
  const std::string out = read_all(root_ / "out");
  EXPECT_NE(out.find("--skip-config-watch"), std::string::npos);
  EXPECT_NE(out.find("Exit codes:"), std::string::npos);
  EXPECT_NE(out.find("thin_entrypoint 0."), std::string::npos);
}

// A reader in a tight loop never finds the kubeconfig missing or half there: ATOM-23.
TEST_F(MainTest, ReadersSeeWholeFilesOnly) {
  const auto process = launch(arguments());
  ASSERT_TRUE(eventually([&] { return fs::exists(net() / "00-multus.conf"); }));
  const std::string end = "current-context: multus-context\n";
  for (int i = 0; i < 10; ++i) {
    const std::string token = "token-" + std::to_string(i);
    project(token);
    EXPECT_TRUE(eventually([&] {
      for (int reads = 0; reads < 500; ++reads) {
        const std::string text = read_all(kubeconfig());
        EXPECT_TRUE(text.ends_with(end)) << text.size();
      }
      return has_token(token);
    }));
  }
}

}  // namespace
}  // namespace reference
