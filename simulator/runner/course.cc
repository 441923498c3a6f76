#include "simulator/runner/course.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "simulator/node/view.h"

namespace entryproof::runner {

namespace {

// When a token is dead for certain: its last second is over.
std::optional<std::int64_t> death_of(const cluster::Generation& generation) {
  if (!generation.expires) return std::nullopt;
  return (*generation.expires + 1) * 1'000'000'000;
}

}  // namespace

Course::Course(const Given& given, const Site& site, std::uint64_t seed, std::int64_t wall_ns, LiveJudge& judge)
    : begun_ns_(wall_ns),
      token_path_(site.service_account + "/token"),
      judge_(judge),
      credentials_(given, site, seed, [this] { return this->wall_ns(); }) {
  if (!given.cluster) return;
  access_.emplace([this](const cluster::ClientConfig& client) { return world_->ask(client); }, credentials_.account());
  judge_.listen();
}

void Course::begin(World& world, std::function<bool()> running) {
  world_ = &world;
  running_ = std::move(running);
  clock_ = &world.clock();
}

std::int64_t Course::wall_ns() const {
  const Clock* clock = clock_.load();
  return clock != nullptr ? clock->wall_ns() - clock_error_.count() : begun_ns_;
}

Woke Course::pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) {
  if (!access_ && !armed_) return world_->pass(deadline, done, rest);
  const auto heard = [&] {
    hear();
    return done();
  };
  for (;;) {
    const auto due = next_event();
    if (!due || *due >= deadline) return world_->pass(deadline, heard, rest);
    const Woke woke = world_->pass(*due, heard, rest);
    if (woke != Woke::kDeadline && woke != Woke::kLate) return woke;
    happen();
    if (!trouble_.empty()) return Woke::kCancelled;
  }
}

std::optional<Moment> Course::next_event() const {
  if (!access_) return std::nullopt;
  auto next = credentials_.refresh_due();
  for (const auto& generation : credentials_.account().generations()) {
    const auto death = death_of(generation);
    if (death && !buried_.contains(generation.id) && (!next || *death < *next)) next = death;
  }
  if (!next) return std::nullopt;
  return world_->clock().now() + Duration(std::max<std::int64_t>(*next - wall_ns(), 0));
}

void Course::happen() {
  hear();
  const auto now = wall_ns();
  for (const auto& generation : credentials_.account().generations()) {
    const auto death = death_of(generation);
    if (!death || *death > now || !buried_.insert(generation.id).second) continue;
    access_->died(generation, projected_token(), running_() ? build_since_ : std::nullopt, now);
  }
  if (const auto due = credentials_.refresh_due(); due && *due <= now) make(credentials_.refresh(), "kubelet's refresh");
}

// What the build would find in its volume.
std::string Course::projected_token() {
  const auto tree = world_->look();
  const auto inode = tree ? node::View().resolve(*tree, {}, token_path_) : node::refuse(ENOENT);
  const auto bytes = inode ? tree->read_all(*inode) : node::refuse(ENOENT);
  if (!bytes) return {};
  return bytes->substr(0, bytes->find_last_not_of(" \t\r\n") + 1);
}

void Course::hear() {
  if (access_) {
    const auto& clock = world_->clock();
    for (const auto& publication : judge_.take_publications()) {
      access_->heard(publication, wall_ns() - (clock.now() - publication.at).count());
    }
  }
  if (!torn_.exchange(false)) return;
  armed_ = false;
  // The change was slipped in below the mount, where no watcher could notice. The last step of a swap, made again through the mount, wakes
  // those who wait for it.
  make(credentials_.announce(), "the swap");
}

Result<std::vector<cluster::Change>> Course::rotate(const RotateStep& step) {
  hear();
  auto changes = credentials_.rotate(step);
  if (!step.torn) return changes;
  // Armed before the first swap is made: no read can slip through.
  const auto directory = credentials_.data_directory();
  if (auto armed = world_->arm_change(faults::behind_read_below(directory), credentials_.rotate(step), [this] { torn_ = true; }); !armed) {
    return std::unexpected(armed.error());
  }
  armed_ = true;
  return changes;
}

Result<> Course::set_clock_forward(Duration by) {
  auto done = world_->set_clock_forward(by);
  if (done) clock_error_ += by;
  return done;
}

void Course::make(const std::vector<cluster::Change>& changes, const char* what) {
  if (const auto done = world_->change(changes); !done) trouble_ = std::string(what) + ": " + done.error().line();
}

}  // namespace entryproof::runner
