#include "simulator/audit/upgrade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "simulator/oracles/attach.h"
#include "simulator/oracles/host.h"
#include "simulator/runner/demands.h"
#include "simulator/runner/play.h"
#include "simulator/runner/steps.h"

namespace entryproof::audit {
namespace {

using namespace std::chrono_literals;
using What = runner::RotateStep::What;

// What was seen, and how good that is; only values of one kind are compared.
struct Seen {
  std::string text;
  int good = 0;
};

constexpr std::array kKinds{"kubeconfig", "attach", "containerd", "CRI-O", "new token", "an hour", "restart", "exit on TERM", "files"};
using Sight = std::array<Seen, kKinds.size()>;

class Upgrade {
 public:
  Upgrade(const UpgradeRequest& request, const runner::WorldMaker& make_world)
      : request_(request),
        scenario_(scenario_of(request.staged)),
        case_request_{request.suite,        scenario_,     request.to,
                      request.options,      request.world, runner::case_seed(request.options.seed, scenario_.id),
                      &request.interrupted, nullptr},
        play_(case_request_),
        steps_(play_),
        make_world_(make_world) {}

  Result<std::vector<Notice>> run() {
    if (auto opened = play_.open(make_world_); !opened) return std::unexpected(opened.error());
    const auto before = live(request_.from, "old");
    if (!before) return std::unexpected(before.error());
    if (auto done = rotate(What::kBoth); !done) return std::unexpected(done.error());
    const auto after = live(request_.to, "build");
    if (!after) return std::unexpected(after.error());
    std::vector<Notice> notices;
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      const Seen& one = before->at(i);
      const Seen& other = after->at(i);
      if (!one.text.empty() || !other.text.empty()) notices.push_back({kKinds[i], one.text, other.text, other.good < one.good});
    }
    return notices;
  }

 private:
  static runner::Scenario scenario_of(const Staged& staged) {
    runner::Scenario scenario;
    scenario.id = staged.manual ? "upgrade/manual" : "upgrade/automatic";
    scenario.given = staged.given;
    return scenario;
  }

  template <class Action>
  Result<> perform(Action action) {
    if (request_.interrupted.load()) return fail(ErrorCode::kUnavailable, "interrupted");
    auto done = steps_.perform(runner::Step{std::move(action), "", 0});
    if (done && !play_.obstacle.empty()) return fail(ErrorCode::kIo, play_.obstacle);
    return done;
  }

  Result<> rotate(What what) {
    runner::RotateStep step;
    step.what = what;
    return perform(step);
  }

  Result<> start(const runner::Build& build, const std::string& who) {
    runner::StartStep step;
    step.what = who == "build" ? "build" : build.spec;
    step.as = who;
    step.args = request_.staged.arguments;
    const auto versioned = [](const std::string& argument) { return argument.starts_with("--cni-version"); };
    const bool needs_version = build.spec == "predecessor:3.9.3" && !request_.staged.manual;  // its manifests all had it
    if (needs_version && std::ranges::none_of(step.args, versioned)) step.args.emplace_back("--cni-version=0.3.1");
    if (auto done = perform(step); !done) return done;
    until_current(2s);
    play_.rest(2s);
    return {};
  }

  // One build's life, from its start to its end.
  Result<Sight> live(const runner::Build& build, const std::string& who) {
    Sight sight;
    if (auto done = start(build, who); !done) return std::unexpected(done.error());
    auto looked = look();
    if (!looked) return std::unexpected(looked.error());
    std::copy_n(looked->begin(), 4, sight.begin());
    if (auto done = see_renewal(sight, who); !done) return std::unexpected(done.error());
    if (auto done = see_restart(sight, build, who); !done) return std::unexpected(done.error());
    if (auto done = see_end(sight, who); !done) return std::unexpected(done.error());
    const auto tree = play_.world->look();
    if (!tree) return std::unexpected(tree.error());
    sight[8].text = files_of(*tree);
    return sight;
  }

  Result<> see_renewal(Sight& sight, const std::string& who) {
    constexpr Duration kPatience = 6s;
    const auto next_is_published = [&]() -> Result<bool> {
      if (auto done = rotate(What::kToken); !done) return std::unexpected(done.error());
      return until_current(kPatience);
    };
    const auto renewed = next_is_published();
    if (!renewed) return std::unexpected(renewed.error());
    sight[4] = {*renewed             ? "is published"
                : play_.running(who) ? "is not published in 6 s"
                                     : "is not published: the build has ended",
                *renewed ? 1 : 0};
    // Of a real hour there are its rotations only: kubelet renews a token of an hour after 48 minutes, so that twice is more than it has.
    const bool is_virtual = play_.world->clock().is_virtual();
    if (is_virtual) {
      if (auto done = perform(runner::WaitStep{std::chrono::hours(1)}); !done) return done;
    }
    const auto later = *renewed || is_virtual ? next_is_published() : Result<bool>(false);
    if (!later) return std::unexpected(later.error());
    sight[5] = {*later ? "the token after that is published, too" : "nothing newer is published; the old token expires", *later ? 1 : 0};
    return {};
  }

  Result<> see_restart(Sight& sight, const runner::Build& build, const std::string& who) {
    if (auto done = perform(runner::StopStep{who}); !done) return done;
    if (auto done = rotate(What::kBoth); !done) return done;
    if (auto done = start(build, who); !done) return done;
    const auto again = look();
    if (!again) return std::unexpected(again.error());
    const Seen& kubeconfig = again->at(0);
    const Seen& containerd = again->at(2);
    const bool same = containerd.good == 2;
    sight[6] = {fmt::format("kubeconfig {}{}", kubeconfig.text, same ? "" : "; containerd: " + containerd.text),
                kubeconfig.good * 10 + containerd.good};
    return {};
  }

