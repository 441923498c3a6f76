#include "simulator/explore/odd_search.h"

#include <algorithm>
#include <memory>
#include <set>
#include <thread>

#include "simulator/explore/odd_behaviour.h"
#include "simulator/explore/odd_grammar.h"
#include "simulator/explore/odd_shrink.h"
#include "simulator/explore/stall.h"
#include "simulator/oracles/redact.h"
#include "simulator/runner/memory_world.h"
#include "simulator/runner/process_world.h"
#include "simulator/runner/scenario_loader.h"

namespace entryproof::explore {

namespace {

constexpr std::size_t kBatch = 128;
constexpr std::size_t kMostKept = 400;    // inputs of one part that are varied further
constexpr std::size_t kMostOfCheck = 3;   // findings of one check: the tenth says what the first did
constexpr unsigned kMostShrinking = 400;  // runs that one finding may take
constexpr unsigned kWorldsPerCore = 6;    // stalls are mostly waiting for rest

// A self-signed authority, and a token in the form of a service account's; nobody issued either.
constexpr const char* kCa =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBgTCCASegAwIBAgIUIxTQwPlKZf4P5tvprb8veLt59TswCgYIKoZIzj0EAwIw\n"
    "FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjMxNjE1MDVaGA8yMTI2MTAz\n"
    "MDE2MTUwNVowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG\n"
    "SM49AwEHA0IABOPsGyt7MpEUCHG5XEHTsEgtJwR09k76iM16uOKds5q/OafqD3tL\n"
    "kvrFLZ+BOuf44d7CCr1g50r/ICq4WmWdynejUzBRMB0GA1UdDgQWBBQjTlXs3OeH\n"
    "0BODufSp24KFpdmWXzAfBgNVHSMEGDAWgBQjTlXs3OeH0BODufSp24KFpdmWXzAP\n"
    "BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCCkbfXfUH4WZeavkqC\n"
    "jPeEM7i9ZHiWVNuIAg+CC9ypzgIgA36ZiyJ74b+C6wPfutD1XZRTCwBFNSO5mccp\n"
    "HTUDyWg=\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kToken =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6Im9kZCJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6a3ViZS1zeXN0ZW06bXVsdHVzIiwiZXhwIjo0MTAyNDQ0ODAwfQ."
    "b2RkLWlucHV0cy1hcmUtbm90LXNpZ25lZA-b2RkLWlucHV0cy1hcmUtbm90LXNpZ25lZA";

struct Failure {
  std::string check;
  std::string expected;
  std::string actual;

  // What tells one finding from another: not its figures and names.
  std::string kind() const {
    const auto colon = actual.find(": ");
    return check + "|" + message_class(colon == std::string::npos ? actual : actual.substr(colon + 2));
  }
};

struct RunSeen {
  std::vector<Failure> failures;
  std::string behaviour;
  std::string trouble;  // why nothing could be judged; empty: it was
  bool said = true;     // false: no scenario can say this input
};

std::string one_line(std::string_view text) { return oracles::printable(text, 240); }

class Search {
 public:
  Search(const runner::Suite& suite, const runner::Build& build, const OddSearchOptions& options, OddListener& listener,
         const std::atomic<bool>& interrupted)
      : suite_(suite), build_(build), options_(options), listener_(listener), interrupted_(interrupted) {
    run_options_.profile = oracles::Profile::kProduction;
    run_options_.with = options.with;
    run_options_.extra_args = options.extra_args;
    run_options_.extra_environment = options.extra_environment;
    for (const auto& [name, fixture] : suite.fixtures)
      (fixture.filename.ends_with(".conflist") ? material_.lists : material_.singles).push_back(fixture.bytes);
    if (material_.singles.empty()) material_.singles.push_back(R"({"cniVersion":"0.3.1","name":"n","type":"bridge"})");
    if (material_.lists.empty()) material_.lists.push_back(R"({"cniVersion":"0.3.1","name":"n","plugins":[{"type":"bridge"}]})");
    material_.token = kToken;
    material_.ca = kCa;
    parts_ = options.parts;
    for (std::size_t i = 0; parts_.empty() || (options.parts.empty() && i < kOddParts); ++i) parts_.push_back(static_cast<OddPart>(i));
  }

