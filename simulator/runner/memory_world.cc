#include "simulator/runner/memory_world.h"

#include <utility>

#include "simulator/runner/engine.h"
#include "simulator/runner/memory_node.h"

namespace entryproof::runner {

namespace {

class MemoryWorld final : public World {
 public:
  explicit MemoryWorld(WorldRequest request)
      : control_(std::move(request.control)),
        cancelled_(request.cancelled),
        node_(std::move(request.site), request.seed, request.observer, request.journal) {
    node_.reset(std::move(request.image));
    node_.node().on_limit(std::move(request.on_excess));
  }

  bool offers(oracles::Need need) const override { return runner::offers(WorldKind::kMemory, need); }
  const Clock& clock() const override { return node_.clock(); }

  Result<> start(const std::string& who, const Start& start) override { return node_.start(who, start); }
  Life life(const std::string& who) override { return node_.life(who); }
  Result<std::size_t> open_descriptors(const std::string& who) override {
    const auto* program = node_.find(who);
    return program == nullptr ? 0 : program->open_descriptors();
  }
  Result<> signal(const std::string& who, int number) override { return node_.signal(who, number); }
  Result<> kill(const std::string& who) override { return node_.kill(who); }

  Result<> arm_kill(std::uint64_t operation) override {
    node_.arm_kill(operation);
    return {};
  }

  Result<> change(const std::vector<cluster::Change>& changes) override { return node_.change(changes); }

  Result<> arm_change(faults::Rule moment, std::vector<cluster::Change> changes, std::function<void()> done) override {
    moment.phase = faults::Phase::kAfter;
    node_.faults().at(moment, std::string(faults::kChangedBehind),
                      [this, changes = std::move(changes), done = std::move(done)](const node::Operation&) {
                        static_cast<void>(change(changes));
                        done();
                      });
    return {};
  }

  Result<> arm_signal(const faults::Rule& moment, int number) override {
    node_.arm_signal(moment, number);
    return {};
  }

  Result<> add_faults(const faults::Plan& plan, faults::Owner owner) override {
    node_.faults().add(plan, owner);
    return {};
  }
  void clear_faults(faults::Owner owner) override { node_.faults().clear(owner); }
  std::vector<faults::Injection> injections() override { return node_.faults().injections(); }
  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) override {
    node_.faults().on_power_cut(std::move(cut));
  }

  cluster::Experience ask(const cluster::ClientConfig& client) override { return cluster::attempt(client, *control_); }

  void cluster_changed() override {}  // what is asked is computed at that moment

  Result<> replace(node::Tree tree, const std::string& why) override {
    node_.node().replace_tree(std::move(tree), why);
    return {};
  }

  Result<> set_clock_forward(Duration by) override {
    node_.clock().set_wall_forward(by);
    return {};
  }

  Result<node::Tree> look() override { return node_.node().tree(); }
  std::uint64_t activity() override { return node_.activity(); }
  std::uint64_t operations() override { return place().op; }

  oracles::Place place() override {
    const auto& operations = node_.node().journal().operations();
    for (auto newest = operations.rbegin(); newest != operations.rend(); ++newest) {
      if (newest->actor == node::Actor::kBuild && newest->index != 0) return {"memory", newest->index, newest->path, newest->seq};
    }
    return {"memory", 0, {}, 0};
  }

  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override { return node_.node().journal().after(seq); }

  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) override {
    return node_.pass(deadline, done, rest, cancelled_);
  }

 private:
  std::shared_ptr<cluster::ControlPlane> control_;
  const std::atomic<bool>* cancelled_;
  MemoryNode node_;
};

}  // namespace

Result<std::unique_ptr<World>> make_memory_world(WorldRequest request) { return std::make_unique<MemoryWorld>(std::move(request)); }

}  // namespace entryproof::runner
