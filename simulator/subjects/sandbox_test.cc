#include "simulator/subjects/sandbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "simulator/subjects/confinement.h"
#include "simulator/subjects/sandbox_test_support.h"
#include "simulator/subjects/service_network.h"

namespace entryproof::subjects {
namespace {

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new HarnessEnvironment);

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SandboxTest : public SandboxFixture {
 protected:
  // A file on the private tmpfs, to be used as a build.
  static std::string script(const std::string& text, mode_t mode = 0755) {
    const auto path = *harness().make_directory("script") + "/build";
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  static SandboxSpec executable(const std::string& path) {
    SandboxSpec spec;
    spec.executable = {path, "/thin_entrypoint"};
    spec.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return spec;
  }
  static std::map<std::string, std::string> words(const std::string& lines) {
    std::map<std::string, std::string> found;
    std::istringstream stream(lines);
    for (std::string name, value; stream >> name >> value;) found[name] = value;
    return found;
  }
};

TEST_F(SandboxTest, RunsAStaticProgramWithItsArgumentsAndOutput) {
  const auto ran = run(probe({"hello", "world"}));
  EXPECT_EQ(ran.status, (ExitStatus{0, 0}));
  EXPECT_EQ(ran.out, "hello world\n");
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.excesses, IsEmpty());
}

TEST_F(SandboxTest, RunsABashScriptByItsShebang) {
  auto spec = executable(script("#!/bin/bash\necho \"$0 $1 $FORK pid $$\"; echo err >&2; exit 7\n"));
  spec.argv = {"/thin_entrypoint", "--flag"};
  spec.environment.emplace_back("FORK=yes");
  const auto ran = run(spec);
  EXPECT_EQ(ran.status, (ExitStatus{7, 0}));
  EXPECT_EQ(ran.out, "/thin_entrypoint --flag yes pid 1\n");
  EXPECT_EQ(ran.err, "err\n");
}

TEST_F(SandboxTest, RunsAPythonScript) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "no python3 here";
  const auto ran = run(executable(script("#!/usr/bin/python3\nimport json, os\nprint(json.dumps({'pid': os.getpid()}))\n")));
  EXPECT_EQ(ran.out, "{\"pid\": 1}\n") << ran.err;
}

TEST_F(SandboxTest, FindsProgramsBehindAlternatives) {
  const auto ran = run(bash("echo a b | awk '{print $2}'"));
  EXPECT_EQ(ran.out, "b\n") << ran.err;
}

TEST_F(SandboxTest, InheritsNoEnvironmentAndNoDescriptors) {
  setenv("ENTRYPROOF_SECRET", "leaked", 1);
  auto spec = bash("/usr/bin/env | grep -c ENTRYPROOF_SECRET; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; cat");
  const auto ran = run(spec);
  EXPECT_EQ(ran.out, "0\n4\n/dev/null\n");  // 0, 1, 2 and ls's own of the directory
}

TEST_F(SandboxTest, NamesWhatIsMissing) {
  const auto spawn_error = [](const SandboxSpec& spec) {
    auto spawned = harness().launcher().spawn(spec);
    return spawned ? std::string("spawned") : spawned.error().line();
  };
  EXPECT_THAT(spawn_error(executable("/nowhere/build")), HasSubstr("open /nowhere/build: No such file or directory (ENOENT)"));
  EXPECT_THAT(spawn_error(executable(script("#!/opt/lua\n"))), HasSubstr("its interpreter /opt/lua is not in the sandbox"));
  EXPECT_THAT(spawn_error(executable(script("#!/bin/sh\n", 0644))), HasSubstr("Permission denied (EACCES)"));
  EXPECT_THAT(spawn_error(executable(script("just text\n"))), HasSubstr("neither a program of this machine nor a script"));
  auto bound = probe({"hello"});
  bound.binds = {{harness().work_directory(), "no/such/volume", "/host", false}};
  EXPECT_THAT(spawn_error(bound), HasSubstr("no/such/volume: No such file or directory (ENOENT)"));
  auto homeless = probe({"hello"});
  homeless.working_directory = "/elsewhere";
  EXPECT_THAT(spawn_error(homeless), HasSubstr("chdir /elsewhere: No such file or directory (ENOENT)"));
}