  Result<> see_end(Sight& sight, const std::string& who) {
    const bool ended_before = !play_.running(who);
    if (auto done = perform(runner::StopStep{who}); !done) return done;
    const runner::Life life = play_.world->life(who);
    if (ended_before) {
      sight[7] = {fmt::format("had ended by itself ({})", runner::describe(life)), 0};
    } else if (life.exit_code) {
      sight[7] = {fmt::format("exit {}", *life.exit_code), *life.exit_code == 0 ? 3 : 2};
    } else {
      sight[7] = {"killed after a second", 1};
    }
    return {};
  }

  // --- looking ---

  oracles::ClusterFacts facts() const {
    oracles::ClusterFacts facts;
    for (const auto& generation : play_.course.credentials().account().generations()) {
      facts.generations.push_back({generation.id, generation.token, generation.ca_pem});
    }
    return facts;
  }

  oracles::Attachment attachment(const node::Tree& tree) {
    // In manual mode the file is meant that the user gave, wherever it sorts.
    const std::string hint = request_.staged.manual ? request_.staged.manual_name : std::string();
    return oracles::attach(tree, play_.layout, request_.staged.manual ? oracles::Mode::kManual : oracles::Mode::kAutomatic, hint,
                           play_.readers);
  }

  Seen see_kubeconfig(const oracles::Attachment& attachment) const {
    using State = oracles::PlacedKubeconfig::State;
    const auto& placed = attachment.kubeconfig;
    if (placed.state == State::kAbsent) return {"is not there", 0};
    if (placed.state == State::kInvalid) return {"is there and no good: " + placed.reason, 0};
    const auto standing = oracles::standing(*placed.facts, facts());
    if (standing == oracles::Standing::kCurrent) return {fmt::format("is there and current, mode {:04o}", placed.mode), 2};
    return {standing == oracles::Standing::kStale ? "is there with an old token"
                                                  : fmt::format("is there, and its credentials are {}", to_string(standing)),
            1};
  }

  static Seen see_selection(const oracles::RuntimeSelection& selection) {
    if (!selection.ready()) return {"loads nothing: " + selection.not_ready, 0};
    if (!selection.config->own()) return {fmt::format("loads {}, without Multus", selection.file), 1};
    if (selection.config->self_delegating) return {fmt::format("loads {}, which delegates to itself", selection.file), 1};
    return {fmt::format("loads {}", selection.file), 2};
  }

  Result<std::array<Seen, 4>> look() {
    const auto tree = play_.world->look();
    if (!tree) return std::unexpected(tree.error());
    const auto found = attachment(*tree);
    const Seen kubeconfig = see_kubeconfig(found);
    Seen attach{found.possible() ? "is possible" : "fails: " + found.obstacle, found.possible() ? 2 : 0};
    if (found.possible() && kubeconfig.good < 2) attach = {"works until the old token expires", 1};
    return std::array{kubeconfig, attach, see_selection(oracles::containerd_selection(*tree, play_.layout.net_dir, play_.readers.cni)),
                      see_selection(oracles::crio_selection(*tree, play_.layout.net_dir, play_.layout.bin_dir, play_.readers.cni))};
  }

  bool until_current(Duration patience) {
    const auto current = [this] {
      const auto tree = play_.world->look();
      return tree && see_kubeconfig(attachment(*tree)).good == 2;
    };
    play_.pass(patience, current);
    return current();
  }

  std::string files_of(const node::Tree& tree) const {
    std::string text;
    for (const std::string& directory : {play_.layout.net_dir, oracles::join(play_.layout.net_dir, "multus.d"), play_.layout.bin_dir}) {
      const auto inode = oracles::resolve_on_host(tree, directory);
      const auto entries = inode ? tree.list(*inode) : node::refuse(2);
      if (!entries) continue;
      for (const auto& entry : *entries) {
        if (entry.type != node::FileType::kDirectory) text += (text.empty() ? "" : ", ") + entry.name;
      }
    }
    return text.empty() ? "none" : text;
  }

  const UpgradeRequest& request_;
  const runner::Scenario scenario_;
  const runner::CaseRequest case_request_;
  runner::Play play_;
  runner::Steps steps_;
  const runner::WorldMaker& make_world_;
};

}  // namespace

Result<std::vector<Notice>> play_upgrade(const UpgradeRequest& request, const runner::WorldMaker& make_world) {
  return Upgrade(request, make_world).run();
}

Staged usual_deployment(bool manual) {
  Staged staged;
  staged.title = manual ? "manual mode, the usual Pod" : "automatic mode, the usual Pod";
  staged.manual = manual;
  staged.given.primary = "flannel";
  staged.plugin = "/host/opt/cni/bin/multus";
  if (!manual) {
    staged.arguments = {"--multus-conf-file=auto"};
    return staged;
  }
  staged.manual_name = "00-multus.conf";
  staged.arguments = {"--multus-conf-file=/tmp/multus-conf/00-multus.conf"};
  runner::Object file;
  file.content =
      R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig",)"
      R"("delegates":[{"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel","delegate":{"isDefaultGateway":true}}]}]})"
      "\n";
  staged.given.projected["/tmp/multus-conf"]["00-multus.conf"] = std::move(file);
  return staged;
}

}  // namespace entryproof::audit
