#include "simulator/subjects/confinement.h"

#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <memory>

#include "simulator/base/descriptor.h"

namespace entryproof::subjects {
namespace {

constexpr std::array kRefused = {
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "move_mount",
    "open_tree",
    "mount_setattr",  //
    "setns",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "kcmp",
    "pidfd_getfd",  //
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",  //
    "keyctl",
    "add_key",
    "request_key",
    "clock_settime",
    "clock_settime64",
    "clock_adjtime",
    "adjtimex",
    "settimeofday",
    "stime",  //
    "reboot",
    "swapon",
    "swapoff",
    "acct",
    "quotactl",
    "quotactl_fd",
    "syslog",
    "vhangup",
    "iopl",
    "ioperm",  //
    "open_by_handle_at",
    "name_to_handle_at",
    "fanotify_init",
    "lookup_dcookie",
    "nfsservctl",
    "uselib",
    "vm86",
    "vm86old",  //
};
constexpr std::array kUnknown = {"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"};
constexpr std::array<unsigned, 8> kNamespaceFlags = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
                                                     CLONE_NEWPID, CLONE_NEWNET,    0x80 /* CLONE_NEWTIME, of unshare only */};

constexpr rlim_t kMostTasksOfARun = 4096;

int refuse_named(scmp_filter_ctx filter, const char* name, int error_number) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 0;  // unknown to this libseccomp: unknown to the architecture, too
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(static_cast<unsigned>(error_number)), number, 0);
}

int add_rules(scmp_filter_ctx filter) {
  // A 64-bit process may make 32-bit calls; they get the same rules.
  if (seccomp_arch_native() == SCMP_ARCH_X86_64) {
    if (const int error = seccomp_arch_add(filter, SCMP_ARCH_X86); error != 0 && error != -EEXIST) return error;
  }
  if (const int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)); error != 0) return error;
  for (const char* name : kRefused) {
    if (const int error = refuse_named(filter, name, EPERM); error != 0) return error;
  }
  for (const char* name : kUnknown) {
    if (const int error = refuse_named(filter, name, ENOSYS); error != 0) return error;
  }
  for (const unsigned flag : kNamespaceFlags) {
    const scmp_arg_cmp asked{0, SCMP_CMP_MASKED_EQ, flag, flag};
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, asked); error != 0) return error;
    if (flag == 0x80) continue;  // in clone(2) these bits are the exit signal
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, asked); error != 0) return error;
  }
  // A socket to the hypervisor belongs to no network namespace.
  const scmp_arg_cmp vsock{0, SCMP_CMP_EQ, AF_VSOCK, 0};
  if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, vsock); error != 0) return error;
  const scmp_arg_cmp push_back{1, SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCSTI};
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, push_back);
}

#if defined(__x86_64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kNative = AUDIT_ARCH_AARCH64;
#else
#error "which architecture do this machine's system calls have?"
#endif