TEST_F(SandboxTest, TwoBindsOfOneFileSystemAreTwoMounts) {
  const auto volume = *harness().make_directory("volume");
  for (const char* name : {"/a", "/b"}) std::filesystem::create_directory(volume + name);
  std::ofstream(volume + "/a/file") << "x";
  auto spec = probe({"rename", "/host/a/file", "/host/b/file"});
  spec.binds = {{volume, "a", "/host/a", false}, {volume, "b", "/host/b", false}};
  EXPECT_EQ(run(spec).out, "rename EXDEV\n");
  spec.argv = {"/probe", "rename", "/host/a/file", "/host/a/other"};
  EXPECT_EQ(run(spec).out, "rename ok\n");
  EXPECT_TRUE(std::filesystem::exists(volume + "/a/other"));
}

TEST_F(SandboxTest, NothingButTheVolumesCanBeWritten) {
  const auto volume = *harness().make_directory("volume");
  auto spec = probe({"write-to", "/", "/tmp", "/var", "/run", "/root", "/etc", "/etc/passwd", "/usr", "/usr/src", "/usr/bin", "/dev",
                     "/dev/shm", "/sys", "/module", "/etc/alternatives", "/sealed", "/open"});
  spec.binds = {{volume, "", "/open", false}, {volume, "", "/sealed", true}};
  spec.neighbours = {{script("text"), "/module"}};
  auto answers = words(run(spec).out);
  EXPECT_EQ(answers.size(), 17U);
  EXPECT_EQ(answers["/open"], "ok");
  answers.erase("/open");
  for (const auto& [path, answer] : answers) EXPECT_EQ(answer, "EROFS") << path;
}

TEST_F(SandboxTest, VolumesAreMountedWhereTheImageHasOtherThings) {
  const auto volume = *harness().make_directory("volume");
  auto spec = probe({"write-to", "/usr/src/multus-cni/bin", "/var/run/secrets/kubernetes.io/serviceaccount"});
  std::filesystem::create_directories(volume + "/sa");
  spec.binds = {{volume, "", "/usr/src/multus-cni/bin", false}, {volume, "sa", "/var/run/secrets/kubernetes.io/serviceaccount", true}};
  EXPECT_EQ(run(spec).out, "/usr/src/multus-cni/bin ok\n/var/run/secrets/kubernetes.io/serviceaccount EROFS\n");
}

TEST_F(SandboxTest, AMountPointInsideAVolumeMustExist) {
  const auto volume = *harness().make_directory("volume");
  auto spec = probe({"hello"});
  spec.binds = {{volume, "", "/var", false}, {volume, "", "/var/run/secrets", false}};
  auto spawned = harness().launcher().spawn(spec);
  ASSERT_FALSE(spawned);
  EXPECT_THAT(spawned.error().line(), HasSubstr("mount point /var/run: not there, and it lies in a volume"));
  EXPECT_FALSE(std::filesystem::exists(volume + "/run"));
}

TEST_F(SandboxTest, PlantedSymlinksLeadNowhereOutside) {
  // A build of an earlier start replaced directories that are bound, or bound upon, by links to the machine's.
  const auto volume = *harness().make_directory("volume");
  const auto other = *harness().make_directory("other");
  std::ofstream(other + "/mine") << "x";
  std::filesystem::create_directory_symlink("/etc", volume + "/planted");
  std::filesystem::create_directory_symlink(harness().work_directory(), volume + "/out");
  auto spec = bash("ls /host");
  spec.binds = {{volume, "planted", "/host", false}};
  EXPECT_FALSE(harness().launcher().spawn(spec));  // there is no /etc in the volume
  spec = bash("ls -A /etc/cni 2>/dev/null; ls /host");
  spec.binds = {{volume, "", "/var", false}, {other, "", "/var/out/escape", false}, {other, "", "/host", false}};
  EXPECT_FALSE(harness().launcher().spawn(spec));
  EXPECT_FALSE(std::filesystem::exists(harness().work_directory() + "/escape"));
}

