// `entryproof` as a program that CI relies on: refusals, determinism, and what is left when it is killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "simulator/base/digest.h"
#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // throws nothing when a process ends while its entry in /proc is read
  return std::move(text).str();
}

// --- refusals: one clear line on stderr, exit 2 ---

void expect_refused(const Ended& ended, const std::string& because) {
  EXPECT_EQ(ended.exit_code, 2) << ended.out << ended.err;
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(std::ranges::count(ended.err, '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find(because), std::string::npos) << ended.err;
}

Ended entryproof_run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {program("entryproof"), "run"});
  return run_program(arguments);
}

TEST(Refusal, ABuildThatIsNotExecutable) {
  const ScratchDirectory scratch;
  expect_refused(entryproof_run({"--build", scratch.write("build", "#!/bin/sh\n", 0644)}), "not executable");
}

TEST(Refusal, ABuildThatIsNotThere) { expect_refused(entryproof_run({"--build", "/nowhere/build"}), "/nowhere/build"); }

TEST(Refusal, AMissingInterpreterIsNamed) {
  const ScratchDirectory scratch;
  expect_refused(entryproof_run({"--build", scratch.write("build", "#!/opt/lua\n", 0755)}), "/opt/lua");
}

TEST(Refusal, AnEmptySelection) { expect_refused(entryproof_run({"no/such/scenario"}), "no/such/scenario"); }

TEST(Refusal, AnUnknownOption) { expect_refused(entryproof_run({"--no-such-option"}), "no-such-option"); }

TEST(Refusal, ABrokenScenarioNamesFileAndLine) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("broken.json", "{\n  \"scenario\": 1,\n  \"title\": 7\n}\n");
  const auto ended = entryproof_run({file});
  expect_refused(ended, "broken.json:3");
}

TEST(Refusal, AnUnknownCheckIsNamed) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("unknown.json", R"({"scenario": 1, "title": "t", "why": "w", "steps": [
    {"start": "build", "args": ["--multus-conf-file=auto"]},
    {"expect": {"check": "EXIST-01/never-heard-of", "kubeconfig": "valid"}}]})");
  expect_refused(entryproof_run({file}), "EXIST-01/never-heard-of");
}

TEST(Refusal, NothingIsHalfWritten) {
  const ScratchDirectory scratch;
  const auto report = scratch.path() + "/report.xml";
  expect_refused(entryproof_run({"--build", "/nowhere/build", "--report", "junit:" + report}), "/nowhere/build");
  EXPECT_FALSE(fs::exists(report));
}

// Runs the command in a mount namespace of its own, after shell commands that prepare it; skips where that is not allowed.
Ended in_private_mounts(const std::string& preparation, const std::string& command) {
  return run_program({"unshare", "--mount", "--propagation", "private", "sh", "-ec", preparation + "\nexec " + command});
}

bool may_unshare() { return run_program({"unshare", "--mount", "true"}).exit_code == 0; }

constexpr const char* kBareDevices =
    "d=$(mktemp -d); mount -t tmpfs none $d; for n in null zero full random urandom tty; do touch $d/$n; mount --bind /dev/$n $d/$n; "
    "done; ";

TEST(Refusal, NoFuseDeviceIsSaidAndTmpfsIsNamed) {
  if (!may_unshare()) GTEST_SKIP() << "needs a mount namespace";
  const auto ended =
      in_private_mounts(std::string(kBareDevices) + "mount --rbind $d /dev; umount -l $d; rmdir $d", program("entryproof") + " run");
  expect_refused(ended, "/dev/fuse");
  EXPECT_NE(ended.err.find("--world tmpfs"), std::string::npos) << ended.err;
}

TEST(Unprivileged, TheFuseWorldWorksThroughUserNamespaces) {
  if (!may_unshare()) GTEST_SKIP() << "needs root to prepare a device that everybody may open";
  const auto ended = in_private_mounts(
      std::string(kBareDevices) + "mknod -m 0666 $d/fuse c 10 229; chmod 0755 $d; mount --rbind $d /dev; umount -l $d; rmdir $d",
      "setpriv --reuid 65534 --regid 65534 --clear-groups " + program("entryproof") + " run 'manual/*' --world fuse -q");
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
}

