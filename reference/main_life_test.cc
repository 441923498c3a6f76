// The life of the real process: what wakes it and how fast, a TERM at every system call of its start, the watchdog, the heartbeat.
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>

#include "reference/problem.h"
#include "reference/process_test_support.h"
#include "reference/watchdog.h"

namespace reference {
namespace {

class MainLifeTest : public ProcessTest {
 protected:
  fs::path configuration() const { return net() / "00-multus.conf"; }

  void expect_consistent(long at) const {
    if (fs::exists(configuration())) {
      EXPECT_TRUE(has_token("first-token") && fs::exists(root_ / "host/opt/cni/bin/multus")) << at;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root_ / "host")) {
      EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path() << " at " << at;
    }
  }

  // A life that is sent TERM when it makes its system call number `at`. Gives the wait status; `calls` counts the stops that it made.
  int traced_life(long at, long& calls) const {
    std::vector<std::string> words = arguments({"--poll-interval=5s"});
    words.insert(words.begin(), ENTRYPROOF_BIN_DIR "/thin_entrypoint");
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::vector<std::string> variables = kEnvironment;
    std::vector<char*> environment{variables[0].data(), variables[1].data(), nullptr};
    const std::string log = root_ / "log";
    const pid_t child = fork();
    if (child == 0) {
      const int descriptor = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      dup2(descriptor, 1);
      dup2(descriptor, 2);
      ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      raise(SIGSTOP);
      execve(pointers[0], pointers.data(), environment.data());
      _exit(99);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC);
    bool executed = false;
    int pending = 0;
    for (calls = 0;;) {
      ptrace(PTRACE_SYSCALL, child, nullptr, pending);
      pending = 0;
      if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return status;
      const bool exec_event = status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8));
      executed = executed || exec_event;
      if (exec_event) continue;
      if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
        pending = WSTOPSIG(status);
        continue;
      }
      if (executed && ++calls == at) kill(child, SIGTERM);
      if (calls > 20'000) kill(child, SIGKILL);
    }
  }
};

// LIFE-58: at every entry to and exit from a system call of a start, from the first one.
TEST_F(MainLifeTest, TermAtEverySystemCallOfAStart) {
#ifndef __x86_64__
  GTEST_SKIP() << "the very first instructions are written for x86-64";
#endif
  if (!ENTRYPROOF_STATIC)
    GTEST_SKIP() << "a program with sanitizers does much before its first instruction, and cannot be traced at its end";
  long last = 0;
  for (long at = 2;; at += 1 + at / 60) {  // all of the beginning, then a growing part of what follows
    fs::remove_all(net() / "multus.d");
    fs::remove(configuration());
    fs::remove(root_ / "host/opt/cni/bin/multus");
    long calls = 0;
    const int status = traced_life(at, calls);
    // Numbers 0 and 1 are the end of execve and the beginning of our first call, which is the one that blocks the signals.
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "at " << at << " status " << status << read_all(root_ / "log");
    EXPECT_LE(calls - at, 190) << "at " << at;
    expect_consistent(at);
    if (fs::exists(configuration()) && at > last + 40 && last != 0) break;
    if (fs::exists(configuration()) && last == 0) last = at;
    ASSERT_LT(at, 5000);
  }
}

TEST_F(MainLifeTest, ASecondSignalEndsItAtOnce) {  // LIFE-58
  const auto process = launch(arguments());
  ASSERT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  process->signal(SIGTERM);
  process->signal(SIGTERM);
  const int status = process->wait();
  EXPECT_TRUE(status == 0 || status == 128 + SIGTERM) << status;
  EXPECT_TRUE(fs::exists(configuration()));
}

TEST_F(MainLifeTest, EventsMakeARotationQuick) {  // FRESH-15: without them a poll of five seconds could not be this quick
  auto args = arguments({"--poll-interval=5s"});
  const auto process = launch(args);
  ASSERT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  for (int i = 0; i < 20; ++i) {
    const std::string token = "token-" + std::to_string(i);
    const auto begin = Clock::now();
    project(token);
    ASSERT_TRUE(eventually([&] { return has_token(token); }));
    EXPECT_LT(Clock::now() - begin, 4s);
  }
  fs::remove(kubeconfig());
  EXPECT_TRUE(eventually([&] { return has_token("token-19"); }));
}

