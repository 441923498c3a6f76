#include "simulator/subjects/launcher.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "simulator/subjects/census.h"
#include "simulator/subjects/channel.h"
#include "simulator/subjects/launcher_process.h"
#include "simulator/subjects/protocol.h"
#include "simulator/subjects/sandbox_state.h"

namespace entryproof::subjects {
namespace {

constexpr int kWatchdogMs = 20;
enum Source : std::uint64_t { kChannel, kOut, kErr };

// The pid in this process's namespace of what a pidfd means.
pid_t pid_of(const Descriptor& pidfd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(pidfd.get()));
  for (std::string word; info >> word;) {
    if (word != "Pid:") continue;
    pid_t pid = 0;
    info >> pid;
    return pid;
  }
  return 0;
}

bool kernel_is_at_least(int major, int minor) {
  utsname about{};
  int has_major = 0;
  int has_minor = 0;
  if (uname(&about) != 0 || std::sscanf(about.release, "%d.%d", &has_major, &has_minor) != 2) return false;
  return has_major > major || (has_major == major && has_minor >= minor);
}

}  // namespace

// The client's thread carries everything that comes: replies, exits, output. The requests of other threads wait on a promise each.
class Launcher::Client {
 public:
  Client(Channel channel, pid_t pid, Cgroups cgroups) : channel_(std::move(channel)), pid_(pid), cgroups_(std::move(cgroups)) {
    events_.reset(epoll_create1(EPOLL_CLOEXEC));
    watch(channel_.fd(), kChannel);
  }

  // Not in the constructor: the harness forks its other helper first.
  void begin() {
    if (!thread_.joinable()) thread_ = std::thread([this] { carry(); });
  }

  void stop() {
    begin();
    channel_.finish();
    thread_.join();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    cgroups_.remove();  // for a launcher that was killed
  }

  pid_t pid() const { return pid_; }
  Cgroups::Kind limits_kind() const { return cgroups_.kind(); }

  Result<std::shared_ptr<Sandbox::State>> spawn(const SandboxSpec& spec) {
    auto state = std::make_shared<Sandbox::State>();
    state->limits = spec.limits;
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (pipe2(out.data(), O_CLOEXEC) != 0) return fail_errno("pipe", "for a sandbox's output", errno);
    state->out.reset(out[0]);
    const Descriptor out_end(out[1]);
    if (pipe2(err.data(), O_CLOEXEC) != 0) return fail_errno("pipe", "for a sandbox's output", errno);
    state->err.reset(err[0]);
    const Descriptor err_end(err[1]);
    for (const auto& end : {out[0], err[0]}) fcntl(end, F_SETFL, O_NONBLOCK);

    Pack body;
    pack(body, spec);
    std::vector<int> descriptors{out_end.get(), err_end.get()};
    if (spec.network >= 0) descriptors.push_back(spec.network);
    auto answer = ask(Word::kSpawn, body.bytes(), descriptors, state);
    if (!answer) return std::unexpected(answer.error());
    return state;
  }

  Result<> deny(std::uint64_t sandbox, const Denial& denial) {
    Pack body;
    body.number(sandbox).number(denial.instances ? 1 : 0).number(denial.watches ? 1 : 0);
    auto answer = ask(Word::kDeny, body.bytes(), {}, nullptr);
    return answer ? Result<>{} : std::unexpected(answer.error());
  }

  Result<> remount(std::uint64_t sandbox, const Bind& bind) {
    Pack body;
    body.number(sandbox);
    pack(body, bind);
    auto answer = ask(Word::kRemount, body.bytes(), {}, nullptr);
    return answer ? Result<>{} : std::unexpected(answer.error());
  }

  Result<Network> make_network(const NetworkSpec& spec) {
    Pack body;
    pack(body, spec);
    return ask(Word::kMakeNetwork, body.bytes(), {}, nullptr);
  }

  Result<std::vector<Descriptor>> make_sockets(int name_space, int family, unsigned count) {
    Pack body;
    body.number(static_cast<std::uint64_t>(family)).number(count);
    auto answer = ask(Word::kMakeSockets, body.bytes(), {name_space}, nullptr);
    if (!answer) return std::unexpected(answer.error());
    return std::move(answer->listeners);
  }

 private:
  struct Call {
    std::promise<Result<Network>> answer;
    std::shared_ptr<Sandbox::State> state;  // of a spawn
  };