  Result<> open() {
    if (options_.world == runner::WorldKind::kMemory) {
      fast_ = sure_ = runner::make_memory_world;
      return {};
    }
    auto entered = subjects::Harness::enter();
    if (!entered) return std::unexpected(entered.error());
    harness_ = std::move(*entered);
    machine_ = std::make_unique<runner::Machine>(*harness_);
    stalls_ = std::make_unique<Stalls>(*machine_, build_, options_.with);
    fast_ = stalls_->maker();
    sure_ = [this](runner::WorldRequest request) {
      return runner::make_process_world(*machine_, runner::GroundKind::kFuse, std::move(request));
    };
    return {};
  }

  Result<OddSearchResult> search() {
    const RealClock clock;
    const Moment end = clock.now() + options_.max_time;
    while (!interrupted_.load() && clock.now() < end && (!options_.runs || result_.runs < *options_.runs)) {
      const auto batch = next_batch();
      const Moment begun = clock.now();
      const auto seen = play(batch);
      result_.seconds += std::chrono::duration<double>(clock.now() - begun).count();
      if (interrupted_.load()) break;  // half a batch says nothing that could be said again
      if (std::ranges::all_of(seen, [](const RunSeen& run) { return !run.trouble.empty(); }))
        return fail(ErrorCode::kUnavailable, "no run could be judged: " + seen.front().trouble);
      for (std::size_t i = 0; i < batch.size(); ++i) learn(batch[i], seen[i], result_.runs + i + 1);
      result_.runs += batch.size();
      result_.behaviours = behaviours_.size();
      listener_.on_progress(result_);
    }
    return std::move(result_);
  }

 private:
  std::vector<OddInput> next_batch() {
    std::vector<OddInput> batch;
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::uint64_t number = result_.runs + i;
      std::seed_seq mixed{static_cast<std::uint32_t>(options_.seed), static_cast<std::uint32_t>(options_.seed >> 32U),
                          static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32U)};
      std::mt19937_64 random(mixed);
      const auto part = parts_[number % parts_.size()];
      OddGrammar grammar(material_, random());
      const auto& kept = kept_[part];
      const bool varies = !kept.empty() && random() % 2 == 0;
      batch.push_back(varies ? grammar.vary(kept[random() % kept.size()]) : grammar.make(part));
    }
    return batch;
  }

