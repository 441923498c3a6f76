// The independent builds, run as ordinary processes over directories of their own: what they leave on disk, and that they end when told to.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr auto kDeadline = std::chrono::seconds(20);

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string get(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

// A node's directories in a temporary one, and a build that may run over them.
class Builds : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "entryproof-builds-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    for (const char* directory : {"net.d", "bin", "manual"}) fs::create_directories(root_ / directory);
    put(root_ / "multus", std::string(300'000, 'b'));
    put(root_ / "sa/..generation/token", "header.claims.signature");
    put(root_ / "sa/..generation/ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    fs::create_symlink("..generation", root_ / "sa/..data");
    fs::create_symlink("..data/token", root_ / "sa/token");
    fs::create_symlink("..data/ca.crt", root_ / "sa/ca.crt");
  }

  void TearDown() override {
    stop();
    fs::remove_all(root_);
  }

  void start(const std::string& conf_file, const std::vector<std::string>& more = {}) {
    const std::string program = std::string(ENTRYPROOF_SOURCE_DIR) + "/simulator/subjects/builds/" + GetParam();
    std::vector<std::string> words = {program,
                                      "--multus-conf-file=" + conf_file,
                                      "--cni-conf-dir=" + (root_ / "net.d").string(),
                                      "--multus-autoconfig-dir=" + (root_ / "net.d").string(),
                                      "--cni-bin-dir=" + (root_ / "bin").string(),
                                      "--multus-bin-file=" + (root_ / "multus").string(),
                                      "--service-account-dir=" + (root_ / "sa").string()};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<std::string> settings = {"PATH=/usr/bin:/bin"};
    for (const auto& [name, value] : environment_) settings.push_back(name + "=" + value);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (std::string& setting : settings) envp.push_back(setting.data());
    envp.push_back(nullptr);
    const std::string output = (root_ / "output").string();
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      ::setpgid(0, 0);
      const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(file, 1);
      ::dup2(file, 2);
      ::execve(argv[0], argv.data(), envp.data());
      ::_exit(127);
    }
  }

  // Waits for the line that both builds print when everything is in place.
  void await_installed() {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    while (get(root_ / "output").find("installed\n") == std::string::npos) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << get(root_ / "output");
      ASSERT_EQ(::waitpid(child_, nullptr, WNOHANG), 0) << get(root_ / "output");
      std::this_thread::yield();
    }
  }

  // The exit status after `signal_number` (0: without one); 128 + N if a signal ended it.
  int end_with(int signal_number) {
    if (signal_number != 0) ::kill(child_, signal_number);
    int status = 0;
    ::waitpid(child_, &status, 0);
    ::kill(-child_, SIGKILL);  // what it may have left behind
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  void stop() {
    if (child_ > 0) end_with(SIGKILL);
  }

  void install(const std::string& conf_file, const std::vector<std::string>& more = {}) {
    fs::remove(root_ / "output");
    start(conf_file, more);
    await_installed();
    EXPECT_EQ(end_with(SIGTERM), 0);
  }

  std::map<std::string, std::string> files(const char* directory) {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / directory)) {
      if (entry.is_regular_file()) all[fs::relative(entry.path(), root_ / directory).string()] = get(entry.path());
    }
    return all;
  }

  fs::path root_;
  pid_t child_ = -1;
  std::map<std::string, std::string> environment_ = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
};

constexpr const char* kPrimary = R"({"cniVersion": "0.3.1", "name": "cbr0", "plugins": [
  {"type": "flannel", "delegate": {"isDefaultGateway": true, "big": 9007199254740993}},
  {"type": "portmap", "capabilities": {"portMappings": true, "bandwidth": false}}]})";

TEST_P(Builds, AutomaticLeavesAllThreeFiles) {
  put(root_ / "net.d/10-flannel.conflist", kPrimary);
  install("auto", {"--cni-version=0.3.1", "--namespace-isolation=true", "--multus-log-level=verbose", "--override-network-name=true"});

  const std::string kubeconfig = get(root_ / "net.d/multus.d/multus.kubeconfig");
  EXPECT_THAT(kubeconfig, HasSubstr("https://10.96.0.1:443"));
  EXPECT_THAT(kubeconfig, HasSubstr("header.claims.signature"));
  EXPECT_EQ(mode_of(root_ / "net.d/multus.d/multus.kubeconfig"), 0600U);
  EXPECT_TRUE(get(root_ / "bin/multus") == get(root_ / "multus"));
  EXPECT_EQ(mode_of(root_ / "bin/multus"), 0755U);
  const auto configuration = nlohmann::json::parse(get(root_ / "net.d/00-multus.conf"));
  EXPECT_EQ(configuration["delegates"], nlohmann::json::array({nlohmann::json::parse(kPrimary)}));
  EXPECT_EQ(configuration["kubeconfig"], "/etc/cni/net.d/multus.d/multus.kubeconfig");
  EXPECT_EQ(configuration["cniVersion"], "0.3.1");
  EXPECT_EQ(configuration["name"], "cbr0");
  EXPECT_EQ(configuration["namespaceIsolation"], true);
  EXPECT_EQ(configuration["logLevel"], "verbose");
  EXPECT_EQ(configuration["capabilities"], nlohmann::json({{"portMappings", true}}));
}