  void watch(int fd, std::uint64_t data) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = data;
    epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  Result<Network> ask(Word word, const std::string& body, const std::vector<int>& descriptors, std::shared_ptr<Sandbox::State> state) {
    std::future<Result<Network>> answer;
    {
      const std::lock_guard lock(mutex_);
      if (gone_) return fail(ErrorCode::kIo, "the launcher process has ended; was it killed?");
      const auto id = ++last_id_;
      auto& call = calls_[id];
      call.state = std::move(state);
      answer = call.answer.get_future();
      Pack message;
      message.number(static_cast<std::uint64_t>(word)).number(id);
      // Under the lock: messages are sent whole, and in the order of their ids.
      if (auto sent = channel_.send(message.bytes() + body, descriptors); !sent) {
        calls_.erase(id);
        return std::unexpected(sent.error());
      }
    }
    return answer.get();
  }

  void carry() {
    for (bool more = true; more;) {
      std::array<epoll_event, 64> ready{};
      const bool watches = cgroups_.kind() == Cgroups::Kind::kNone && !running_.empty();
      const int count = epoll_wait(events_.get(), ready.data(), static_cast<int>(ready.size()), watches ? kWatchdogMs : -1);
      for (int i = 0; i < count; ++i) {
        const auto data = ready[static_cast<std::size_t>(i)].data.u64;
        if ((data & 3) == kChannel) {
          more = receive() && more;
        } else if (const auto found = running_.find(data >> 2); found != running_.end()) {
          auto& state = *found->second;
          (data & 3) == kOut ? read_output(state, state.out, state.output.out) : read_output(state, state.err, state.output.err);
        }
      }
      if (watches) watchdog();
    }
    give_up();
  }

  // False when the launcher is gone.
  bool receive() {
    auto message = channel_.receive();
    if (!message || !*message) return false;
    Unpack words((*message)->bytes);
    const auto word = words.number_as<Word>();
    const auto id = words.number();
    if (word == Word::kEnded) {
      end(id, words);
      return true;
    }
    Call call;
    {
      const std::lock_guard lock(mutex_);
      const auto found = calls_.find(id);
      if (found == calls_.end()) return true;
      call = std::move(found->second);
      calls_.erase(found);
    }
    auto& descriptors = (*message)->descriptors;
    if (word == Word::kFailed) {
      call.answer.set_value(std::unexpected(unpack_error(words)));
    } else if (word == Word::kSpawned && !descriptors.empty()) {
      call.state->pidfd = std::move(descriptors[0]);
      call.state->pid = pid_of(call.state->pidfd);
      call.state->id = id;
      watch(call.state->out.get(), id << 2 | kOut);
      watch(call.state->err.get(), id << 2 | kErr);
      running_.emplace(id, call.state);
      call.answer.set_value(Network{});
    } else if (word == Word::kNetwork && !descriptors.empty()) {
      Network network;
      network.name_space = std::move(descriptors[0]);
      for (std::size_t i = 1; i < descriptors.size(); ++i) network.listeners.push_back(std::move(descriptors[i]));
      call.answer.set_value(std::move(network));
    } else if (word == Word::kDone) {
      call.answer.set_value(Network{});
    } else if (word == Word::kSockets) {
      call.answer.set_value(Network{{}, std::move(descriptors)});
    } else {
      call.answer.set_value(fail(ErrorCode::kInternal, "the launcher gave an answer without its descriptors"));
    }
    return true;
  }

