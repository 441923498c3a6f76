#include <algorithm>
#include <utility>

#include "simulator/doors/tmpfs_door.h"
#include "simulator/runner/ground.h"

namespace entryproof::runner {

namespace {

// A number for what a tree holds: names, types, sizes and change times. Enough to see that something moved between two looks.
std::uint64_t fingerprint(const node::Tree& tree, node::InodeId directory) {
  std::uint64_t sum = 14695981039346656037ULL;
  const auto mix = [&sum](std::uint64_t value) { sum = (sum ^ value) * 1099511628211ULL; };
  const auto entries = tree.list(directory);
  if (!entries) return sum;
  for (const auto& entry : *entries) {
    for (const char letter : entry.name) mix(static_cast<unsigned char>(letter));
    if (const auto attributes = tree.attributes(entry.inode)) {
      mix(attributes->size);
      mix(attributes->mode);
      mix(static_cast<std::uint64_t>(attributes->mtime_ns));
    }
    if (entry.type == node::FileType::kDirectory) mix(fingerprint(tree, entry.inode));
  }
  return sum;
}

class TmpfsGround final : public Ground {
 public:
  static Result<std::unique_ptr<Ground>> open(GroundRequest request) {
    auto directory = request.harness.make_directory("node");
    if (!directory) return std::unexpected(directory.error());
    doors::TmpfsDoor::Limits limits;
    limits.bytes = std::min(limits.bytes, request.image.limits().bytes);
    auto door = doors::TmpfsDoor::mount(*directory, limits);
    if (!door) return std::unexpected(door.error());
    if (auto done = (*door)->populate(request.image); !done) return std::unexpected(done.error());
    return std::make_unique<TmpfsGround>(std::move(*door));
  }

  explicit TmpfsGround(std::unique_ptr<doors::TmpfsDoor> door) : door_(std::move(door)) {}

  const std::string& mount_point() const override { return door_->mount_point(); }
  bool sees_every_operation() const override { return false; }
  Result<node::Tree> look() override { return door_->snapshot(); }

  std::uint64_t changes() override {
    const auto tree = look();
    const std::uint64_t now = tree ? fingerprint(*tree, node::kRoot) : 0;
    if (now != last_) ++changes_;
    last_ = now;
    return changes_;
  }

  bool quiet() override { return true; }
  void set_actor(node::Actor, std::uint32_t) override {}
  void set_living(const std::vector<Living>&) override {}
  void seal(node::Actor, std::uint32_t) override {}
  Result<> arm_kill(std::uint32_t, std::uint64_t, std::function<void()>) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so it cannot kill at one");
  }
  // Nobody can tell the agent from anybody else here: the tmpfs is changed as the agent does it.
  Result<> change_directly(const std::vector<cluster::Change>&) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs is changed through its mount");
  }
  Result<> arm_change(const faults::Rule&, std::vector<cluster::Change>, std::function<void()>) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so it cannot change anything between two");
  }
  Result<> arm_deed(const faults::Rule&, std::string, std::function<void(std::uint32_t)>) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so nothing can happen at one");
  }
  Result<> add_faults(const faults::Plan& plan, faults::Owner) override {
    if (plan.empty()) return {};
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so it cannot make one fail");
  }
  void clear_faults(faults::Owner) override {}
  std::vector<faults::Injection> injections() override { return {}; }
  void on_fault_kill(std::function<void(std::uint32_t)>) override {}
  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)>) override {}
  Result<> replace(node::Tree, const std::string&) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so it cannot know what a power cut would take away");
  }
  std::uint64_t operations() override { return 0; }
  oracles::Place place() override { return {"tmpfs", 0, {}, 0}; }
  Result<std::vector<node::Operation>> journal_after(std::uint64_t) override {
    return fail(ErrorCode::kUnavailable, "a tmpfs world does not see operations, so it has no journal");
  }

 private:
  std::unique_ptr<doors::TmpfsDoor> door_;
  std::uint64_t last_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Ground>> make_tmpfs_ground(GroundRequest request) { return TmpfsGround::open(std::move(request)); }

}  // namespace entryproof::runner