// --- bounds ---

TEST(Bounds, ACaseThatRunsIntoTheTimeoutIsNoVerdictAndNotAFailure) {
  const ScratchDirectory scratch;
  const auto build = scratch.write("sleeper", "#!/bin/sh\nexec sleep 60\n", 0755);
  const auto ended = entryproof_run({"--world", "fuse", "--build", build, "--timeout", "300ms", "manual/fresh-node#seventy"});
  EXPECT_EQ(ended.exit_code, 2) << ended.out << ended.err;
  EXPECT_NE(ended.out.find("--timeout"), std::string::npos) << ended.out;
}

TEST(Bounds, ASilentBuildFailsAndAFloodingOneIsKilledWithAFinding) {
  const ScratchDirectory scratch;
  const auto sleeper = scratch.write("sleeper", "#!/bin/sh\nexec sleep 60\n", 0755);
  EXPECT_EQ(entryproof_run({"--world", "fuse", "--build", sleeper, "manual/fresh-node#seventy"}).exit_code, 1);
  const auto flood = scratch.write("flood", "#!/bin/sh\nexec yes\n", 0755);
  const auto ended = entryproof_run({"--world", "fuse", "--build", flood, "manual/fresh-node#seventy"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.out.find("LIFE-60/within-limits"), std::string::npos) << ended.out;
}

TEST(Bounds, AFailedCasesNodeIsKeptWhenAsked) {
  const ScratchDirectory scratch;
  const auto ended = run_program({program("entryproof"), "run", "--world", "memory", "--build", "mutant:no-kubeconfig-in-manual", "--keep",
                                  "manual/fresh-node#seventy"},
                                 {{"TMPDIR", scratch.path()}});
  EXPECT_EQ(ended.exit_code, 1) << ended.err;
  std::vector<fs::path> kept;
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path())) {
    if (entry.path().filename() == "70-multus.conf") kept.push_back(entry.path());
  }
  EXPECT_EQ(kept.size(), 2U) << "in net.d, and where the user put it";
}

// --- determinism ---

std::vector<std::string> told(const Judged& judged) {
  std::vector<std::string> lines;
  for (const auto& record : judged.run.cases) {
    for (const auto& check : record.checks) {
      lines.push_back(record.scenario + " " + check.check + " " + std::string(to_string(check.status)) + " " + check.expected);
    }
  }
  return lines;
}

TEST(Determinism, RunsInARowSayTheSameWithTheSameFindings) {
  const auto first = told(judge({"--world", "fuse", "--build", "predecessor:4.0.2"}));
  ASSERT_FALSE(first.empty());
  for (int again = 0; again < 2; ++again) {
    const auto next = told(judge({"--world", "fuse", "--build", "predecessor:4.0.2"}));
    ASSERT_EQ(next.size(), first.size());
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(next[i], first[i]);
  }
}

// --- the binary judged is the one installed ---

// Starts `entryproof run` with its output thrown away.
pid_t start_in_background(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {program("entryproof"), "run"});
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int null = open("/dev/null", O_RDWR);
  dup2(null, 1);
  dup2(null, 2);
  execv(argv[0], argv.data());
  _exit(127);
}

template <class Condition>
bool within(std::chrono::seconds limit, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

// What is in a directory that others change meanwhile: no entry that vanishes is an error.
std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) found.push_back(at->path());
  return found;
}

std::vector<fs::path> processes() {
  auto found = entries_of("/proc");
  std::erase_if(found, [](const fs::path& path) {
    return !std::ranges::all_of(path.filename().string(), [](unsigned char letter) { return std::isdigit(letter) != 0; });
  });
  return found;
}