  // Takes what is there; the end of the stream closes it. Past the cap the sandbox is killed and the rest is thrown away.
  void read_output(Sandbox::State& state, Descriptor& pipe, std::string& text) {
    std::array<char, 65536> buffer{};
    while (pipe) {
      const auto got = read(pipe.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return pipe.reset();
      std::size_t room = 0;
      {
        const std::lock_guard lock(state.mutex);
        const auto used = state.output.out.size() + state.output.err.size();
        room = state.limits.output_bytes > used ? state.limits.output_bytes - used : 0;
        text.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
      }
      if (static_cast<std::size_t>(got) <= room) continue;
      state.add(Excess::kOutput);
      state.send(SIGKILL);
      return;  // one turn at a time: others have output, too
    }
  }

  void end(std::uint64_t id, Unpack& words) {
    const auto found = running_.find(id);
    if (found == running_.end()) return;
    const auto code = words.number_as<int>();
    const auto signal = words.number_as<int>();
    const auto excesses = words.number();
    const auto state = found->second;
    running_.erase(found);
    for (const auto excess : {Excess::kProcesses, Excess::kMemory}) {
      if ((excesses >> static_cast<unsigned>(excess) & 1) != 0) state->add(excess);
    }
    finish(*state, ExitStatus{code, signal});
  }

  void finish(Sandbox::State& state, ExitStatus status) {
    // All writers are dead, so this ends; the pipe holds at most its own size.
    for (int turn = 0; turn < 1024 && (state.out || state.err); ++turn) {
      read_output(state, state.out, state.output.out);
      read_output(state, state.err, state.output.err);
    }
    state.out.reset();
    state.err.reset();
    {
      const std::lock_guard lock(state.mutex);
      state.status = status;
    }
    state.ended.notify_all();
  }

  // The launcher is gone, and with its pid namespace every sandbox.
  void give_up() {
    std::map<std::uint64_t, Call> calls;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      calls.swap(calls_);
    }
    for (auto& [id, call] : calls) call.answer.set_value(fail(ErrorCode::kIo, "the launcher process has ended; was it killed?"));
    for (auto& [id, state] : running_) finish(*state, ExitStatus{0, SIGKILL});
    running_.clear();
  }

  void watchdog() const {
    for (const auto& [id, state] : running_) {
      const auto census = take_census(state->pid, {.memory = true, .until_tasks = state->limits.processes});
      const bool forks = census.tasks > state->limits.processes;
      const bool eats = census.memory_bytes > state->limits.memory_bytes;
      if (forks) state->add(Excess::kProcesses);
      if (eats) state->add(Excess::kMemory);
      if (forks || eats) state->send(SIGKILL);
    }
  }

  Channel channel_;
  pid_t pid_;
  Cgroups cgroups_;
  Descriptor events_;
  std::thread thread_;
  std::map<std::uint64_t, std::shared_ptr<Sandbox::State>> running_;  // only the client's thread

  std::mutex mutex_;
  std::map<std::uint64_t, Call> calls_;
  std::uint64_t last_id_ = 0;
  bool gone_ = false;
};

Launcher::Launcher(std::unique_ptr<Client> client) : client_(std::move(client)) {}

Launcher::~Launcher() { client_->stop(); }

Result<std::unique_ptr<Launcher>> Launcher::start(const std::string& work_directory, bool use_cgroups) {
  auto ends = Channel::pair();
  if (!ends) return std::unexpected(ends.error());
  LauncherSetup setup;
  setup.root_directory = work_directory + "/root";
  if (mkdir(setup.root_directory.c_str(), 0755) != 0) return fail_errno("mkdir", setup.root_directory, errno);
  if (use_cgroups) setup.cgroups = Cgroups::prepare(getpid());
  std::ifstream policy("/proc/self/setgroups");
  std::string word;
  setup.groups_fixed = policy >> word && word == "deny";
  setup.own_pid_max = kernel_is_at_least(6, 14);
  auto pid = fork_launcher(std::move(ends->second), setup);
  if (!pid) return std::unexpected(pid.error());
  return std::unique_ptr<Launcher>(new Launcher(std::make_unique<Client>(std::move(ends->first), *pid, setup.cgroups)));
}

void Launcher::begin() { client_->begin(); }

Result<std::unique_ptr<Sandbox>> Launcher::spawn(const SandboxSpec& spec) {
  auto state = client_->spawn(spec);
  if (!state) return std::unexpected(state.error());
  return std::make_unique<Sandbox>(std::move(*state));
}

Result<> Launcher::deny(const Sandbox& sandbox, const Denial& denial) { return client_->deny(sandbox.id(), denial); }

Result<> Launcher::remount(const Sandbox& sandbox, const Bind& bind) { return client_->remount(sandbox.id(), bind); }

Result<Network> Launcher::make_network(const NetworkSpec& spec) { return client_->make_network(spec); }

Result<std::vector<Descriptor>> Launcher::make_sockets(int name_space, int family, unsigned count) {
  return client_->make_sockets(name_space, family, count);
}

pid_t Launcher::pid() const { return client_->pid(); }

std::string Launcher::limits_by() const {
  switch (client_->limits_kind()) {
    case Cgroups::Kind::kV1:
      return "cgroup v1";
    case Cgroups::Kind::kV2:
      return "cgroup v2";
    case Cgroups::Kind::kNone:
      break;
  }
  return "watchdog";
}

}  // namespace entryproof::subjects
