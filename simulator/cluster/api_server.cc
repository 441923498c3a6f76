#include "simulator/cluster/api_server.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "simulator/cluster/api_connection.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/serving_context.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kMostHeld = 64LL << 20;  // bytes of unfinished requests in one world
constexpr int kBacklog = 1024;
constexpr int kAcceptsPerTurn = 64;
constexpr timeval kPause{0, 50'000};  // when the process has no descriptor left

// Where a listening socket listens.
Endpoint endpoint_of(const Descriptor& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    return {inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text), ntohs(v4->sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    return {inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text), ntohs(v6->sin6_port)};
  }
  return {};
}

bool same(const Endpoint& a, const Endpoint& b) { return a.port == b.port && canonical_address(a.address) == canonical_address(b.address); }

}  // namespace

// The thread, and what it may be asked to do. Everything of libevent is touched by it alone.
class ApiServer::Loop {
 public:
  explicit Loop(Limits limits) : limits_(limits), base_(event_base_new()), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (base_ == nullptr || !wake_) std::abort();  // no memory
    waker_ = event_new(
        base_, wake_.get(), EV_READ | EV_PERSIST, [](evutil_socket_t, short, void* self) { static_cast<Loop*>(self)->work(); }, this);
    event_add(waker_, nullptr);
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    post([this] { event_base_loopbreak(base_); });
    thread_.join();
    event_free(waker_);
    event_base_free(base_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void post(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    eventfd_write(wake_.get(), 1);
  }

  // post(), and waits until it is done.
  void await(std::function<void()> task) {
    std::promise<void> done;
    post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  event_base* base() const { return base_; }
  const Limits& limits() const { return limits_; }
  ServingContexts& contexts() { return contexts_; }
  // Connections of all worlds: one that opens too many shall not take the descriptors of the others.
  void count(std::ptrdiff_t more) { open_ += more; }
  bool is_full() const { return open_ >= most_; }

 private:
  static std::ptrdiff_t most_connections(const Limits& limits) {
    rlimit files{};
    if (limits.connections_in_all != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
      return static_cast<std::ptrdiff_t>(limits.connections_in_all);
    return static_cast<std::ptrdiff_t>(std::min<rlim_t>(files.rlim_cur, 1U << 20) / 2);
  }

  void run() {
    // A peer that is gone is an error number here, and the process's signals are for other threads.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    event_base_dispatch(base_);
  }

  void work() {
    eventfd_t count = 0;
    eventfd_read(wake_.get(), &count);
    std::deque<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
  }

  const Limits limits_;
  event_base* base_;
  Descriptor wake_;
  event* waker_ = nullptr;
  ServingContexts contexts_;
  const std::ptrdiff_t most_ = most_connections(limits_);
  std::ptrdiff_t open_ = 0;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_;
};

// One world on the server's thread; evidence is read from others.
struct ApiServer::Attachment::World final : ApiConnectionOwner {
  World(Loop& the_loop, ControlPlane& the_plane, std::vector<Descriptor> sockets) : loop(the_loop), control(the_plane) {
    for (auto& socket : sockets) {
      auto& listener = listeners.emplace_back();
      listener.endpoint = endpoint_of(socket);
      listener.socket = std::move(socket);
    }
  }

  struct Listener {
    Descriptor socket;
    Endpoint endpoint;
    event* readable = nullptr;
    World* world = nullptr;
    bool listens = true;
  };

  void begin() {
    for (auto& listener : listeners) {
      listener.world = this;
      const auto ready = [](evutil_socket_t, short, void* of) {
        static_cast<Listener*>(of)->world->accept_from(*static_cast<Listener*>(of));
      };
      listener.readable = event_new(loop.base(), listener.socket.get(), EV_READ, ready, &listener);
    }
    resume = evtimer_new(loop.base(), [](evutil_socket_t, short, void* self) { static_cast<World*>(self)->refresh(); }, this);
    refresh();
  }

  void finish() {
    for (auto& [pointer, connection] : connections) connection->reset_at_end();
    connections.clear();
    count();
    for (auto& listener : listeners) event_free(listener.readable);
    event_free(resume);
    listeners.clear();
  }

  bool is_served(const Listener& listener) const {
    if (control.availability().mode == Availability::Mode::kDown) return false;
    const auto endpoints = control.endpoints();
    return std::ranges::any_of(endpoints, [&](const Endpoint& each) { return same(each, listener.endpoint); });
  }

  // Makes each socket listen, or not: shutdown(2) ends listening and keeps the address, so that connect(2) is refused.
  void refresh() {
    for (auto& listener : listeners) {
      bool should = is_served(listener);
      if (should && !listener.listens) should = listen(listener.socket.get(), kBacklog) == 0;
      if (!should && listener.listens) shutdown(listener.socket.get(), SHUT_RDWR);
      if (should) event_add(listener.readable, nullptr);
      if (!should) event_del(listener.readable);
      listener.listens = should;
    }
    if (control.availability().mode != Availability::Mode::kDown) return;
    for (auto& [pointer, connection] : connections) connection->reset_at_end();
    connections.clear();
    count();
  }

  // After each change of `connections`.
  void count() {
    const auto now = connections.size();
    loop.count(static_cast<std::ptrdiff_t>(now) - static_cast<std::ptrdiff_t>(open.exchange(now)));
  }

  void accept_from(Listener& listener) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      Descriptor socket(accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket && errno == ECONNABORTED) continue;
      if (!socket && errno != EAGAIN && errno != EINTR) {
        evtimer_add(resume, &kPause);
        return;
      }
      if (!socket) break;
      if (connections.size() >= limits().connections || loop.is_full() || !is_served(listener)) {
        const linger at_once{1, 0};
        setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        record({.wall_ns = control.wall_ns(), .what = {}, .problem = "reset: not served, or too many connections"});
        continue;
      }
      welcome(std::move(socket));
    }
    event_add(listener.readable, nullptr);
  }

  void welcome(Descriptor socket) {
    if (const auto generation = control.serving_generation(); generation != serving || context == nullptr) {
      const auto now = control.serving();
      context = loop.contexts().of(now.certificate);
      serving = now.generation;
    }
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<ApiConnection>(*this, loop.base(), context.get(), std::move(socket));
    if (!connection->ok()) return;
    auto* pointer = connection.get();
    connections.emplace(pointer, std::move(connection));
    count();
  }

  ControlPlane& plane() override { return control; }
  const Limits& limits() const override { return loop.limits(); }
  void record(Exchange exchange) override {
    const std::lock_guard lock(mutex);
    ++evidence.total;
    if (evidence.exchanges.size() < limits().evidence) evidence.exchanges.push_back(std::move(exchange));
  }
  bool hold(std::int64_t more_bytes) override { return (held += more_bytes) <= kMostHeld; }
  void forget(ApiConnection* connection) override {
    connections.erase(connection);
    count();
  }

  Loop& loop;
  ControlPlane& control;
  std::deque<Listener> listeners;  // their addresses are given to libevent
  event* resume = nullptr;
  std::shared_ptr<ssl_ctx_st> context;
  std::uint64_t serving = 0;  // generation of the context
  std::int64_t held = 0;
  std::unordered_map<ApiConnection*, std::unique_ptr<ApiConnection>> connections;
  std::atomic<std::size_t> open{0};

  mutable std::mutex mutex;
  Evidence evidence;
};

ApiServer::ApiServer(Limits limits) : loop_(std::make_unique<Loop>(limits)) {}
ApiServer::~ApiServer() = default;

std::unique_ptr<ApiServer::Attachment> ApiServer::attach(ControlPlane& plane, std::vector<Descriptor> listeners) {
  auto world = std::make_shared<Attachment::World>(*loop_, plane, std::move(listeners));
  loop_->post([world] { world->begin(); });
  return std::unique_ptr<Attachment>(new Attachment(*this, std::move(world)));
}

ApiServer::Attachment::~Attachment() {
  server_.loop_->await([this] { world_->finish(); });
}

Evidence ApiServer::Attachment::evidence() const {
  const std::lock_guard lock(world_->mutex);
  return world_->evidence;
}

std::size_t ApiServer::Attachment::connections() const { return world_->open; }

void ApiServer::Attachment::refresh() {
  server_.loop_->await([this] { world_->refresh(); });
}

}  // namespace entryproof::cluster