TEST_F(MainLifeTest, APipeInPlaceOfTheTokenBlocksNothing) {  // FRESH-17
  const auto process = launch(arguments());
  ASSERT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  fs::remove(root_ / "sa/..data/token");
  ASSERT_EQ(mkfifo((root_ / "sa/..data/token").c_str(), 0600), 0);
  EXPECT_TRUE(eventually([&] { return read_all(root_ / "error").find("not a regular file") != std::string::npos; }));
  const std::string old = read_all(kubeconfig());
  const std::string pem = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
  write_all(root_ / "sa/..data/ca.crt", pem + pem);
  EXPECT_TRUE(eventually([&] { return read_all(kubeconfig()) != old; }));
  EXPECT_TRUE(has_token("first-token"));
}

TEST_F(MainLifeTest, StatusIsALivenessProbe) {  // FRESH-17
  const std::string health = "--health-file=" + (root_ / "health").string();
  EXPECT_EQ(launch({"status", health})->wait(), kExitUnavailable);
  const auto process = launch(arguments({health}));
  ASSERT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  EXPECT_TRUE(eventually([&] { return launch({"status", health, "--ready"})->wait() == 0; }));
  EXPECT_EQ(launch({"status"})->wait(), kExitUsage);
}

TEST_F(MainLifeTest, TwoInstancesWithDifferentTokensGoQuiet) {  // ORDER-43, ATOM-26
  const auto older = launch(arguments());
  ASSERT_TRUE(eventually([&] { return fs::exists(configuration()); }));
  write_all(root_ / "other/token", "other-token");
  auto newer = launch(arguments({"--token-file=" + (root_ / "other/token").string(), "--namespace-isolation"}));
  ASSERT_TRUE(eventually([&] { return has_token("other-token"); }));
  ASSERT_TRUE(eventually([&] { return read_all(root_ / "out").find("standing by") != std::string::npos; }));
  ASSERT_TRUE(eventually([&] { return read_all(configuration()).find("namespaceIsolation") != std::string::npos; }));
  struct stat before{};
  ASSERT_EQ(stat(kubeconfig().c_str(), &before), 0);
  project("second-token");  // the older one's; it looks at it and stands by
  for (int i = 0; i < 10; ++i) {
    const auto probe = launch({"--version"});
    EXPECT_EQ(probe->wait(), 0);
    EXPECT_TRUE(has_token("other-token"));
  }
  struct stat after{};
  ASSERT_EQ(stat(kubeconfig().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  newer->signal(SIGKILL);
  EXPECT_EQ(newer->wait(), -SIGKILL);
  EXPECT_TRUE(eventually([&] { return has_token("second-token"); }));  // a token dies with its Pod
}

TEST_F(MainLifeTest, JsonLogsAreOneObjectPerLine) {
  EXPECT_EQ(launch(arguments({"--once", "--log-format=json"}))->wait(), 0);
  const std::string out = read_all(root_ / "out");
  EXPECT_TRUE(out.starts_with("{\"time\":\"")) << out;
  EXPECT_TRUE(out.ends_with("\"}\n"));
}

TEST(WatchdogDeathTest, ALoopThatIsStuckEndsTheProcess) {  // FRESH-17
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        watchdog::start(std::chrono::milliseconds(40));
        while (true) pause();
      },
      testing::ExitedWithCode(kExitStuck), "stuck");
}

TEST(WatchdogDeathTest, ALoopThatComesAroundDoesNot) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        watchdog::start(std::chrono::milliseconds(400));
        for (int i = 0; i < 60; ++i) {
          watchdog::beat();
          poll(nullptr, 0, 10);
        }
        _exit(7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace reference
