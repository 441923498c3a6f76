#include "simulator/subjects/launcher_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <vector>

#include "simulator/subjects/confinement.h"
#include "simulator/subjects/container.h"
#include "simulator/subjects/helper.h"
#include "simulator/subjects/network.h"
#include "simulator/subjects/protocol.h"
#include "simulator/subjects/root.h"

namespace entryproof::subjects {
namespace {

constexpr int kTickMs = 20;  // how often cgroups are asked about limits
constexpr unsigned kRemovalTries = 100;
constexpr char kReady = 'R';  // the child's last word before exec
enum Source : std::uint64_t { kChannel, kSetup, kInit, kInotify };

// Like fork(), into new namespaces. Right only in a process with one thread: the C library is not told.
pid_t clone_process(std::uint64_t flags, int* pidfd) {
  clone_args arguments{};
  arguments.flags = flags | (pidfd != nullptr ? CLONE_PIDFD : 0U);
  arguments.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  return static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
}

class LauncherProcess {
 public:
  LauncherProcess(Channel channel, LauncherSetup setup, std::vector<sock_filter> filter)
      : channel_(std::move(channel)), setup_(std::move(setup)), filter_(std::move(filter)) {}

  void run() {
    own_network_.reset(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    events_.reset(epoll_create1(EPOLL_CLOEXEC));
    watch(channel_.fd(), kChannel);
    while (!finished_ || !sandboxes_.empty()) {
      std::array<epoll_event, 64> ready{};
      const int count = epoll_wait(events_.get(), ready.data(), static_cast<int>(ready.size()), sandboxes_.empty() ? -1 : kTickMs);
      for (int i = 0; i < count; ++i) {
        const auto data = ready[static_cast<std::size_t>(i)].data.u64;
        handle(static_cast<Source>(data & 3), data >> 2, ready[static_cast<std::size_t>(i)].events);
      }
      tick();
    }
    setup_.cgroups.remove();
  }

 private:
  struct Running {
    pid_t pid = 0;
    Descriptor pidfd;
    Descriptor setup;  // what the child says before exec
    std::string said;
    Channel supervisor;  // through which the descriptor comes that inotify is answered by …
    Descriptor inotify;  // … and that
    Denial denial;
    Cgroups::Group group;
    unsigned excesses = 0;  // mask by Excess
    bool started = false;   // exec has happened
    bool dead = false;
    int status = 0;
    unsigned removal_tries = 0;
  };

  void watch(int fd, std::uint64_t data) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = data;
    epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void say(Word word, std::uint64_t id, const std::string& body, const std::vector<int>& descriptors = {}) {
    Pack message;
    message.number(static_cast<std::uint64_t>(word)).number(id);
    // The harness may be gone; its end of the channel tells, not this.
    static_cast<void>(channel_.send(message.bytes() + body, descriptors));
  }

  void say_failed(std::uint64_t id, const Error& error) {
    Pack body;
    pack(body, error);
    say(Word::kFailed, id, body.bytes());
  }

  void handle(Source source, std::uint64_t id, std::uint32_t events) {
    if (source == kChannel) return receive();
    const auto found = sandboxes_.find(id);
    if (found == sandboxes_.end()) return;
    if (source == kSetup) hear(id, found->second);
    if (source == kInit) bury(id, found->second);
    // Nobody is left who could ask: bury() follows.
    if (source == kInotify && (events & EPOLLIN) != 0) answer_inotify(found->second.inotify.get(), found->second.denial);
  }

  void receive() {
    auto message = channel_.receive();
    if (!message || !*message) {
      finished_ = true;
      epoll_ctl(events_.get(), EPOLL_CTL_DEL, channel_.fd(), nullptr);
      for (const auto& [id, running] : sandboxes_) kill(running.pid, SIGKILL);
      return;
    }
    Unpack words((*message)->bytes);
    const auto word = words.number_as<Word>();
    const auto id = words.number();
    if (word == Word::kSpawn) {
      const auto spec = unpack_sandbox(words);
      auto spawned = spawn(id, spec, (*message)->descriptors);
      if (!spawned) say_failed(id, spawned.error());
    } else if (word == Word::kDeny) {
      const auto found = sandboxes_.find(words.number());
      const Denial denial{words.number() != 0, words.number() != 0};
      if (found != sandboxes_.end()) found->second.denial = denial;
      say(Word::kDone, id, {});
    } else if (word == Word::kRemount) {
      const auto sandbox = words.number();
      remount(id, sandbox, unpack_bind(words));
    } else if (word == Word::kMakeNetwork) {
      make_network(id, unpack_network(words));
    } else if (word == Word::kMakeSockets && !(*message)->descriptors.empty()) {
      const int family = words.number_as<int>();
      make_sockets(id, (*message)->descriptors.front().get(), family, words.number_as<unsigned>());
    }
  }

  Result<> spawn(std::uint64_t id, const SandboxSpec& spec, const std::vector<Descriptor>& descriptors) {
    const bool joins = spec.network >= 0;
    if (descriptors.size() < (joins ? 3U : 2U)) return fail(ErrorCode::kInternal, "a sandbox without its descriptors");
    Running running;
    if (setup_.cgroups.kind() != Cgroups::Kind::kNone) {
      auto group = setup_.cgroups.create(id, spec.limits);
      if (!group) return std::unexpected(group.error());
      running.group = std::move(*group);
    }
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", "for a sandbox", errno);
    running.setup.reset(ends[0]);
    Descriptor child_end(ends[1]);
    Channel supervised;
    if (spec.can_be_denied) {
      auto pair = Channel::pair();
      if (!pair) return std::unexpected(pair.error());
      running.supervisor = std::move(pair->first);
      supervised = std::move(pair->second);
    }

    int pidfd = -1;
    const auto flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | (joins ? 0 : CLONE_NEWNET);
    running.pid = clone_process(static_cast<std::uint64_t>(flags), &pidfd);
    if (running.pid == 0) {
      become(spec,
             ContainerParts{&spec, setup_.root_directory, &filter_, running.group.procs(), joins ? descriptors[2].get() : -1,
                            supervised.fd(), descriptors[0].get(), descriptors[1].get(), setup_.groups_fixed, pid_max(spec)},
             child_end.get());
    }
    if (running.pid < 0) {
      const int error = errno;
      running.group.remove();
      auto failure = fail_errno("clone", "namespaces of a sandbox", error);
      failure.error().code = ErrorCode::kUnavailable;
      return failure;
    }
    running.pidfd.reset(pidfd);
    watch(running.setup.get(), id << 2 | kSetup);
    watch(running.pidfd.get(), id << 2 | kInit);
    sandboxes_.emplace(id, std::move(running));
    return {};
  }

  // Numbers wrap to 300, so that this many above it are always free.
  unsigned pid_max(const SandboxSpec& spec) const {
    return setup_.cgroups.kind() == Cgroups::Kind::kNone && setup_.own_pid_max ? 300 + std::max(spec.limits.processes, 1U) : 0;
  }

  // The child, to its exec.
  [[noreturn]] static void become(const SandboxSpec& spec, const ContainerParts& parts, int said) {
    auto entered = enter_container(parts);
    Error error;
    if (entered) {
      static_cast<void>(!write(said, &kReady, 1));
      error = execute(spec);
    } else {
      error = entered.error();
    }
    Pack body;
    pack(body, error);
    static_cast<void>(!write(said, body.bytes().data(), body.bytes().size()));
    _exit(127);
  }

  // Reads what the child says; its end closes with exec or with death.
  void hear(std::uint64_t id, Running& running) {
    std::array<char, 4096> buffer{};
    const auto got = read(running.setup.get(), buffer.data(), buffer.size());
    if (got > 0) {
      running.said.append(buffer.data(), static_cast<std::size_t>(got));
      return;
    }
    running.setup.reset();
    take_inotify(id, running);
    running.started = running.said == std::string(1, kReady);
    if (running.started) say(Word::kSpawned, id, {}, {running.pidfd.get()});
  }

  // The descriptor was sent before exec, if it came to that.
  void take_inotify(std::uint64_t id, Running& running) {
    if (running.supervisor.fd() < 0) return;
    auto message = running.supervisor.receive();
    if (message && *message && !(*message)->descriptors.empty()) running.inotify = std::move((*message)->descriptors.front());
    running.supervisor = Channel();
    if (running.inotify) watch(running.inotify.get(), id << 2 | kInotify);
  }

  void bury(std::uint64_t id, Running& running) {
    while (running.setup) hear(id, running);
    if (running.inotify) epoll_ctl(events_.get(), EPOLL_CTL_DEL, running.inotify.get(), nullptr);
    running.inotify.reset();
    epoll_ctl(events_.get(), EPOLL_CTL_DEL, running.pidfd.get(), nullptr);
    waitpid(running.pid, &running.status, 0);
    running.dead = true;
  }

  // Limits of the living, last words of the dead.
  void tick() {
    const auto now = std::chrono::steady_clock::now();
    const bool ask = now - asked_ >= std::chrono::milliseconds(kTickMs);
    if (ask) asked_ = now;
    for (auto at = sandboxes_.begin(); at != sandboxes_.end();) {
      auto& [id, running] = *at;
      if (ask || running.dead) check_limits(running);
      if (running.dead && (running.group.remove() || ++running.removal_tries > kRemovalTries)) {
        report(id, running);
        at = sandboxes_.erase(at);
      } else {
        ++at;
      }
    }
  }

  static void check_limits(Running& running) {
    for (const auto excess : running.group.excesses()) {
      running.excesses |= 1U << static_cast<unsigned>(excess);
      if (!running.dead) kill(running.pid, SIGKILL);
    }
  }

  void report(std::uint64_t id, const Running& running) {
    if (running.started) {
      Pack body;
      body.number(WIFEXITED(running.status) ? static_cast<std::uint64_t>(WEXITSTATUS(running.status)) : 0);
      body.number(WIFSIGNALED(running.status) ? static_cast<std::uint64_t>(WTERMSIG(running.status)) : 0).number(running.excesses);
      return say(Word::kEnded, id, body.bytes());
    }
    std::string_view said = running.said;
    if (said.starts_with(kReady)) said.remove_prefix(1);
    Unpack words(said);
    Error error = unpack_error(words);
    if (!words.ok()) error = Error{ErrorCode::kIo, "a sandbox was killed while it was being set up", {}};
    say_failed(id, error);
  }

  // By a child, for whoever goes into a sandbox' mounts does not come back.
  void remount(std::uint64_t id, std::uint64_t sandbox, const Bind& bind) {
    const auto found = sandboxes_.find(sandbox);
    if (found == sandboxes_.end() || found->second.dead) return say(Word::kDone, id, {});
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return say_failed(id, fail_errno("pipe", "for a mount", errno).error());
    const Descriptor heard(ends[0]);
    Descriptor said(ends[1]);
    const pid_t pid = clone_process(0, nullptr);
    if (pid == 0) {
      if (auto mounted = mount_over(bind, found->second.pidfd.get()); !mounted) {
        Pack body;
        pack(body, mounted.error());
        static_cast<void>(!write(said.get(), body.bytes().data(), body.bytes().size()));
      }
      _exit(0);
    }
    if (pid < 0) return say_failed(id, fail_errno("clone", "for a mount", errno).error());
    said.reset();
    std::array<char, 4096> buffer{};
    const auto got = read(heard.get(), buffer.data(), buffer.size());
    waitpid(pid, nullptr, 0);
    if (got == 0) return say(Word::kDone, id, {});
    Unpack words(std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
    say_failed(id, unpack_error(words));
  }

  void make_network(std::uint64_t id, const NetworkSpec& spec) {
    if (unshare(CLONE_NEWNET) != 0) return say_failed(id, fail_errno("unshare", "a network namespace", errno).error());
    auto listeners = prepare_network(spec);
    const Descriptor made(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    setns(own_network_.get(), CLONE_NEWNET);
    if (!listeners) return say_failed(id, listeners.error());
    std::vector<int> descriptors{made.get()};
    for (const auto& listener : *listeners) descriptors.push_back(listener.get());
    say(Word::kNetwork, id, {}, descriptors);
  }

  void make_sockets(std::uint64_t id, int name_space, int family, unsigned count) {
    if (setns(name_space, CLONE_NEWNET) != 0) return say_failed(id, fail_errno("setns", "the world's network", errno).error());
    auto sockets = open_sockets(family, count);
    setns(own_network_.get(), CLONE_NEWNET);
    if (!sockets) return say_failed(id, sockets.error());
    std::vector<int> descriptors;
    for (const auto& socket : *sockets) descriptors.push_back(socket.get());
    say(Word::kSockets, id, {}, descriptors);
  }

  Channel channel_;
  LauncherSetup setup_;
  std::vector<sock_filter> filter_;
  Descriptor own_network_;
  Descriptor events_;
  std::map<std::uint64_t, Running> sandboxes_;
  std::chrono::steady_clock::time_point asked_;  // when the cgroups were last
  bool finished_ = false;
};

}  // namespace

Result<pid_t> fork_launcher(Channel channel, const LauncherSetup& setup) {
  auto filter = compile_filter();
  if (!filter) return std::unexpected(filter.error());
  const pid_t pid = clone_process(CLONE_NEWPID, nullptr);
  if (pid < 0) {
    auto failure = fail_errno("clone", "a pid namespace", errno);
    failure.error().code = ErrorCode::kUnavailable;
    return failure;
  }
  if (pid > 0) return pid;
  become_helper("ep-launcher", channel.fd());
  static_cast<void>(channel.release());
  LauncherProcess(Channel(Descriptor(3)), setup, std::move(*filter)).run();
  _exit(0);
}

}  // namespace entryproof::subjects
