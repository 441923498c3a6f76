#include "simulator/runner/judgement.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <utility>

#include "simulator/runner/access.h"
#include "simulator/runner/demands.h"

namespace entryproof::runner {

namespace {

using namespace std::chrono_literals;

constexpr Duration kEndWithin = 3s;
constexpr std::string_view kUrlCheck = "FRESH-18/url-form";
constexpr std::string_view kLimitsCheck = "LIFE-60/within-limits";

}  // namespace

void Judgement::look_for(const ExpectStep& step) {
  if (!play_.ledger.wanted(step.check)) return;
  const auto* check = play_.request.suite.catalogue.find_check(step.check);
  for (const auto need : check->needs) {
    if (!play_.world->offers(need)) {
      play_.ledger.not_tested(step.check, "this world does not offer " + std::string(to_string(need)));
      return;
    }
  }
  const bool remembers = step.quiet || !step.order.empty() || !step.gone_in_order.empty() || !step.at_most.empty() ||
                         (step.kubeconfig && step.kubeconfig->margin);
  if (remembers && !play_.world->offers(oracles::Need::kSeeEveryOperation)) {
    play_.ledger.not_tested(step.check, "this world does not see every operation");
    return;
  }
  if (step.descriptors && !play_.remembered_descriptors.contains(step.descriptors->since)) {
    play_.ledger.not_tested(step.check, "nobody may count the files that a program holds here");
    return;
  }
  std::optional<oracles::Mismatch> mismatch;
  const Woke woke = become_true(step, mismatch);
  if (woke == Woke::kLate || woke == Woke::kCancelled) {
    play_.ledger.error(step.check, woke == Woke::kLate ? "the machine was too busy: the harness overslept the deadline" : "interrupted");
    return;
  }
  if (mismatch && play_.out_of_time()) {
    play_.ledger.error(step.check, "the case ran into --timeout");  // its own time was not over: nothing may be concluded
    return;
  }
  if (!mismatch) mismatch = stay_true(step);
  if (mismatch && step.if_injected && play_.world->injections().empty()) mismatch.reset();
  if (!mismatch) return play_.ledger.pass(step.check);
  const auto owner = charged_to(step);
  violate({owner, mismatch->expected, mismatch->actual, {}});  // a state at a moment: no single operation made it
  if (owner != step.check) play_.ledger.not_tested(step.check, "because of what " + owner + " found");
}

void Judgement::violate(const oracles::Finding& finding) {
  play_.ledger.violate(finding);
  if (play_.request.onlooker == nullptr) return;
  if (const auto tree = play_.world->look()) play_.request.onlooker->on_finding(finding, *tree);
}

// Each fact is charged to one clause (clauses.md, "Charging"). For the clauses that are about what a good kubeconfig says, one that is
// missing or unusable is EXIST-01's business, unless all that is wrong is the URL's host, which is FRESH-18's; an old CA beside the newest
// token is FRESH-13's; and a configuration that delegates to Multus itself is CONF-30's, not one that lost the primary.
std::string Judgement::charged_to(const ExpectStep& step) {
  static constexpr std::array kAboutContent = {"FRESH-06/", "FRESH-08/", "FRESH-13/", "FRESH-18/", "SECURE-53/"};
  const auto tree = play_.world->look();
  if (!tree) return step.check;
  if (step.kubeconfig && !step.kubeconfig->path &&
      std::ranges::any_of(kAboutContent, [&](const char* c) { return step.check.starts_with(c); })) {
    const auto placed = oracles::attach(*tree, play_.layout, mode(), play_.judge.published(), play_.readers).kubeconfig;
    const auto* said = placed.facts.get();
    const bool host_refused = said != nullptr && said->whole && said->url.scheme.empty() && said->server.starts_with("https://");
    if (host_refused && step.check.starts_with("FRESH-18/")) return step.check;
    if (placed.state != oracles::PlacedKubeconfig::State::kValid)
      return play_.manual ? "EXIST-01/manual-fresh-node" : "EXIST-01/auto-fresh-node";
    const auto* current = facts().current();
    const bool about_token = step.check.starts_with("FRESH-06/") || step.check.starts_with("FRESH-08/");
    if (about_token && placed.facts->token == current->token) return "FRESH-13/current-after-start";
  }
  if (step.configuration && step.check.starts_with("CONF-35/")) {
    const auto published = oracles::published_configuration(*tree, play_.layout, mode(), play_.judge.published(), play_.readers);
    if (published.config && published.config->self_delegating) return "CONF-30/delegates-to-primary";
  }
  return step.check;
}

Woke Judgement::become_true(const ExpectStep& step, std::optional<oracles::Mismatch>& mismatch) {
  const auto met = [&] {
    mismatch = judge_now(step);
    return !mismatch;
  };
  if (!step.within) {
    met();
    return Woke::kDone;
  }
  const auto rest = play_.settled_start ? std::optional(kSettled) : std::nullopt;
  const Woke woke = play_.pass(play_.after(*step.within), met, rest);
  play_.deadline_missed = play_.deadline_missed || woke == Woke::kDeadline || woke == Woke::kLate;
  if (mismatch) mismatch->actual += woke == Woke::kRest ? " (the build is at rest)" : " (at the deadline)";
  return woke;
}

std::optional<oracles::Mismatch> Judgement::stay_true(const ExpectStep& step) {
  if (!step.hold_for) return std::nullopt;
  std::optional<oracles::Mismatch> mismatch;
  const std::uint64_t before = play_.world->operations();
  const bool quiet = step.quiet.value_or(false);
  play_.pass(*step.hold_for, [&] {
    mismatch = judge_now(step);
    if (!mismatch && quiet && play_.world->operations() != before) {
      mismatch = oracles::Mismatch{"no operation that changes anything", "the build made " + play_.world->place().path + " change"};
    }
    return mismatch.has_value();
  });
  return mismatch;
}

std::optional<oracles::Mismatch> Judgement::judge_now(const ExpectStep& step) {
  auto tree = play_.world->look();
  if (!tree) return oracles::Mismatch{"a node that can be looked at", tree.error().line()};
  const auto* check = play_.request.suite.catalogue.find_check(step.check);
  const Evidence evidence{{*tree, play_.layout, facts(), mode(), play_.judge.published(), play_.readers},
                          play_.site,
                          play_.remembered,
                          [this](const std::string& who) { return play_.world->life(who); },
                          [this] { return play_.outputs_of_builds(); },
                          play_.course.access(),
                          [this] { return play_.judge.arrivals(); },
                          [this] { return play_.judge.departures(); },
                          [this] { return play_.open_descriptors(); },
                          play_.remembered_descriptors,
                          play_.remembered_lines,
                          check != nullptr && check->profile > oracles::Profile::kCore};
  return judge(step, evidence);
}

const oracles::ClusterFacts& Judgement::facts() {
  const auto& generations = play_.course.credentials().account().generations();
  if (facts_.generations.size() != generations.size()) {
    facts_.generations.clear();
    for (const auto& generation : generations) facts_.generations.push_back({generation.id, generation.token, generation.ca_pem});
  }
  return facts_;
}

void Judgement::conclude_live() {
  if (!play_.judged) return;
  play_.rest(kEndWithin);  // what the build had begun when the last step was over belongs to the case, however fast the steps were
  play_.course.hear();
  std::vector<std::string> excess;
  for (const auto& who : play_.builds) {
    for (auto& what : play_.world->life(who).excess) excess.push_back(std::move(what));
  }
  {
    const std::lock_guard lock(play_.excess_mutex);
    excess.insert(excess.end(), play_.excess.begin(), play_.excess.end());
  }
  const auto tree = play_.world->look();
  auto findings = play_.judge.findings(tree ? *tree : node::Tree());
  if (const auto* access = play_.course.access()) {
    findings.insert(findings.end(), access->findings().begin(), access->findings().end());
  }
  auto checks = play_.request.suite.catalogue.live_checks();
  if (const auto* limits = play_.request.suite.catalogue.find_check(kLimitsCheck)) checks.push_back(limits);
  for (const auto* check : checks) {
    if (play_.course.access() == nullptr && Access::judges(check->id)) continue;  // nobody can be asked in this scenario
    if (const auto exception = play_.request.scenario.except.find(check->id); exception != play_.request.scenario.except.end()) {
      play_.ledger.not_tested(check->id, "excepted: " + exception->second);
      continue;
    }
    conclude_live(*check, findings, excess);
  }
}

void Judgement::conclude_live(const oracles::Check& check, const std::vector<oracles::Finding>& findings,
                              const std::vector<std::string>& excess) {
  if (check.id == kLimitsCheck) {
    for (const auto& what : excess) violate({check.id, "the build stays within its limits", what, play_.world->place()});
    if (excess.empty()) play_.ledger.pass(check.id);
    return;
  }
  if (!play_.world->offers(oracles::Need::kSeeEveryOperation)) {
    if (check.id == kUrlCheck) return conclude_url_at_rest();
    play_.ledger.not_tested(check.id, "this world does not see every operation");
    return;
  }
  const auto found = std::ranges::find_if(findings, [&](const auto& finding) { return finding.check == check.id; });
  if (found == findings.end()) {
    play_.ledger.pass(check.id);
    return;
  }
  auto finding = *found;
  if (finding.at) finding.at->world = to_string(play_.request.world);
  violate(finding);
}

// The form of the URL is as wrong at rest as it was when it was published: this one invariant needs no operations to be seen, where nobody
// but the build can have published it.
void Judgement::conclude_url_at_rest() {
  if (play_.started.size() > play_.builds.size())
    return play_.ledger.not_tested(kUrlCheck, "another program ran, too, and this world does not see which of them published");
  const auto tree = play_.world->look();
  if (!tree) return play_.ledger.error(kUrlCheck, tree.error().line());
  const auto placed = oracles::read_kubeconfig(*tree, play_.layout.kubeconfig, play_.readers.kubeconfig);
  if (placed.state == oracles::PlacedKubeconfig::State::kValid && !placed.facts->form_right()) {
    violate({std::string(kUrlCheck), "a host in brackets if and only if it is an IPv6 address",
             placed.facts->server + ": " + placed.facts->url.form_defect, play_.world->place()});
  } else {
    play_.ledger.pass(kUrlCheck);
  }
}

bool judged_everywhere(const oracles::Check& check) { return check.live || check.id == kLimitsCheck; }

}  // namespace entryproof::runner