TEST_F(SandboxTest, DeniesInotifyAndTheNetworkWhereAsked) {
  auto spec = probe({"denials"});
  for (const auto& [name, answer] : words(run(spec).out)) EXPECT_EQ(answer, "ok") << name;
  spec.deny_inotify = true;
  auto answers = words(run(spec).out);
  EXPECT_EQ(answers["inotify_init"], "EMFILE");
  EXPECT_EQ(answers["inotify_init1"], "EMFILE");
  EXPECT_EQ(answers["inet"], "ok");
  spec.deny_inotify = false;
  spec.deny_network = true;
  answers = words(run(spec).out);
  EXPECT_EQ(answers["inotify_init1"], "ok");
  EXPECT_EQ(answers["unix"], "ok");
  for (const char* family : {"inet", "inet6", "netlink"}) EXPECT_EQ(answers[family], "EACCES") << family;
}

TEST_F(SandboxTest, RunsOutOfInotifyWhileItLives) {
  for (const bool denied : {false, true}) {
    const auto volume = *harness().make_directory("volume");
    auto spec = bash("until [ -e /host/go ]; do sleep 0.01; done; exec /probe denials");
    spec.neighbours = {{probe_path(), "/probe"}};
    spec.binds = {{volume, "", "/host", false}};
    spec.can_be_denied = true;
    auto spawned = harness().launcher().spawn(spec);
    ASSERT_TRUE(spawned) << spawned.error().line();
    ASSERT_TRUE(harness().launcher().deny(**spawned, {.instances = denied, .watches = false}));
    std::ofstream(volume + "/go") << "now";
    ASSERT_TRUE((*spawned)->wait_for(std::chrono::minutes(1)));
    auto answers = words((*spawned)->output().out);
    EXPECT_EQ(answers["inotify_init"], denied ? "EMFILE" : "ok");
    EXPECT_EQ(answers["inotify_init1"], denied ? "EMFILE" : "ok");
    EXPECT_EQ(answers["inet"], "ok");
  }
}

TEST_F(SandboxTest, FindsAnotherVolumeMountedOverItsOwnWhileItLives) {
  const auto volume = *harness().make_directory("volume");
  const auto other = *harness().make_directory("other");
  std::ofstream(other + "/go") << "from the other\n";
  auto spec = bash("until [ -e /host/go ]; do sleep 0.01; done; cat /host/go; echo x 2>/dev/null > /host/new || echo read-only");
  spec.binds = {{volume, "", "/host", false}};
  auto spawned = harness().launcher().spawn(spec);
  ASSERT_TRUE(spawned) << spawned.error().line();
  const auto lost = harness().launcher().remount(**spawned, {other + "/none", "", "/host", false});
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().line(), HasSubstr("none"));
  const auto mounted = harness().launcher().remount(**spawned, {other, "", "/host", true});
  ASSERT_TRUE(mounted) << mounted.error().line();
  ASSERT_TRUE((*spawned)->wait_for(std::chrono::minutes(1)));
  EXPECT_EQ((*spawned)->output().out, "from the other\nread-only\n");
}

TEST_F(SandboxTest, TellsHowManyFilesAreOpen) {
  auto few = harness().launcher().spawn(bash("exec sleep 100"));
  auto many = harness().launcher().spawn(bash("exec 3</dev/null 4</dev/null 5</dev/null; sleep 100 & exec sleep 100"));
  ASSERT_TRUE(few && many);
  EXPECT_TRUE(eventually([&] { return (*few)->open_descriptors() == 3U; }));
  EXPECT_TRUE(eventually([&] { return (*many)->open_descriptors() == 12U; }));
  (*many)->kill();
  ASSERT_TRUE((*many)->wait_for(std::chrono::minutes(1)));
  EXPECT_EQ((*many)->open_descriptors(), 0U);
}

