// The atomic-replace sequence S on three file systems, measured in one run by one client process, all on one processor:
//   tmpfs; a FUSE file system that only answers; our door with journal and live oracles.
// And what a sandbox and a mount cost by themselves.
//
// S: create a temporary file (0600), write 2 KiB, fsync, close, rename over the target, open the directory, fsync it, close, stat the
// target.
#define FUSE_USE_VERSION 314
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "simulator/doors/fuse_door.h"
#include "simulator/doors/tmpfs_door.h"
#include "simulator/runner/live_judge.h"
#include "simulator/runner/site.h"
#include "simulator/subjects/harness.h"

namespace {

using namespace entryproof;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

template <class T>
T take(Result<T> result) {
  if (!result) give_up(result.error().line());
  return std::move(*result);
}

void stay_on_first_processor() {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(0, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) give_up("sched_setaffinity failed");
}

// --- the client: a process of its own, told by a socket where to do it and how often ---

struct Order {
  std::array<char, 256> directory{};
  unsigned times = 0;
};

bool replace_once(const std::string& directory, const std::string& bytes) {
  const std::string temporary = directory + "/temporary";
  const std::string target = directory + "/target";
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) return false;
  if (fsync(file) != 0 || close(file) != 0 || rename(temporary.c_str(), target.c_str()) != 0) return false;
  const int parent = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0 || fsync(parent) != 0 || close(parent) != 0) return false;
  struct stat about{};
  return stat(target.c_str(), &about) == 0;
}

[[noreturn]] void serve_orders(int channel) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  stay_on_first_processor();
  const std::string bytes(2048, 'k');
  Order order;
  while (recv(channel, &order, sizeof order, 0) == static_cast<ssize_t>(sizeof order)) {
    char done = 1;
    for (unsigned i = 0; i < order.times && done == 1; ++i) done = replace_once(order.directory.data(), bytes) ? 1 : 0;
    if (send(channel, &done, 1, 0) != 1) break;
  }
  _exit(0);
}

// The harness, and the client forked behind it while there is still one thread and no FUSE descriptor.
struct Rig {
  std::unique_ptr<subjects::Harness> harness = take(subjects::Harness::enter());
  int channel = -1;

  Rig() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) give_up("socketpair failed");
    if (fork() == 0) {
      close(ends[0]);
      serve_orders(ends[1]);
    }
    close(ends[1]);
    channel = ends[0];
  }

  bool replace(const std::string& directory, unsigned times) const {
    Order order;
    directory.copy(order.directory.data(), order.directory.size() - 1);
    order.times = times;
    char done = 0;
    return send(channel, &order, sizeof order, 0) == static_cast<ssize_t>(sizeof order) && recv(channel, &done, 1, 0) == 1 && done == 1;
  }
};

Rig& rig() {
  static Rig made;
  return made;
}

constexpr unsigned kBatch = 200;

void run_sequence(benchmark::State& state, const std::string& directory) {
  for (auto _ : state) {
    if (!rig().replace(directory, kBatch)) {
      state.SkipWithError("the sequence failed");
      return;
    }
  }
  state.counters["S"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kBatch, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_ReplaceOnTmpfs(benchmark::State& state) {
  const auto door = take(doors::TmpfsDoor::mount(take(rig().harness->make_directory("tmpfs"))));
  run_sequence(state, door->mount_point());
}
BENCHMARK(BM_ReplaceOnTmpfs)->UseRealTime()->Unit(benchmark::kMillisecond);

// --- a FUSE file system that only answers: one directory, one file, nothing kept but whether the temporary name is there ---

bool temporary_there = false;

struct stat answer_about(fuse_ino_t inode) {
  struct stat about{};
  about.st_ino = inode;
  about.st_mode = inode == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0600;
  about.st_nlink = 1;
  return about;
}

// Two inodes: a rename of a file onto itself would never be asked for.
constexpr fuse_ino_t kTarget = 2;
constexpr fuse_ino_t kTemporary = 3;

fuse_entry_param entry_of(fuse_ino_t inode) {
  fuse_entry_param entry{};
  entry.ino = inode;
  entry.attr = answer_about(inode);
  return entry;
}

void answer_lookup(fuse_req_t request, fuse_ino_t, const char* name) {
  const bool temporary = std::strcmp(name, "temporary") == 0;
  if (temporary && !temporary_there) {
    fuse_reply_err(request, ENOENT);
    return;
  }
  const auto entry = entry_of(temporary ? kTemporary : kTarget);
  fuse_reply_entry(request, &entry);
}
void answer_getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  const auto about = answer_about(inode);
  fuse_reply_attr(request, &about, 0);
}
void answer_create(fuse_req_t request, fuse_ino_t, const char*, mode_t, fuse_file_info* info) {
  temporary_there = true;
  const auto entry = entry_of(kTemporary);
  fuse_reply_create(request, &entry, info);
}
void answer_open(fuse_req_t request, fuse_ino_t, fuse_file_info* info) { fuse_reply_open(request, info); }
void answer_write(fuse_req_t request, fuse_ino_t, const char*, size_t size, off_t, fuse_file_info*) { fuse_reply_write(request, size); }
void answer_fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) { fuse_reply_err(request, 0); }
void answer_release(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }
void answer_rename(fuse_req_t request, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned) {
  temporary_there = false;
  fuse_reply_err(request, 0);
}