TEST_P(Builds, ManualCopiesAndStillWritesTheKubeconfig) {
  put(root_ / "manual/70-multus.conf", R"({"type": "multus"})");
  install((root_ / "manual/70-multus.conf").string());
  EXPECT_EQ(get(root_ / "net.d/70-multus.conf"), R"({"type": "multus"})");
  EXPECT_TRUE(fs::exists(root_ / "net.d/multus.d/multus.kubeconfig"));
}

TEST_P(Builds, TheTestDefectForgetsTheKubeconfigInManualModeOnly) {
  environment_["ENTRYPROOF_TEST_DEFECT"] = "no-kubeconfig-in-manual";
  put(root_ / "manual/70-multus.conf", R"({"type": "multus"})");
  install((root_ / "manual/70-multus.conf").string());
  EXPECT_TRUE(fs::exists(root_ / "net.d/70-multus.conf"));
  EXPECT_FALSE(fs::exists(root_ / "net.d/multus.d/multus.kubeconfig"));
  put(root_ / "net.d/10-flannel.conflist", kPrimary);
  install("auto");
  EXPECT_TRUE(fs::exists(root_ / "net.d/multus.d/multus.kubeconfig"));
}

TEST_P(Builds, RestartsChangeNothingAndLeaveNoLitter) {
  put(root_ / "net.d/10-flannel.conflist", kPrimary);
  install("auto");
  const auto net_d = files("net.d");
  const auto bin = files("bin");
  EXPECT_EQ(net_d.size(), 3U);  // kubeconfig, configuration, primary
  EXPECT_EQ(bin.size(), 1U);
  install("auto");
  EXPECT_EQ(files("net.d"), net_d);
  EXPECT_TRUE(files("bin") == bin);
}

TEST_P(Builds, ListsAreMadeOfVersionOneAndTheOtherFormGoes) {
  put(root_ / "net.d/00-multus.conf", R"({"cniVersion": "0.3.1", "name": "x", "type": "multus", "delegates": [{"type": "bridge"}]})");
  put(root_ / "net.d/10-bridge.conf", R"({"cniVersion": "1.0.0", "name": "b", "type": "bridge"})");
  install("auto", {"--cni-version=1.0.0"});
  EXPECT_FALSE(fs::exists(root_ / "net.d/00-multus.conf"));
  const auto configuration = nlohmann::json::parse(get(root_ / "net.d/00-multus.conflist"));
  EXPECT_EQ(configuration["plugins"][0]["type"], "multus");
  EXPECT_EQ(configuration["plugins"][0]["delegates"][0]["type"], "bridge");
}

TEST_P(Builds, BracketsGoAroundIpv6Only) {
  put(root_ / "net.d/10-flannel.conflist", kPrimary);
  for (const auto& [host, url] : std::map<std::string, std::string>{{"fd00::1", "https://[fd00::1]:443"},
                                                                    {"kubernetes.default.svc", "https://kubernetes.default.svc:443"}}) {
    environment_["KUBERNETES_SERVICE_HOST"] = host;
    install("auto");
    EXPECT_THAT(get(root_ / "net.d/multus.d/multus.kubeconfig"), HasSubstr(url));
  }
}

TEST_P(Builds, WaitsForThePrimaryWithTheKubeconfigInPlace) {
  start("auto");
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (!fs::exists(root_ / "bin/multus")) ASSERT_LT(std::chrono::steady_clock::now(), end) << get(root_ / "output");
  EXPECT_TRUE(fs::exists(root_ / "net.d/multus.d/multus.kubeconfig"));
  put(root_ / "arriving", kPrimary);
  fs::rename(root_ / "arriving", root_ / "net.d/10-flannel.conflist");
  await_installed();
  EXPECT_TRUE(fs::exists(root_ / "net.d/00-multus.conf"));
}

TEST_P(Builds, MissingCredentialsEndItAndChangeNothing) {
  put(root_ / "net.d/10-flannel.conflist", kPrimary);
  fs::remove_all(root_ / "sa");
  start("auto");
  EXPECT_EQ(end_with(0), 1);
  EXPECT_THAT(get(root_ / "output"), HasSubstr((root_ / "sa").string()));
  EXPECT_TRUE(files("bin").empty());
  EXPECT_EQ(files("net.d").size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Each, Builds, testing::Values("bash_entrypoint", "python_entrypoint"),
                         [](const testing::TestParamInfo<const char*>& build) { return std::string(build.param); });

}  // namespace
