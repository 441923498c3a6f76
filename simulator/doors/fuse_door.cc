#include "simulator/doors/fuse_door.h"

#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "simulator/base/descriptor.h"
#include "simulator/doors/fuse_verbs.h"

namespace entryproof::doors {
namespace {

Result<Descriptor> open_device(const std::string& device) {
  Descriptor opened(::open(device.c_str(), O_RDWR | O_CLOEXEC));
  if (opened) return opened;
  const int error = errno;
  auto failure = fail_errno("open", device, error);
  failure.error().code = ErrorCode::kUnavailable;
  failure.error().message += error == EACCES || error == EPERM
                                 ? "; run as root, or let everybody open it (chmod 0666, as udev does)"
                                 : "; load the fuse module, or give the container the device (--device /dev/fuse)";
  failure.error().message += ", or use --world tmpfs";
  return failure;
}

}  // namespace

class FuseDoor::Session {
 public:
  Session(node::Node& node, const Clock& clock, std::string at, const Options& options)
      : verbs(node, clock, options.world_pid, options.direct_io), mount_point(std::move(at)), processor_(options.processor) {
    verbs.last_mutation_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session() {
    if (mounted_) umount2(mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    if (thread_.joinable()) {
      // A sandbox may still hold a bind of it; the device would stay readable for as long, so the thread is told.
      eventfd_write(stop_.get(), 1);
      thread_.join();
    }
    // Closes the device: by that the kernel ends the connection, and whoever waits for an answer gets an error.
    if (session_ != nullptr) fuse_session_destroy(session_);
    verbs.node.set_pause({});
    verbs.let_go();
    if (mounted_) ::rmdir(mount_point.c_str());
  }

  Result<> start(const Options& options) {
    auto device = open_device(options.device);
    if (!device) return std::unexpected(device.error());
    device_ = device->get();
    stop_.reset(eventfd(0, EFD_CLOEXEC));
    if (!stop_) return fail_errno("eventfd", "for a FUSE session", errno);
    verbs.node.set_pause([this](Duration time) { pause(time); });

    // What libfuse would print is known to us as an error number.
    fuse_set_log_func([](fuse_log_level, const char*, va_list) {});
    std::string name = "entryproof";
    std::array<char*, 2> arguments = {name.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments.data());
    session_ = fuse_session_new(&args, &FuseVerbs::operations(options.asks_at_close), sizeof(fuse_lowlevel_ops), &verbs);
    fuse_opt_free_args(&args);
    if (session_ == nullptr) {
      return fail(ErrorCode::kLimit, "libfuse gives no further session: it serves about 1000 in one process; run fewer worlds at once");
    }
    const auto data = "fd=" + std::to_string(device_) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
    if (::mount("entryproof", mount_point.c_str(), "fuse", MS_NOSUID | MS_NODEV, data.c_str()) != 0) {
      auto failure = fail_errno("mount a FUSE file system at", mount_point, errno);
      failure.error().code = ErrorCode::kUnavailable;
      return failure;
    }
    mounted_ = true;
    if (fuse_session_mount(session_, ("/dev/fd/" + std::to_string(device_)).c_str()) != 0) {
      return fail(ErrorCode::kUnavailable, "libfuse does not take the descriptor of " + mount_point);
    }
    static_cast<void>(device->release());  // the session's now
    thread_ = std::thread([this] { serve(); });
    if (processor_ >= 0) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(static_cast<std::size_t>(processor_), &only);
      pthread_setaffinity_np(thread_.native_handle(), sizeof only, &only);  // refused: it is only slower
    }
    return {};
  }

  bool busy() const {
    if (answering_) return true;
    pollfd device{device_, POLLIN, 0};
    return ::poll(&device, 1, 0) > 0 && (device.revents & POLLIN) != 0;
  }

  FuseVerbs verbs;
  const std::string mount_point;
  std::atomic<std::uint64_t> served{0};

 private:
  void serve() {
    fuse_buf buffer{};
    std::array<pollfd, 2> both = {pollfd{device_, POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    while (fuse_session_exited(session_) == 0) {
      if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR) break;
      if (both[1].revents != 0) break;
      // Raised before the request leaves the device, so that busy() sees it in one place or the other.
      answering_ = true;
      const int got = fuse_session_receive_buf(session_, &buffer);
      if (got > 0) {
        fuse_session_process_buf(session_, &buffer);
        ++served;
      }
      answering_ = false;
      if (got <= 0 && got != -EINTR && got != -EAGAIN) break;  // ENODEV: unmounted
    }
    std::free(buffer.mem);
  }

  // A call takes longer. The thread that serves waits, as a slow disk makes everybody wait in its queue and keeps their order; but it lets
  // go of the node, so that whoever looks at it, or ends the programs, need not.
  void pause(Duration time) {
    verbs.mutex.unlock();
    const auto until = std::chrono::steady_clock::now() + time;
    pollfd stop{stop_.get(), POLLIN, 0};
    for (;;) {
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      if (rest <= 0 || (::poll(&stop, 1, static_cast<int>(rest)) > 0 && stop.revents != 0)) break;
    }
    verbs.mutex.lock();
  }

  const int processor_;
  fuse_session* session_ = nullptr;
  int device_ = -1;
  Descriptor stop_;
  bool mounted_ = false;
  std::atomic<bool> answering_{false};
  std::thread thread_;
};

FuseDoor::FuseDoor(std::unique_ptr<Session> session) : session_(std::move(session)) {}
FuseDoor::~FuseDoor() = default;

Result<std::unique_ptr<FuseDoor>> FuseDoor::mount(node::Node& node, const Clock& clock, const std::string& mount_point,
                                                  const Options& options) {
  auto session = std::make_unique<Session>(node, clock, mount_point, options);
  if (auto started = session->start(options); !started) return std::unexpected(started.error());
  return std::unique_ptr<FuseDoor>(new FuseDoor(std::move(session)));
}

const std::string& FuseDoor::mount_point() const { return session_->mount_point; }

std::mutex& FuseDoor::mutex() { return session_->verbs.mutex; }

void FuseDoor::set_actor(node::Actor actor, std::uint32_t session) {
  const std::lock_guard lock(session_->verbs.mutex);
  session_->verbs.actor = actor;
  session_->verbs.session = session;
}

void FuseDoor::set_others(const std::vector<Other>& others) {
  std::vector<FuseVerbs::Other> known;
  for (const auto& other : others) {
    if (const auto space = FuseVerbs::pid_namespace_of(other.init); space != 0) known.push_back({space, other.actor, other.session});
  }
  const std::lock_guard lock(session_->verbs.mutex);
  session_->verbs.others = std::move(known);
}

FuseDoor::Activity FuseDoor::activity() const {
  const auto& verbs = session_->verbs;
  return {session_->served, verbs.mutations, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(verbs.last_mutation_ns))};
}

bool FuseDoor::busy() const { return session_->busy(); }

Result<> fuse_available(const std::string& device) {
  auto opened = open_device(device);
  return opened ? Result<>{} : std::unexpected(opened.error());
}

}  // namespace entryproof::doors