fuse_lowlevel_ops answering() {
  fuse_lowlevel_ops operations{};
  operations.lookup = answer_lookup;
  operations.getattr = answer_getattr;
  operations.create = answer_create;
  operations.open = answer_open;
  operations.opendir = answer_open;
  operations.write = answer_write;
  operations.fsync = answer_fsync;
  operations.fsyncdir = answer_fsync;
  operations.release = answer_release;
  operations.releasedir = answer_release;
  operations.rename = answer_rename;
  return operations;
}

void BM_ReplaceOnFuseThatOnlyAnswers(benchmark::State& state) {
  const auto directory = take(rig().harness->make_directory("answers"));
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) give_up("no /dev/fuse");
  const auto data = "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  if (mount("answers", directory.c_str(), "fuse", MS_NOSUID | MS_NODEV, data.c_str()) != 0) give_up("mount failed");
  std::string name = "answers";
  std::array<char*, 2> arguments = {name.data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
  static const fuse_lowlevel_ops kAnswering = answering();
  fuse_session* session = fuse_session_new(&args, &kAnswering, sizeof kAnswering, nullptr);
  fuse_opt_free_args(&args);
  if (session == nullptr || fuse_session_mount(session, ("/dev/fd/" + std::to_string(device)).c_str()) != 0) give_up("libfuse failed");
  std::thread server([session] {
    stay_on_first_processor();
    fuse_session_loop(session);
  });
  run_sequence(state, directory);
  umount2(directory.c_str(), MNT_DETACH);
  server.join();
  fuse_session_destroy(session);
}
BENCHMARK(BM_ReplaceOnFuseThatOnlyAnswers)->UseRealTime()->Unit(benchmark::kMillisecond);

// Our door: every operation journalled and judged. A door and a journal of their own for each measurement.
void BM_ReplaceOnOurDoor(benchmark::State& state) {
  const RealClock clock;
  node::Journal::Limits limits;
  limits.operations = ~std::uint64_t{0};
  limits.bytes = ~std::uint64_t{0};
  oracles::Layout layout;  // the directory of the sequence is the one that is watched
  layout.net_dir = "/";
  layout.kubeconfig = "/target";
  runner::LiveJudge judge(layout, false);
  node::Node node(runner::Site::usual().image(), clock, limits);
  judge.reset(node.tree());
  node.set_observer(&judge);
  doors::FuseDoor::Options options;
  options.processor = 0;
  options.world_pid = rig().harness->agent().pid();
  const auto door = take(doors::FuseDoor::mount(node, clock, take(rig().harness->make_directory("door")), options));
  door->set_actor(node::Actor::kBuild, 1);
  run_sequence(state, door->mount_point());
}
BENCHMARK(BM_ReplaceOnOurDoor)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(50);

void BM_MountAndUnmount(benchmark::State& state) {
  const RealClock clock;
  node::Node node(runner::Site::usual().image(), clock);
  for (auto _ : state) {
    const auto door = take(doors::FuseDoor::mount(node, clock, take(rig().harness->make_directory("door")), {}));
    benchmark::DoNotOptimize(door.get());
  }
}
BENCHMARK(BM_MountAndUnmount)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_SandboxAroundTrue(benchmark::State& state) {
  subjects::SandboxSpec spec;
  spec.executable = {"/bin/true", "/entrypoint/true"};
  spec.processor = 0;
  for (auto _ : state) {
    const auto sandbox = take(rig().harness->launcher().spawn(spec));
    if (!sandbox->wait_for(std::chrono::seconds(5))) {
      state.SkipWithError("it did not end");
      return;
    }
  }
}
BENCHMARK(BM_SandboxAroundTrue)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
