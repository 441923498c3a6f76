#include "simulator/subjects/predecessors/pod_for_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace entryproof::subjects::predecessor {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kDeadline = std::chrono::seconds(10);
constexpr auto kThreeTurns = std::chrono::milliseconds(3200);
constexpr auto kPatience = std::chrono::milliseconds(300);  // a search that finds something takes well under this
constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr const char* kProgram = ENTRYPROOF_BIN_DIR "/predecessor";
constexpr std::array<const char*, 7> kVolumes = {kNetDir,   kBinDir, "/host/etc/cni/multus", "/tmp", kAccount, "/tmp/multus-conf",
                                                 "/usr/src"};

// The test cannot go on: thrown, so that gtest reports it as this test's failure.
void must(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::strerror(errno));
}

std::optional<std::string> enter_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return std::string("unshare: ") + std::strerror(errno);
  if (user != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return std::string("make / private: ") + std::strerror(errno);
  return std::nullopt;
}

// In the child, between fork and exec.
[[noreturn]] void become(const Start& start, const std::string& root, int program, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::map<std::string, std::string> variables = {
      {"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}, {"ASAN_OPTIONS", "detect_leaks=0"}};
  for (const auto& [name, value] : start.environment) variables[name] = value;
  std::vector<std::string> words = {"predecessor-" + start.version};
  words.insert(words.end(), start.flags.begin(), start.flags.end());
  std::vector<std::string> settings;
  for (const auto& [name, value] : variables) {
    if (!value.empty()) settings.push_back(name + "=" + value);
  }
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  };
  ::umask(start.umask);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (start.traced) ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  if (::chroot(root.c_str()) == 0 && ::chdir("/") == 0) ::fexecve(program, pointers(words).data(), pointers(settings).data());
  ::_exit(99);
}

std::string contents(int fd) {
  std::string text;
  std::array<char, 4096> chunk = {};
  while (true) {
    const ssize_t got = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + kDeadline;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

Process::~Process() {
  kill();
  ::close(out_);
  ::close(err_);
}

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void Process::kill() {
  if (exit_code_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  exit_code_ = 128 + SIGKILL;
}

bool Process::running() { return !exit_code(); }

std::optional<int> Process::exit_code() {
  int status = 0;
  if (!exit_code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return exit_code_;
}

std::optional<int> Process::wait() {
  eventually([&] { return !running(); });
  return exit_code_;
}

std::string Process::out() const { return contents(out_); }
std::string Process::err() const { return contents(err_); }

std::optional<std::string> Pod::unavailable() {
  static const std::optional<std::string> kWhyNot = enter_namespace();
  return kWhyNot;
}

Pod::Pod() {
  if (const auto why = unavailable()) throw std::runtime_error(*why);
  std::string root = (fs::temp_directory_path() / "predecessor-XXXXXX").string();
  must(::mkdtemp(root.data()) != nullptr, "mkdtemp " + root);
  root_ = root;
  must(::mount("pod", root_.c_str(), "tmpfs", 0, "mode=755") == 0, "mount " + root_);
  for (const char* volume : kVolumes) {
    fs::create_directories(outside(volume));
    must(::mount("volume", outside(volume).c_str(), "tmpfs", 0, "mode=755") == 0, std::string("mount ") + volume);
  }
  for (const char* shared : {"/usr/lib", "/usr/lib64", "/proc"}) {  // a build with sanitizers is not static
    if (!fs::exists(shared)) continue;
    fs::create_directories(outside(shared));
    must(::mount(shared, outside(shared).c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, std::string("bind ") + shared);
  }
  link("usr/lib", "/lib");
  link("usr/lib64", "/lib64");

  make_directory("/usr/src/multus-cni/bin");
  put("/usr/src/multus-cni/bin/multus", std::string(100000, 'm'), 0755);
  put(kManualSource, R"({"cniVersion":"0.3.1","name":"manual","type":"multus"})");
  put(kMaster,
      R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel"},{"type":"portmap","capabilities":{"portMappings":true}}]})");
  link("..data/token", std::string(kAccount) + "/token");
  link("..data/ca.crt", std::string(kAccount) + "/ca.crt");
  rotate("tok-AAA", "CA-AAA\n");
}

Pod::~Pod() {
  process_.reset();
  ::umount2(root_.c_str(), MNT_DETACH);
  ::rmdir(root_.c_str());
}

void Pod::put(const std::string& path, const std::string& text, mode_t mode) const {
  std::ofstream(outside(path), std::ios::binary | std::ios::trunc) << text;
  must(::chmod(outside(path).c_str(), mode) == 0, "put " + path);
}

void Pod::make_directory(const std::string& path, mode_t mode) const {
  fs::create_directories(outside(path));
  must(::chmod(outside(path).c_str(), mode) == 0, "make_directory " + path);
}

void Pod::remove(const std::string& path) const { fs::remove_all(outside(path)); }
void Pod::link(const std::string& target, const std::string& path) const { fs::create_symlink(target, outside(path)); }

std::optional<std::string> Pod::read(const std::string& path) const {
  std::ifstream file(outside(path), std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool Pod::exists(const std::string& path) const { return fs::exists(fs::symlink_status(outside(path))); }

mode_t Pod::mode(const std::string& path) const {
  struct stat status = {};
  return ::stat(outside(path).c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::vector<std::string> Pod::names(const std::string& directory) const {
  std::vector<std::string> list;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(outside(directory), ignored)) list.push_back(entry.path().filename().string());
  std::ranges::sort(list);
  return list;
}

std::size_t Pod::count(const std::string& directory, const std::string& prefix) const {
  return static_cast<std::size_t>(std::ranges::count_if(names(directory), [&](const auto& name) { return name.starts_with(prefix); }));
}

void Pod::rotate(const std::string& token, const std::string& ca) const {
  const std::string data = std::string(kAccount) + "/..data";
  const std::string before = exists(data) ? fs::read_symlink(outside(data)).string() : "";
  const std::string next = before == "..1" ? "..2" : "..1";
  const std::string directory = std::string(kAccount) + "/" + next;
  make_directory(directory);
  put(directory + "/token", token);
  put(directory + "/ca.crt", ca);
  link(next, data + "_tmp");
  fs::rename(outside(data + "_tmp"), outside(data));
  if (!before.empty()) remove(std::string(kAccount) + "/" + before);
}

void Pod::leave_pages(const std::string& mount, std::size_t pages) const {
  put(mount + "/filler", "a size of 0 would mean no limit");
  struct statvfs status = {};
  must(::statvfs(outside(mount).c_str(), &status) == 0, "statvfs " + mount);
  const std::size_t used = status.f_blocks - status.f_bfree;
  const std::string size = "mode=755,size=" + std::to_string((used + pages) * status.f_bsize);
  must(::mount("volume", outside(mount).c_str(), "tmpfs", MS_REMOUNT, size.c_str()) == 0, "limit " + mount);
}

void Pod::make_read_only(const std::string& mount) const {
  must(::mount("volume", outside(mount).c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "mode=755") == 0, "read only " + mount);
}

std::unique_ptr<Process> Pod::start(const Start& start) const {
  const int program = ::open(kProgram, O_RDONLY | O_CLOEXEC);
  must(program >= 0, std::string("open ") + kProgram);
  const int out = ::memfd_create("out", MFD_CLOEXEC);
  const int err = ::memfd_create("err", MFD_CLOEXEC);
  const unsigned long flags = static_cast<unsigned long>(SIGCHLD) | (start.first_process ? static_cast<unsigned long>(CLONE_NEWPID) : 0UL);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) become(start, root_, program, out, err);
  ::close(program);
  must(pid > 0, "clone");
  return std::make_unique<Process>(pid, out, err);
}

std::string Pod::run(const Start& how) {
  process_ = start(how);
  const auto has = [&how](const char* flag) { return std::ranges::find(how.flags, flag) != how.flags.end(); };
  const bool by_hand = std::ranges::any_of(how.flags, [](const std::string& flag) { return flag.starts_with("--multus-conf-file=/"); });
  const bool watching = has("--cleanup-config-on-exit=true") && !has("--skip-config-watch") && !by_hand;
  const char* const over = how.version == "3.9.3" || watching ? "Entering " : by_hand ? " is copied." : "multus config file is created.";

  std::string state = "stuck";
  std::optional<Clock::time_point> searching;
  eventually([&] {
    if (const auto code = process_->exit_code()) {
      state = "exit " + std::to_string(*code);
    } else if (said(over)) {
      state = "runs";
    } else if (said("attempt 0\n") && !said("Using MASTER_PLUGIN")) {
      if (!searching) searching = Clock::now();
      if (Clock::now() - *searching > kPatience) state = "waits";
    }
    return state != "stuck";
  });
  return state;
}

std::vector<std::string> automatic(const std::string& version, const std::vector<std::string>& more) {
  std::vector<std::string> flags = {"--multus-conf-file=auto"};
  if (version == "3.9.3") flags.emplace_back("--cni-version=0.3.1");
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

std::vector<std::string> manual(const std::vector<std::string>& more) {
  std::vector<std::string> flags = {std::string("--multus-conf-file=") + kManualSource};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

namespace {

// A story on its way: a pod, the step it is at and since when.
struct Playing {
  const Story* story;
  std::unique_ptr<Pod> pod;
  std::size_t step = 0;
  Clock::time_point since;
};

void give_up(Playing& playing, const std::string& why) {
  Process& process = playing.pod->process();
  ADD_FAILURE() << playing.story->name << ", " << playing.story->start.version << ", step " << playing.step + 1 << ": " << why
                << "\nexit code: " << process.exit_code().value_or(-1) << "\nstdout: " << process.out() << "\nstderr: " << process.err();
  playing.step = playing.story->steps.size();
}

void begin_step(Playing& playing) {
  if (playing.step == playing.story->steps.size()) return;
  const Step& step = playing.story->steps[playing.step];
  if (step.act) step.act(*playing.pod);
  playing.since = Clock::now();
}

void advance(Playing& playing) {
  const Step& step = playing.story->steps[playing.step];
  const bool holds = step.holds(*playing.pod);
  const auto waited = Clock::now() - playing.since;
  if (step.wait == Step::Wait::kStays) {
    if (!holds) return give_up(playing, "did not stay so");
    if (waited < kThreeTurns) return;
  } else if (!holds) {
    if (waited > kDeadline) give_up(playing, "did not come about");
    return;
  }
  ++playing.step;
  begin_step(playing);
  if (playing.step == playing.story->steps.size()) playing.pod->process().kill();  // 4.0.x would keep a core busy
}

}  // namespace

void play(const std::vector<Story>& stories) {
  std::vector<Playing> all;
  for (const Story& story : stories) {
    all.push_back({&story, std::make_unique<Pod>(), 0, Clock::now()});
    const std::string state = all.back().pod->run(story.start);
    if (state != "runs") give_up(all.back(), "the start ended with " + state);
  }
  for (Playing& playing : all) begin_step(playing);
  const auto finished = [](const Playing& playing) { return playing.step == playing.story->steps.size(); };
  while (!std::ranges::all_of(all, finished)) {
    for (Playing& playing : all) {
      if (!finished(playing)) advance(playing);
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace entryproof::subjects::predecessor
