#include "simulator/explore/recording.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace entryproof::explore {
namespace {

using runner::Woke;

class RecordedWorld final : public runner::World {
 public:
  RecordedWorld(std::unique_ptr<World> world, Recording& recording) : world_(std::move(world)), recording_(recording) {}

  ~RecordedWorld() override {
    catch_up();
    if (auto tree = world_->look(); tree) leave(*tree);
  }

  bool offers(oracles::Need need) const override { return world_->offers(need); }
  const Clock& clock() const override { return world_->clock(); }

  Result<> start(const std::string& who, const runner::Start& start) override {
    if (start.actor == node::Actor::kBuild) {
      auto tree = world_->look();
      if (!tree) return std::unexpected(tree.error());
      leave(*tree);
      recording_.lives.push_back({start, std::move(*tree), catch_up()});
      if (std::ranges::find(builds_, who) == builds_.end()) builds_.push_back(who);
    }
    return world_->start(who, start);
  }

  runner::Life life(const std::string& who) override { return world_->life(who); }
  Result<> signal(const std::string& who, int number) override { return world_->signal(who, number); }
  Result<> kill(const std::string& who) override { return world_->kill(who); }
  Result<> arm_kill(std::uint64_t operation) override { return world_->arm_kill(operation); }
  Result<> change(const std::vector<cluster::Change>& changes) override { return world_->change(changes); }
  Result<> arm_change(faults::Rule moment, std::vector<cluster::Change> changes, std::function<void()> done) override {
    return world_->arm_change(std::move(moment), std::move(changes), std::move(done));
  }
  Result<> arm_signal(const faults::Rule& moment, int number) override { return world_->arm_signal(moment, number); }
  Result<> add_faults(const faults::Plan& plan, faults::Owner owner) override { return world_->add_faults(plan, owner); }
  void clear_faults(faults::Owner owner) override { world_->clear_faults(owner); }
  std::vector<faults::Injection> injections() override { return world_->injections(); }
  void on_power_cut(std::function<void(const faults::Rule&, const node::Operation&)> cut) override { world_->on_power_cut(std::move(cut)); }
  cluster::Experience ask(const cluster::ClientConfig& client) override { return world_->ask(client); }
  void cluster_changed() override { world_->cluster_changed(); }
  Result<> replace(node::Tree tree, const std::string& why) override {
    const std::uint64_t entry = catch_up();
    if (auto before = world_->look(); before) leave(*before);
    if (!recording_.lives.empty()) recording_.lives.back().until = std::min(recording_.lives.back().until, entry);
    return world_->replace(std::move(tree), why);
  }
  Result<> set_clock_forward(Duration by) override { return world_->set_clock_forward(by); }
  Result<node::Tree> look() override { return world_->look(); }
  std::uint64_t activity() override { return world_->activity(); }
  std::uint64_t operations() override { return world_->operations(); }
  oracles::Place place() override { return world_->place(); }
  Result<std::vector<node::Operation>> journal_after(std::uint64_t seq) override { return world_->journal_after(seq); }

  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest) override {
    const Woke woke = world_->pass(deadline, done, rest);
    if (!recording_.lives.empty() && (woke == Woke::kRest || ended_well())) acknowledge();
    return woke;
  }

 private:
  // Takes what is new in the journal; gives its last entry.
  std::uint64_t catch_up() {
    const std::uint64_t last = recording_.journal.empty() ? 0 : recording_.journal.back().seq;
    auto more = world_->journal_after(last);
    if (!more) {
      recording_.obstacle = more.error().line();
      return last;
    }
    std::ranges::move(*more, std::back_inserter(recording_.journal));
    return recording_.journal.empty() ? 0 : recording_.journal.back().seq;
  }

  // Whoever ended with another status, or by a signal, has promised nothing.
  bool ended_well() {
    return std::ranges::all_of(builds_, [this](const auto& who) {
      const auto life = world_->life(who);
      return !life.running && life.exit_code == 0;
    });
  }

  bool failed() {
    return std::ranges::any_of(builds_, [this](const auto& who) {
      const auto life = world_->life(who);
      return !life.running && life.exit_code != 0;
    });
  }

  void acknowledge() {
    auto& told = recording_.lives.back().acknowledged;
    const std::uint64_t entry = catch_up();
    if (failed() || cut_off() || (!told.empty() && told.back().after == entry)) return;
    if (auto tree = world_->look(); tree) told.push_back({entry, std::move(*tree)});
  }

  void leave(const node::Tree& tree) {
    if (!recording_.lives.empty() && !cut_off()) recording_.lives.back().after = tree;
  }
  bool cut_off() const { return recording_.lives.back().until != UINT64_MAX; }

  std::unique_ptr<World> world_;
  Recording& recording_;
  std::vector<std::string> builds_;  // the names under which the build was started
};

}  // namespace

std::vector<node::Operation> Recording::operations_of(std::size_t life) const {
  const std::uint64_t until = std::min(lives[life].until, life + 1 < lives.size() ? lives[life + 1].since : UINT64_MAX);
  std::vector<node::Operation> operations;
  std::ranges::copy_if(journal, std::back_inserter(operations),
                       [&](const auto& each) { return each.seq > lives[life].since && each.seq <= until; });
  return operations;
}

runner::WorldMaker recorded(runner::WorldMaker make, Recording& recording) {
  return [make = std::move(make), &recording](runner::WorldRequest request) -> Result<std::unique_ptr<runner::World>> {
    recording = {};
    recording.site = request.site;
    recording.seed = request.seed;
    auto world = make(std::move(request));
    if (!world) return world;
    return std::make_unique<RecordedWorld>(std::move(*world), recording);
  };
}

}  // namespace entryproof::explore