// The instructions that filters by hand are made of.
sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter skip_unless(std::uint32_t value, std::uint8_t instructions) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, instructions);
}
sock_filter answer(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
std::uint32_t refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

// Lets the calls of other architectures pass, and leaves the number of the call to what follows.
std::vector<sock_filter> about_own_calls() {
  return {load(offsetof(seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNative, 1, 0), answer(SECCOMP_RET_ALLOW),
          load(offsetof(seccomp_data, nr))};
}

}  // namespace

Result<std::vector<sock_filter>> compile_filter() {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (filter == nullptr) return fail(ErrorCode::kUnavailable, "libseccomp gives no filter");
  if (const int error = add_rules(filter.get()); error != 0) return fail_errno("seccomp_rule_add", "the sandbox's filter", -error);
  const Descriptor file(memfd_create("filter", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create", "the sandbox's filter", errno);
  if (const int error = seccomp_export_bpf(filter.get(), file.get()); error != 0) {
    return fail_errno("seccomp_export_bpf", "the sandbox's filter", -error);
  }
  struct stat about{};
  if (fstat(file.get(), &about) != 0) return fail_errno("fstat", "the sandbox's filter", errno);
  std::vector<sock_filter> program(static_cast<std::size_t>(about.st_size) / sizeof(sock_filter));
  if (pread(file.get(), program.data(), program.size() * sizeof(sock_filter), 0) != about.st_size) {
    return fail_errno("read", "the sandbox's filter", EIO);
  }
  return program;
}

int limit_resources(const SandboxLimits& limits, bool in_user_namespace) {
  const auto set = [](__rlimit_resource resource, rlim_t value) {
    const rlimit both{value, value};
    return setrlimit(resource, &both) == 0 ? 0 : errno;
  };
  if (const int error = set(RLIMIT_CORE, 0); error != 0) return error;
  if (const int error = set(RLIMIT_FSIZE, limits.file_bytes); error != 0) return error;
  if (in_user_namespace) {
    if (const int error = set(RLIMIT_NPROC, kMostTasksOfARun); error != 0) return error;
  }
  return set(RLIMIT_NOFILE, limits.open_files);
}

int drop_privileges(uid_t uid, gid_t gid, bool groups_fixed) {
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if ((kSandboxCapabilities >> capability & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return errno;  // EINVAL: the kernel has no such capability
  }
  if (!groups_fixed && setgroups(0, nullptr) != 0) return errno;
  if (setresgid(gid, gid, gid) != 0) return errno;
  if (setresuid(uid, uid, uid) != 0) return errno;
  const std::uint64_t kept = uid == 0 ? kSandboxCapabilities : 0;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
    sets[half] = {bits, bits, 0};  // nothing inheritable
  }
  if (syscall(SYS_capset, &header, sets.data()) != 0) return errno;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return 0;
}

std::vector<sock_filter> denial_filter(const SandboxSpec& spec) {
  std::vector<sock_filter> program;
  if (!spec.deny_inotify && !spec.deny_watches && !spec.deny_network) return program;
  program = about_own_calls();
  const auto add = [&program](std::initializer_list<sock_filter> instructions) { program.insert(program.end(), instructions); };
  if (spec.deny_inotify) {
#ifdef SYS_inotify_init
    add({skip_unless(SYS_inotify_init, 1), answer(refuse(EMFILE))});
#endif
    add({skip_unless(SYS_inotify_init1, 1), answer(refuse(EMFILE))});
  }
  if (spec.deny_watches) add({skip_unless(SYS_inotify_add_watch, 1), answer(refuse(ENOSPC))});
  if (spec.deny_network) {
    add({skip_unless(SYS_socket, 3), load(offsetof(seccomp_data, args[0])),  // the low half, on little-endian machines
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0), answer(refuse(EACCES))});
  }
  add({answer(SECCOMP_RET_ALLOW)});
  return program;
}

int install_filter(const std::vector<sock_filter>& filter) {
  sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

Result<Descriptor> leave_inotify_to_another() {
  auto filter = about_own_calls();
  const auto add = [&filter](std::uint32_t call) {
    filter.push_back(skip_unless(call, 1));
    filter.push_back(answer(SECCOMP_RET_USER_NOTIF));
  };
#ifdef SYS_inotify_init
  add(SYS_inotify_init);
#endif
  add(SYS_inotify_init1);
  add(SYS_inotify_add_watch);
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  Descriptor listener(static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program)));
  if (!listener) return fail_errno("seccomp", "what may be denied later", errno);
  return listener;
}

void answer_inotify(int listener, const Denial& denial) {
  // A kernel may know of more than these headers do, and writes all of it.
  constexpr std::size_t kRoom = 1024;
  union Call {
    seccomp_notif call;
    std::array<char, kRoom> room;
  };
  Call asked{};
  asked.room = {};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked.call) != 0) return;  // the caller is dead already
  const bool watch = asked.call.data.nr == SYS_inotify_add_watch;
  union Answer {
    seccomp_notif_resp answer;
    std::array<char, kRoom> room;
  };
  Answer given{};
  given.room = {};
  given.answer.id = asked.call.id;
  if (watch ? denial.watches : denial.instances) {
    given.answer.error = watch ? -ENOSPC : -EMFILE;
  } else {
    given.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  }
  static_cast<void>(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &given.answer));
}

}  // namespace entryproof::subjects