TEST_F(SandboxTest, RefusesWhatReachesBeyondAContainer) {
  auto answers = words(run(probe({"refusals"})).out);
  const std::map<std::string, std::string> others = {
      {"clone3", "ENOSYS"}, {"io_uring_setup", "ENOSYS"}, {"vsock", "EAFNOSUPPORT"}, {"mknod_device", "EROFS"}, {"chmod_null", "EROFS"}};
  EXPECT_EQ(answers["sched_setaffinity_of_others"], "ESRCH");  // PID 1 is alone
  answers.erase("sched_setaffinity_of_others");
  EXPECT_GE(answers.size(), 30U);
  for (const auto& [name, answer] : answers) {
    const auto other = others.find(name);
    EXPECT_EQ(answer, other == others.end() ? "EPERM" : other->second) << name;
  }
}

TEST_F(SandboxTest, DevicesCannotBeMadeOnAVolumeEither) {
  const auto volume = *harness().make_directory("volume");
  auto spec = bash("mknod /host/sda b 8 0");
  spec.binds = {{volume, "", "/host", false}};
  const auto ran = run(spec);
  EXPECT_NE(ran.status.code, 0);
  EXPECT_THAT(ran.err, HasSubstr("Operation not permitted"));
}

TEST_F(SandboxTest, HasExactlyItsCapabilities) {
  char expected[32];
  std::snprintf(expected, sizeof expected, "%016llx", static_cast<unsigned long long>(kSandboxCapabilities));
  EXPECT_STREQ(expected, "00000000a00425fb");
  auto status = words(run(bash("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status")).out);
  EXPECT_EQ(status["CapPrm:"], expected);
  EXPECT_EQ(status["CapEff:"], expected);
  EXPECT_EQ(status["CapBnd:"], expected);
  EXPECT_EQ(status["CapInh:"], "0000000000000000");
  EXPECT_EQ(status["CapAmb:"], "0000000000000000");
  EXPECT_EQ(status["NoNewPrivs:"], "1");
  EXPECT_EQ(status["Seccomp:"], "2");
}

