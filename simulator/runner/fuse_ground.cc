#include <mutex>
#include <utility>

#include "simulator/doors/fuse_door.h"
#include "simulator/faults/engine.h"
#include "simulator/runner/ground.h"

namespace entryproof::runner {

namespace {

class FuseGround final : public Ground {
 public:
  explicit FuseGround(GroundRequest request)
      : node_(std::move(request.image), request.clock), engine_(node_), asks_at_close_(request.asks_at_close) {
    node_.set_observer(request.observer);
    node_.set_gate(&engine_);
    node_.on_limit(std::move(request.on_excess));
  }

  Result<> open(subjects::Harness& harness, const Clock& clock, int processor) {
    auto directory = harness.make_directory("node");
    if (!directory) return std::unexpected(directory.error());
    directory_ = std::move(*directory);
    doors::FuseDoor::Options options;
    options.world_pid = harness.agent().pid();
    options.processor = processor;
    options.asks_at_close = asks_at_close_;
    auto door = doors::FuseDoor::mount(node_, clock, directory_, options);
    if (!door) return std::unexpected(door.error());
    door_ = std::move(*door);
    return {};
  }

  const std::string& mount_point() const override { return directory_; }
  bool sees_every_operation() const override { return true; }

  Result<node::Tree> look() override {
    const std::lock_guard lock(door_->mutex());
    return node_.tree();
  }

  std::uint64_t changes() override {
    const std::lock_guard lock(door_->mutex());
    return node_.tree().generation();
  }

  bool quiet() override { return !door_->busy(); }

  void set_actor(node::Actor actor, std::uint32_t session) override {
    {
      const std::lock_guard lock(door_->mutex());
      node_.unseal(actor);
    }
    door_->set_actor(actor, session);
  }

  void set_living(const std::vector<Living>& others) override {
    std::vector<doors::FuseDoor::Other> told;
    told.reserve(others.size());
    for (const auto& other : others) told.push_back({other.init, other.actor, other.session});
    door_->set_others(told);
  }

  void seal(node::Actor actor, std::uint32_t session) override {
    const std::lock_guard lock(door_->mutex());
    node_.seal(actor, session);
  }

  Result<> arm_kill(std::uint32_t session, std::uint64_t operation, std::function<void()> kill) override {
    const std::lock_guard lock(door_->mutex());
    engine_.kill_at(session, operation, std::move(kill));
    return {};
  }

  Result<> change_directly(const std::vector<cluster::Change>& changes) override {
    const std::lock_guard lock(door_->mutex());
    const auto done = cluster::apply(node_, node::Caller{}, node::kRoot, changes);
    if (!done) return fail_errno("change", "the node", static_cast<int>(done.error()));
    return {};
  }

  Result<> arm_change(const faults::Rule& moment, std::vector<cluster::Change> changes, std::function<void()> done) override {
    const std::lock_guard lock(door_->mutex());
    engine_.at(moment, std::string(faults::kChangedBehind),
               [this, changes = std::move(changes), done = std::move(done)](const node::Operation&) {  // the door's mutex is held
                 static_cast<void>(cluster::apply(node_, node::Caller{}, node::kRoot, changes));
                 done();
               });
    return {};
  }

  Result<> arm_deed(const faults::Rule& moment, std::string what, std::function<void(std::uint32_t)> deed) override {
    const std::lock_guard lock(door_->mutex());
    engine_.at(moment, std::move(what), [deed = std::move(deed)](const node::Operation& operation) { deed(operation.session); });
    return {};
  }

  Result<> add_faults(const faults::Plan& plan, faults::Owner owner) override {
    const std::lock_guard lock(door_->mutex());
    engine_.add(plan, owner);
    return {};
  }

  void clear_faults(faults::Owner owner) override {
    const std::lock_guard lock(door_->mutex());
    engine_.clear(owner);
  }

  std::vector<faults::Injection> injections() override {
    const std::lock_guard lock(door_->mutex());
    return engine_.injections();
  }

  void on_fault_kill(std::function<void(std::uint32_t)> kill) override {
    const std::lock_guard lock(door_->mutex());
    engine_.on_kill([kill = std::move(kill)](node::Actor, std::uint32_t session) { kill(session); });
  }

  Result<> replace(node::Tree tree, const std::string& why) override {
    const std::lock_guard lock(door_->mutex());
    node_.replace_tree(std::move(tree), why);
    return {};
  }

  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) override {
    const std::lock_guard lock(door_->mutex());
    engine_.on_power_cut(std::move(cut));
  }

  std::uint64_t operations() override { return place().op; }

  oracles::Place place() override {
    const std::lock_guard lock(door_->mutex());
    const auto& operations = node_.journal().operations();
    for (auto newest = operations.rbegin(); newest != operations.rend(); ++newest) {
      if (newest->actor == node::Actor::kBuild && newest->index != 0) return {"fuse", newest->index, newest->path, newest->seq};
    }
    return {"fuse", 0, {}, 0};
  }

  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override {
    const std::lock_guard lock(door_->mutex());
    return node_.journal().after(seq);
  }

 private:
  node::Node node_;
  faults::Engine engine_;
  const bool asks_at_close_;
  std::string directory_;
  std::unique_ptr<doors::FuseDoor> door_;  // goes before the node it serves
};

}  // namespace

Result<std::unique_ptr<Ground>> make_fuse_ground(GroundRequest request) {
  auto& harness = request.harness;
  const auto& clock = request.clock;
  const int processor = request.processor;
  auto ground = std::make_unique<FuseGround>(std::move(request));
  if (auto opened = ground->open(harness, clock, processor); !opened) return std::unexpected(opened.error());
  return ground;
}

}  // namespace entryproof::runner
