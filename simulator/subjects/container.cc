#include "simulator/subjects/container.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "simulator/subjects/channel.h"
#include "simulator/subjects/confinement.h"
#include "simulator/subjects/network.h"
#include "simulator/subjects/root.h"

namespace entryproof::subjects {
namespace {

Result<> write_text(const std::string& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), text.data(), text.size()) < 0) return fail_errno("write", path, errno);
  return {};
}

// Joining a cgroup waits for grace periods of the kernel, a millisecond or more each; a process of its own does that while the root is
// built. It moves its parent, which is PID 1 of the namespace that both are in. 0 where there is nothing to join.
pid_t begin_to_join(const std::vector<int>& cgroups) {
  if (cgroups.empty()) return 0;
  const pid_t pid = fork();
  if (pid != 0) return pid;
  for (const int procs : cgroups) {
    if (write(procs, "1", 1) != 1) _exit(errno);
  }
  _exit(0);
}

Result<> end_joining(pid_t joiner) {
  if (joiner == 0) return {};
  int status = 0;
  if (joiner < 0 || waitpid(joiner, &status, 0) != joiner) return fail_errno("join", "the sandbox's cgroup", errno);
  if (status != 0) return fail_errno("join", "the sandbox's cgroup", WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD);
  return {};
}

Result<> join_network(const ContainerParts& parts) {
  // Should the machine run out of memory, a build shall die and not its judge.
  static_cast<void>(write_text("/proc/self/oom_score_adj", "1000"));
  if (parts.network >= 0) {
    if (setns(parts.network, CLONE_NEWNET) != 0) return fail_errno("setns", "the world's network", errno);
  } else if (const int error = raise_loopback(); error != 0) {
    return fail_errno("bring up", "lo", error);
  }
  const auto& hostname = parts.spec->hostname;
  if (sethostname(hostname.data(), hostname.size()) != 0) return fail_errno("sethostname", hostname, errno);
  return {};
}

Result<> attach_streams(const ContainerParts& parts) {
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0) return fail_errno("open", "/dev/null", errno);
  if (dup2(nothing, 0) < 0 || dup2(parts.out, 1) < 0 || dup2(parts.err, 2) < 0) return fail_errno("dup2", "standard streams", errno);
  if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return fail_errno("close_range", "all descriptors", errno);
  return {};
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The interpreter that a script's first line names, or "".
std::string interpreter_of(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string head(256, '\0');
  const auto got = file ? read(file.get(), head.data(), head.size()) : -1;
  head.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (!head.starts_with("#!")) return {};
  const auto begin = head.find_first_not_of(" \t", 2);
  return begin == std::string::npos ? std::string() : head.substr(begin, head.find_first_of(" \t\r\n", begin) - begin);
}

Result<> stay_on(int processor) {
  if (processor < 0) return {};
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(processor), &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) return fail_errno("stay on processor", std::to_string(processor), errno);
  return {};
}

Result<> hand_over_inotify(int supervisor) {
  auto listener = leave_inotify_to_another();
  if (!listener) return std::unexpected(listener.error());
  Channel channel{Descriptor(supervisor)};
  auto sent = channel.send("inotify", {listener->get()});
  static_cast<void>(channel.release());
  return sent;
}

}  // namespace

Result<> enter_container(const ContainerParts& parts) {
  const auto& spec = *parts.spec;
  // Whoever kills the launcher kills its pid namespace; this is for the moment before its parent is PID 1 of one.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  reset_signals();
  umask(0);
  const pid_t joiner = begin_to_join(parts.cgroups);
  if (auto joined = join_network(parts); !joined) return joined;
  if (auto stayed = stay_on(spec.processor); !stayed) return stayed;
  if (auto built = build_root(spec, parts.root, parts.pid_max); !built) return built;
  if (auto joined = end_joining(joiner); !joined) return joined;
  if (setsid() < 0) return fail_errno("setsid", "a new session", errno);
  if (auto attached = attach_streams(parts); !attached) return attached;
  if (const int error = limit_resources(spec.limits, parts.groups_fixed && parts.cgroups.empty()); error != 0)
    return fail_errno("setrlimit", "the sandbox's limits", error);
  if (const int error = drop_privileges(spec.uid, spec.gid, parts.groups_fixed); error != 0) {
    return fail_errno("become", "uid " + std::to_string(spec.uid) + ", gid " + std::to_string(spec.gid), error);
  }
  if (chdir(spec.working_directory.c_str()) != 0) return fail_errno("chdir", spec.working_directory, errno);
  umask(spec.umask);
  if (const auto denials = denial_filter(spec); !denials.empty()) {
    if (const int error = install_filter(denials); error != 0) return fail_errno("seccomp", "what is denied", error);
  }
  if (spec.can_be_denied) {
    if (auto left = hand_over_inotify(parts.supervisor); !left) return left;
  }
  if (const int error = install_filter(*parts.filter); error != 0) return fail_errno("seccomp", "the sandbox's filter", error);
  return {};
}

Error execute(const SandboxSpec& spec) {
  const auto& path = spec.executable.inside;
  std::vector<char*> argv;
  for (const auto& argument : spec.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  if (argv.empty()) argv.push_back(const_cast<char*>(path.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (const auto& variable : spec.environment) environment.push_back(const_cast<char*>(variable.c_str()));
  environment.push_back(nullptr);
  execve(path.c_str(), argv.data(), environment.data());

  const int error = errno;
  Error failure = fail_errno("exec", path + " (" + spec.executable.outside + ")", error).error();
  if (error == ENOENT) {
    failure.code = ErrorCode::kUnavailable;
    const auto interpreter = interpreter_of(path);
    failure.message += interpreter.empty() ? ": its dynamic loader is not in the sandbox; bind it with --with"
                                           : ": its interpreter " + interpreter + " is not in the sandbox; bind it with --with";
  } else if (error == ENOEXEC) {
    failure.message += ": neither a program of this machine nor a script with a #! line";
  } else if (error == EACCES) {
    failure.message += ": is it executable, and not on a file system that is mounted noexec?";
  }
  return failure;
}

}  // namespace entryproof::subjects