TEST_F(SandboxTest, RunsAsAnotherUserWithoutCapabilities) {
  if (getuid() != 0) GTEST_SKIP() << "only root inside, where the harness is not root";
  auto spec = bash("id -u; id -g; id -G; umask; grep -E '^Cap(Eff|Prm)' /proc/self/status");
  spec.uid = 1000;
  spec.gid = 1001;
  spec.umask = 077;
  EXPECT_EQ(run(spec).out, "1000\n1001\n1001\n0077\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
}

TEST_F(SandboxTest, KernelSwitchesAreOutOfReach) {
  auto answers = words(run(probe({"write-to", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger",
                                  "/proc/irq/default_smp_affinity"}))
                           .out);
  for (const auto& [path, answer] : answers) EXPECT_TRUE(answer == "EROFS" || answer == "ENOENT") << path << ' ' << answer;
  EXPECT_EQ(answers["/proc/sys/kernel/hostname"], "EROFS");
  EXPECT_EQ(answers.size(), 4U);
  const auto hidden =
      run(bash("head -c 1 /proc/kcore | wc -c; cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls -A /proc/acpi /proc/scsi "
               "2>/dev/null | grep -v : | wc -w"));
  EXPECT_EQ(hidden.out, "0\n0\n0\n");
}

TEST_F(SandboxTest, SeesOnlyItsOwnProcessesNameAndMounts) {
  const auto ran =
      run(bash("echo /proc/[0-9]*; cat /etc/hostname; [ $(wc -l </proc/self/mountinfo) -lt 80 ] && echo few; grep -c entryproof "
               "/proc/self/mountinfo"));
  EXPECT_EQ(ran.out, "/proc/1\nnode-1\nfew\n0\n");
}

TEST_F(SandboxTest, MountsAreAllNosuidAndNodevButForTheFiveDevices) {
  const auto volume = *harness().make_directory("volume");
  auto spec = bash(
      "while read -r _ _ _ _ at options _; do case $at in /dev/*|/proc/*) continue;; esac; echo \"$at $options\"; done "
      "</proc/self/mountinfo");
  spec.binds = {{volume, "", "/host", false}};
  const auto ran = run(spec);
  unsigned mounts = 0;
  for (const auto& [at, options] : words(ran.out)) {
    ++mounts;
    EXPECT_THAT(options, HasSubstr("nosuid")) << at;
    EXPECT_THAT(options, HasSubstr("nodev")) << at;
    EXPECT_EQ(options.starts_with("rw"), at == "/host" || at == "/proc") << at << ' ' << options;
  }
  EXPECT_GE(mounts, 8U);
}

TEST_F(SandboxTest, AFreshNetworkHasOnlyItself) {
  const auto listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // A listener of this machine on 127.0.0.1 is not the sandbox's.
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<struct sockaddr*>(&storage);
  address->sa_family = AF_INET;
  reinterpret_cast<unsigned char*>(&storage)[4] = 127;
  reinterpret_cast<unsigned char*>(&storage)[7] = 1;
  ASSERT_EQ(bind(listener, address, 16), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t size = sizeof storage;
  ASSERT_EQ(getsockname(listener, address, &size), 0);
  const auto port = reinterpret_cast<unsigned char*>(&storage)[2] * 256 + reinterpret_cast<unsigned char*>(&storage)[3];
  const auto connect = "(: </dev/tcp/127.0.0.1/" + std::to_string(port) + ") 2>&1 | grep -o refused | head -n 1";
  EXPECT_EQ(run(bash(connect + "; grep -c : /proc/net/dev; (: </dev/tcp/198.51.100.1/80) 2>&1 | grep -o unreachable | head -n 1")).out,
            "refused\n1\nunreachable\n");
  close(listener);
}

TEST_F(SandboxTest, AWorldsNetworkHasItsAddressesAndOutlivesContainers) {
  auto network = harness().launcher().make_network({{"10.96.0.1", "fd00:10:96::1"}, {{"10.96.0.1", 443}, {"fd00:10:96::1", 443}}});
  ASSERT_TRUE(network) << network.error().line();
  ASSERT_EQ(network->listeners.size(), 2U);
  for (int start = 0; start < 2; ++start) {
    auto spec = bash(
        "exec 3<>/dev/tcp/10.96.0.1/443; read -r line <&3; echo \"got $line\"; (: </dev/tcp/127.0.0.1/443) 2>&1 | grep -o refused | head "
        "-n 1");
    spec.network = network->name_space.get();
    auto sandbox = harness().launcher().spawn(spec);
    ASSERT_TRUE(sandbox) << sandbox.error().line();
    int connection = -1;
    ASSERT_TRUE(eventually([&] { return (connection = accept4(network->listeners[0].get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0; }));
    ASSERT_EQ(write(connection, "answer\n", 7), 7);
    ASSERT_TRUE((*sandbox)->wait_for(std::chrono::seconds(30)));
    EXPECT_EQ((*sandbox)->output().out, "got answer\nrefused\n");
    close(connection);
  }
}

TEST_F(SandboxTest, TheHarnessConnectsFromInsideAWorldsNetwork) {
  auto network = ServiceNetwork::make(harness().launcher());
  ASSERT_TRUE(network) << network.error().line();
  auto other = ServiceNetwork::make(harness().launcher());
  ASSERT_TRUE(other) << other.error().line();
  auto listeners = (*network)->take_listeners();
  ASSERT_EQ(listeners.size(), (*network)->has_ipv6() ? 2U : 1U);
  const auto connect = [&](ServiceNetwork& from, const std::string& host, std::uint16_t port) {
    return from.connect(host, port, std::chrono::seconds(10));
  };
  const auto refusal = [&](const std::string& host, std::uint16_t port) {
    const auto made = connect(**network, host, port);
    return made ? 0 : made.error();
  };
  // More than one trip's worth, each a connection of its own.
  std::vector<Descriptor> kept;
  for (int i = 0; i < 20; ++i) {
    auto made = connect(**network, kServiceAddress, kServicePort);
    ASSERT_TRUE(made) << errno_text(made.error());
    const Descriptor accepted(accept4(listeners[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(accepted);
    ASSERT_EQ(write(made->get(), "x", 1), 1);
    char byte = 0;
    ASSERT_EQ(read(accepted.get(), &byte, 1), 1);
    kept.push_back(std::move(*made));
  }
  if ((*network)->has_ipv6()) {
    EXPECT_TRUE(connect(**network, kServiceAddress6, kServicePort));
    EXPECT_TRUE(eventually([&] { return Descriptor(accept4(listeners[1].get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0; }));
  }
  EXPECT_EQ(refusal(kServiceAddress, 444), ECONNREFUSED);
  EXPECT_EQ(refusal("127.0.0.1", kServicePort), ECONNREFUSED);
  EXPECT_EQ(refusal("198.51.100.1", kServicePort), ENETUNREACH);
  EXPECT_EQ(refusal("kubernetes.default.svc", kServicePort), ENOENT);
  // Another world's server of the same address is another server: what it never accepted it never sees.
  ASSERT_TRUE(connect(**other, kServiceAddress, kServicePort));
  EXPECT_LT(accept4(listeners[0].get(), nullptr, nullptr, SOCK_CLOEXEC), 0);
}

TEST_F(SandboxTest, AForkBombEndsAndTheNextSandboxIsWell) {
  auto spec = probe({"bomb"});
  spec.limits.processes = 40;
  const auto ran = run(spec);
  EXPECT_EQ(ran.status, (ExitStatus{0, SIGKILL}));
  EXPECT_THAT(ran.excesses, ElementsAre(Excess::kProcesses));
  EXPECT_EQ(run(probe({"hello", "again"})).out, "hello again\n");
}

TEST_F(SandboxTest, AMemoryHogEnds) {
  auto spec = probe({"hog"});
  spec.limits.memory_bytes = 64ULL << 20;
  const auto ran = run(spec);
  EXPECT_EQ(ran.status, (ExitStatus{0, SIGKILL}));
  EXPECT_THAT(ran.excesses, ElementsAre(Excess::kMemory));
}

TEST_F(SandboxTest, AFloodOfOutputEndsAndIsCapped) {
  auto spec = probe({"flood"});
  spec.limits.output_bytes = 100'000;
  const auto ran = run(spec);
  EXPECT_EQ(ran.status, (ExitStatus{0, SIGKILL}));
  EXPECT_THAT(ran.excesses, ElementsAre(Excess::kOutput));
  EXPECT_EQ(ran.out.size(), 100'000U);
}

TEST_F(SandboxTest, FilesHaveAMostSize) {
  const auto volume = *harness().make_directory("volume");
  auto spec = bash("trap '' XFSZ; head -c 3000 /dev/zero > /host/f; stat -c %s /host/f");
  spec.binds = {{volume, "", "/host", false}};
  spec.limits.file_bytes = 2000;
  EXPECT_EQ(run(spec).out, "2000\n");
}

TEST_F(SandboxTest, TermIsIgnoredByAnInitWithoutAHandlerAndKillIsNot) {
  for (const auto& arguments : {std::vector<std::string>{"sleep"}, {"sleep", "ignore"}}) {
    auto sandbox = harness().launcher().spawn(probe(arguments));
    ASSERT_TRUE(sandbox) << sandbox.error().line();
    ASSERT_TRUE(eventually([&] { return (*sandbox)->output().out == "asleep\n"; }));
    EXPECT_TRUE((*sandbox)->signal(SIGTERM));
    EXPECT_EQ((*sandbox)->wait_for(std::chrono::milliseconds(30)), std::nullopt);
    (*sandbox)->kill();
    EXPECT_EQ((*sandbox)->wait_for(std::chrono::seconds(30)), (ExitStatus{0, SIGKILL}));
    EXPECT_FALSE((*sandbox)->signal(SIGTERM));
  }
}

TEST_F(SandboxTest, AHandlerGetsItsSignal) {
  auto sandbox = harness().launcher().spawn(bash("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 100 & wait $!; done"));
  ASSERT_TRUE(sandbox) << sandbox.error().line();
  ASSERT_TRUE(eventually([&] { return (*sandbox)->output().out == "ready\n"; }));
  EXPECT_TRUE((*sandbox)->signal(SIGTERM));
  EXPECT_EQ((*sandbox)->wait_for(std::chrono::seconds(30)), (ExitStatus{3, 0}));
  EXPECT_EQ((*sandbox)->output().out, "ready\nbye\n");
}

TEST_F(SandboxTest, KillEndsDaemonsThatLeftTheirSession) {
  auto sandbox = harness().launcher().spawn(bash("setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & echo started; wait"));
  ASSERT_TRUE(sandbox) << sandbox.error().line();
  ASSERT_TRUE(eventually([&] { return (*sandbox)->output().out == "started\n"; }));
  const auto children = "/proc/" + std::to_string((*sandbox)->pid()) + "/task/" + std::to_string((*sandbox)->pid()) + "/children";
  pid_t daemon = 0;
  ASSERT_TRUE(eventually([&] { return std::ifstream(children) >> daemon && daemon > 0; }));
  (*sandbox)->kill();
  ASSERT_TRUE((*sandbox)->wait_for(std::chrono::seconds(30)));
  EXPECT_FALSE(std::filesystem::exists("/proc/" + std::to_string(daemon)));
}

TEST_F(SandboxTest, IdleWhenAllTasksWaitAndNotWhenOneSpins) {
  auto sleeper = harness().launcher().spawn(bash("sleep 1000 & sleep 1000 & echo up; wait"));
  auto spinner = harness().launcher().spawn(probe({"spin"}));
  auto hidden = harness().launcher().spawn(bash("(while :; do :; done) & sleep 1000"));
  ASSERT_TRUE(sleeper && spinner && hidden);
  EXPECT_TRUE(eventually([&] { return (*sleeper)->output().out == "up\n" && (*sleeper)->idle(); }));
  EXPECT_FALSE((*spinner)->idle());
  EXPECT_TRUE(eventually([&] { return !(*hidden)->idle(); }));
  (*spinner)->kill();
  ASSERT_TRUE((*spinner)->wait_for(std::chrono::seconds(30)));
  EXPECT_TRUE((*spinner)->idle());
}

TEST_F(SandboxTest, ManyAtOnceFromManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<unsigned> well{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 10; ++i) {
        const auto ran = run(probe({"hello", std::to_string(thread * 10 + i)}));
        if (ran.out == "hello " + std::to_string(thread * 10 + i) + "\n" && ran.status == ExitStatus{0, 0}) ++well;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(well, 40U);
}

TEST_F(SandboxTest, LeavesNoCgroupBehind) {
  // Others come and go meanwhile: a walk that one of them vanished under is no answer.
  const auto walk = [](std::error_code& error) {
    std::set<std::string> found;
    const auto options = std::filesystem::directory_options::skip_permission_denied;
    for (std::filesystem::recursive_directory_iterator at("/sys/fs/cgroup", options, error), end; !error && at != end;
         at.increment(error)) {
      if (at->path().string().find("/entryproof-" + std::to_string(getpid()) + "-") != std::string::npos && at->is_directory(error))
        found.insert(at->path());
      if (error) break;
    }
    return found;
  };
  const auto groups = [&] {
    for (;;) {
      std::error_code error;
      if (auto found = walk(error); !error) return found;
    }
  };
  const auto before = groups();
  auto sandbox = harness().launcher().spawn(probe({"sleep"}));
  ASSERT_TRUE(sandbox) << sandbox.error().line();
  if (harness().launcher().limits_by() != "watchdog") {
    EXPECT_GT(groups().size(), before.size());
  }
  (*sandbox)->kill();
  ASSERT_TRUE((*sandbox)->wait_for(std::chrono::seconds(30)));
  EXPECT_EQ(groups(), before);
}

}  // namespace
}  // namespace entryproof::subjects