  std::vector<RunSeen> play(const std::vector<OddInput>& batch) {
    std::vector<RunSeen> seen(batch.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < batch.size() && !interrupted_.load(); i = next++) seen[i] = run(batch[i], fast_);
    };
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned usual = options_.world == runner::WorldKind::kMemory ? cores : cores * kWorldsPerCore;
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < std::min<std::size_t>(options_.jobs != 0 ? options_.jobs : usual, batch.size()); ++i)
      workers.emplace_back(work);
    for (auto& worker : workers) worker.join();
    return seen;
  }

  RunSeen run(const OddInput& input, const runner::WorldMaker& make_world) const {
    RunSeen seen;
    const auto text = to_scenario(input, "An odd input", "Made by entryproof fuzz.");
    const auto scenarios = text ? runner::parse_scenario(*text, "odd.json", "odd") : std::unexpected(text.error());
    if (!scenarios || scenarios->empty()) {
      seen.said = false;
      return seen;
    }
    OddBehaviour behaviour;
    const auto played = runner::play_case(
        {suite_, scenarios->front(), build_, run_options_, options_.world, options_.seed, &interrupted_, &behaviour}, make_world);
    seen.behaviour = behaviour.text();
    bool judged = false;
    for (const auto& check : played.record.checks) {
      if (check.status == oracles::Status::kFail) seen.failures.push_back({check.check, check.expected, check.actual});
      if (check.status == oracles::Status::kError && seen.trouble.empty()) seen.trouble = check.actual;
      judged = judged || check.status == oracles::Status::kPass || check.status == oracles::Status::kFail;
    }
    if (judged) seen.trouble.clear();
    return seen;
  }

  void learn(const OddInput& input, const RunSeen& seen, std::uint64_t number) {
    if (!seen.said || !seen.trouble.empty()) return;
    if (behaviours_.insert(seen.behaviour).second && kept_[input.part].size() < kMostKept) kept_[input.part].push_back(input);
    for (const auto& failure : seen.failures) {
      if (known_.contains(failure.kind()) || found_[failure.check] >= kMostOfCheck) continue;
      investigate(input, failure.check, number);
    }
  }

  std::optional<Failure> shows(const OddInput& input, const std::string& check, const runner::WorldMaker& make_world) const {
    const auto seen = run(input, make_world);
    const auto found = std::ranges::find(seen.failures, check, &Failure::check);
    return found == seen.failures.end() ? std::nullopt : std::optional(*found);
  }

  void investigate(const OddInput& input, const std::string& check, std::uint64_t number) {
    auto failure = shows(input, check, sure_);
    if (!failure) {
      ++result_.unconfirmed;
      if (stalls_) stalls_->be_patient();
      return;
    }
    if (!known_.insert(failure->kind()).second) return;
    const auto still = [&](const OddInput& other) { return !interrupted_.load() && shows(other, check, fast_).has_value(); };
    OddInput least = shrink(input, still, kMostShrinking);
    if (const auto again = shows(least, check, sure_)) {
      failure = again;
      known_.insert(again->kind());
    } else {
      least = input;
    }
    ++found_[check];
    const auto why = "Found by entryproof fuzz --seed " + std::to_string(options_.seed) + ", run " + std::to_string(number) + ", against " +
                     one_line(build_.name) + ": expected " + one_line(failure->expected) + "; saw " + one_line(failure->actual) + ".";
    const auto text = to_scenario(least, "Found: " + check + " by " + std::string(to_string(least.part)), why);
    if (!text) return;
    result_.findings.push_back({check, failure->expected, failure->actual, number, least, *text});
    listener_.on_finding(result_.findings.back());
  }

  const runner::Suite& suite_;
  const runner::Build& build_;
  const OddSearchOptions& options_;
  OddListener& listener_;
  const std::atomic<bool>& interrupted_;
  runner::RunOptions run_options_;
  OddMaterial material_;
  std::vector<OddPart> parts_;
  std::unique_ptr<subjects::Harness> harness_;
  std::unique_ptr<runner::Machine> machine_;
  std::unique_ptr<Stalls> stalls_;
  runner::WorldMaker fast_;
  runner::WorldMaker sure_;
  std::map<OddPart, std::vector<OddInput>> kept_;
  std::set<std::string> behaviours_;
  std::set<std::string> known_;  // kinds of failures
  std::map<std::string, std::size_t> found_;
  OddSearchResult result_;
};

}  // namespace

Result<OddSearchResult> search_odd_inputs(const runner::Suite& suite, const runner::Build& build, const OddSearchOptions& options,
                                          OddListener& listener, const std::atomic<bool>& interrupted) {
  if (options.world == runner::WorldKind::kTmpfs) return fail(ErrorCode::kUsage, "a tmpfs world sees too little for this; use fuse");
  if (options.world == runner::WorldKind::kMemory && !build.in_process())
    return fail(ErrorCode::kUsage, "a memory world runs the reference and its mutants only; use --world fuse for \"" + build.spec + "\"");
  Search search(suite, build, options, listener, interrupted);
  if (auto opened = search.open(); !opened) return std::unexpected(opened.error());
  return search.search();
}

}  // namespace entryproof::explore
