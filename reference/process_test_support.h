// ProcessTest: the real program on real files below a temporary directory, and what a test needs to start, signal and wait for it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace reference {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline constexpr auto kDeadline = 20s;  // a machine under load is no finding

inline std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_all(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// One run of thin_entrypoint, killed at the latest with its owner.
class Process {
 public:
  Process(const std::vector<std::string>& args, const std::vector<std::string>& environment, const fs::path& out, const fs::path& error) {
    std::vector<std::string> words{ENTRYPROOF_BIN_DIR "/thin_entrypoint"};
    words.insert(words.end(), args.begin(), args.end());
    std::vector<std::string> variables = environment;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, error.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, pointers(words).data(), pointers(variables).data()) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    if (pid_ > 0) descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    static_cast<void>(wait());
    close(descriptor_);
  }

  void signal(int number) const { kill(pid_, number); }

  // The exit status, or minus the signal that killed it.
  int wait() {
    if (pid_ <= 0) return status_;
    pollfd end{.fd = descriptor_, .events = POLLIN, .revents = 0};
    const int ready = poll(&end, 1, static_cast<int>(std::chrono::milliseconds(kDeadline).count()));
    if (ready != 1) kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    status_ = ready != 1 ? -1000 : WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return status_;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> found;
    for (std::string& text : texts) found.push_back(text.data());
    found.push_back(nullptr);
    return found;
  }

  pid_t pid_ = -1;
  int descriptor_ = -1;
  int status_ = -1000;
};

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    std::string name = (fs::temp_directory_path() / "reference_main_XXXXXX").string();
    root_ = mkdtemp(name.data());
    fs::create_directories(net());
    fs::create_directories(root_ / "host/opt/cni/bin");
    write_all(root_ / "src/multus", "#!/bin/sh\n");
    project("first-token");
    write_all(net() / "10-flannel.conf", R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel"})");
  }
  ~ProcessTest() override { fs::remove_all(root_); }

  fs::path net() const { return root_ / "host/etc/cni/net.d"; }
  fs::path kubeconfig() const { return net() / "multus.d/multus.kubeconfig"; }

  void project(const std::string& token) {
    const std::string generation = "..2026_" + std::to_string(++generation_);
    write_all(root_ / "sa" / generation / "token", token);
    write_all(root_ / "sa" / generation / "ca.crt", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n");
    fs::create_symlink(generation, root_ / "sa/..data_tmp");
    fs::rename(root_ / "sa/..data_tmp", root_ / "sa/..data");
    if (generation_ > 1) {
      fs::remove_all(root_ / "sa" / ("..2026_" + std::to_string(generation_ - 1)));
    } else {
      fs::create_symlink("..data/token", root_ / "sa/token");
      fs::create_symlink("..data/ca.crt", root_ / "sa/ca.crt");
    }
  }

  std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args{"--cni-conf-dir=" + net().string(),
                                  "--multus-autoconfig-dir=" + net().string(),
                                  "--cni-bin-dir=" + (root_ / "host/opt/cni/bin").string(),
                                  "--multus-bin-file=" + (root_ / "src/multus").string(),
                                  "--token-file=" + (root_ / "sa/token").string(),
                                  "--ca-file=" + (root_ / "sa/ca.crt").string(),
                                  "--poll-interval=100ms"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  std::unique_ptr<Process> launch(const std::vector<std::string>& args, std::vector<std::string> environment = kEnvironment) {
    return std::make_unique<Process>(args, environment, root_ / "out", root_ / "error");
  }

  static bool eventually(const std::function<bool()>& condition) {
    const auto end = Clock::now() + kDeadline;
    while (Clock::now() < end) {
      if (condition()) return true;
      poll(nullptr, 0, 2);
    }
    return false;
  }

  bool has_token(const std::string& token) const { return read_all(kubeconfig()).find("\"" + token + "\"") != std::string::npos; }

  static const inline std::vector<std::string> kEnvironment{"KUBERNETES_SERVICE_HOST=fd00::1", "KUBERNETES_SERVICE_PORT=443"};
  fs::path root_;
  int generation_ = 0;
};

}  // namespace reference