TEST(Digest, TheBinaryJudgedIsTheOneInstalled) {
  const ScratchDirectory scratch;
  const auto installed =
      run_program({"cmake", "--install", fs::path(ENTRYPROOF_BIN_DIR).parent_path().string(), "--prefix", scratch.path()});
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  const auto digest = sha256_hex(slurp(scratch.path() + "/bin/thin_entrypoint"));
  const auto judged = judge({"--world", "fuse", "manual/fresh-node#seventy"});
  ASSERT_EQ(judged.run.header.builds.size(), 1U);
  EXPECT_EQ(judged.run.header.builds[0].sha256, digest);

  // And the process that lives in the sandbox is these very bytes.
  const pid_t harness = start_in_background({"--world", "fuse", "manual/fresh-node#seventy", "--repeat", "200", "-q"});
  std::string running;
  EXPECT_TRUE(within(20s, [&] {
    for (const auto& process : processes()) {
      if (slurp(process / "cmdline").starts_with("/entrypoint/thin_entrypoint")) running = slurp(process / "exe");
      if (!running.empty()) return true;
    }
    return false;
  }));
  kill(harness, SIGKILL);
  waitpid(harness, nullptr, 0);
  EXPECT_EQ(sha256_hex(running), digest);
}

// --- nothing stays ---

// Processes whose executable or working program lies in the build tree, or that live in a sandbox of ours; mounts; cgroups.
std::set<std::string> leftovers() {
  std::set<std::string> found;
  for (const auto& process : processes()) {
    const auto command = slurp(process / "cmdline");
    if (command.starts_with(program("entryproof")) || command.starts_with("/entrypoint/")) found.insert("process " + process.string());
  }
  std::istringstream mounts(slurp("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" fuse ") != std::string::npos || line.find("entryproof") != std::string::npos) found.insert("mount " + line);
  }
  for (const char* root : {"/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
    for (const auto& path : entries_of(root)) {
      if (path.filename().string().find("entryproof") != std::string::npos) found.insert("cgroup " + path.string());
    }
  }
  for (const auto& path : entries_of("/tmp")) {
    const auto name = path.filename().string();
    const bool of_a_test = name.starts_with("entryproof-test-") || name.starts_with("entryproof-posix-");
    if (name.starts_with("entryproof") && !of_a_test) found.insert("file " + path.string());
  }
  return found;
}

bool nothing_new(const std::set<std::string>& before) {
  return std::ranges::all_of(leftovers(), [&](const auto& what) { return before.contains(what); });
}

TEST(Leftovers, NoneAfterARun) {
  const auto before = leftovers();
  EXPECT_EQ(entryproof_run({"--world", "fuse", "-q"}).exit_code, 0);
  EXPECT_TRUE(within(10s, [&] { return nothing_new(before); })) << testing::PrintToString(leftovers());
}

TEST(Leftovers, NoneWhenTheHarnessIsKilledAtARandomMoment) {
  const auto before = leftovers();
  std::mt19937 random(20261123);  // a seed, so that the moments can be tried again
  for (int round = 0; round < 8; ++round) {
    const auto moment = std::chrono::milliseconds(std::uniform_int_distribution<int>(1, 1500)(random));
    const pid_t harness = start_in_background({"--world", "fuse", "-q"});
    std::this_thread::sleep_for(moment);  // the moment of the kill, not a wait for something
    kill(harness, SIGKILL);
    waitpid(harness, nullptr, 0);
    EXPECT_TRUE(within(10s, [&] { return nothing_new(before); }))
        << "killed after " << moment.count() << " ms: " << testing::PrintToString(leftovers());
  }
}

TEST(Interrupt, EndsWith130AndLeavesNothing) {
  const auto before = leftovers();
  const pid_t harness = start_in_background({"--world", "fuse", "--repeat", "50", "-q"});
  ASSERT_TRUE(within(20s, [&] { return leftovers().size() > before.size() + 3; })) << "it never got going";
  std::this_thread::sleep_for(300ms);  // somewhere in the middle
  kill(harness, SIGINT);
  int status = 0;
  waitpid(harness, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_TRUE(within(10s, [&] { return nothing_new(before); })) << testing::PrintToString(leftovers());
}

}  // namespace
}  // namespace entryproof::cli
