#include "simulator/runner/lint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "simulator/runner/scenario_loader.h"
#include "simulator/runner/suite_files.h"

namespace entryproof::runner {
namespace {

constexpr std::array<std::string_view, 4> kPredecessors{"predecessor:3.9.3", "predecessor:4.0.2", "predecessor:4.2.2", "predecessor:4.3.0"};

// Walks through a case and collects what cannot be meant.
class Walk {
 public:
  Walk(const Scenario& scenario, const Suite& suite) : scenario_(scenario), suite_(suite) {}

  std::vector<Error> problems() {
    fixture(scenario_.given.primary, "/given/primary");
    for (const auto& [path, object] : scenario_.given.tree) made_of(object, json_pointer("/given/tree", path) + "/fixture");
    for (const auto& [check, reason] : scenario_.except) excepted(check);
    for (const Step& step : scenario_.steps) {
      if (const auto* start = std::get_if<StartStep>(&step.action)) started_.insert(start->as);
    }
    for (const Step& step : scenario_.steps) {
      at_ = &step;
      std::visit([&](const auto& action) { look(action); }, step.action);
    }
    at_ = nullptr;
    if (scenario_.checks().empty()) say("/steps", "nothing is expected: a scenario without \"expect\" judges nothing");
    return std::move(problems_);
  }

 private:
  // `pointer` goes on from the step that is looked at, if there is one.
  void say(const std::string& pointer, const std::string& message) {
    const std::string whole = at_ == nullptr ? pointer : at_->pointer + pointer;
    const auto row = scenario_.id.find('#');
    const std::string context = row == std::string::npos ? "" : fmt::format("row \"{}\": ", scenario_.id.substr(row + 1));
    problems_.push_back({ErrorCode::kInvalidInput, context + message, scenario_.source ? scenario_.source->where(whole) : scenario_.file});
  }

  void fixture(const std::string& name, const std::string& pointer) {
    if (name.empty() || suite_.fixtures.contains(name)) return;
    std::vector<std::string> names;
    for (const auto& [known, unused] : suite_.fixtures) names.push_back(known);
    say(pointer, fmt::format("there is no fixture \"{}\"; there are: {}", name, fmt::join(names, ", ")));
  }

  void made_of(const Object& object, const std::string& pointer) {
    if (object.kind == Object::Kind::kFixture) fixture(object.content, pointer);
  }

  void excepted(const std::string& id) {
    const oracles::Check* check = suite_.catalogue.find_check(id);
    if (check == nullptr) {
      say(json_pointer("/except", id), fmt::format("there is no check {}", id));
    } else if (!check->live) {
      say(json_pointer("/except", id), fmt::format("{} is no live check; leave out its \"expect\" instead", id));
    }
  }

  void program(const std::string& name) {
    if (!running_.contains(name)) say("", fmt::format("nothing has been started as \"{}\" here", name));
  }

  void state(const std::optional<std::string>& name) {
    if (name && !remembered_.contains(*name)) say("/expect/tree", fmt::format("nothing has been remembered as \"{}\" here", *name));
  }

  void look(const StartStep& step) {
    if (step.what.starts_with("predecessor:") && std::ranges::find(kPredecessors, step.what) == kPredecessors.end()) {
      say("", fmt::format("no such predecessor: {}; there are: {}", step.what, fmt::join(kPredecessors, ", ")));
    }
    running_.insert(step.as);
  }
  void needs_cluster(const std::string& pointer) {
    if (!scenario_.given.cluster) say(pointer, "there is no API server here: write \"cluster\": {} under \"given\"");
  }

  void look(const ClusterStep&) { needs_cluster("/cluster"); }
  void look(const ProjectStep& step) {
    if (!scenario_.given.projected.contains(step.path))
      say("/project", fmt::format("no volume is projected at {} under \"given\"", step.path));
    for (const auto& [name, object] : step.files) made_of(object, json_pointer("/files", name) + "/fixture");
  }
  void look(const PutStep& step) { made_of(step.object, "/fixture"); }
  void look(const SignalStep& step) {
    if (!step.at) program(step.who);
  }
  void look(const KillStep& step) {
    // Armed before a start it waits for, so that the name may come later.
    if (step.at_operation ? started_.contains(step.who) : running_.contains(step.who)) return;
    say("", fmt::format("nothing {} started as \"{}\"", step.at_operation ? "is ever" : "has been", step.who));
  }
  void look(const StopStep& step) { program(step.who); }
  void look(const RebootStep&) { running_.clear(); }
  void look(const PowerCutStep&) { running_.clear(); }
  void look(const RememberStep& step) {
    if (!remembered_.insert(step.name).second) say("", fmt::format("\"{}\" is remembered already", step.name));
  }
  void look(const ExpectStep& step) {
    const oracles::Check* check = suite_.catalogue.find_check(step.check);
    if (check == nullptr) {
      say("/expect/check", fmt::format("there is no check {}{}", step.check, near(step.check)));
    } else if (check->live) {
      say("/expect/check", fmt::format("{} is judged in every scenario; it cannot be expected at a step", step.check));
    }
    if (step.exit) program(step.exit->who);
    if (step.kubeconfig && (step.kubeconfig->margin || asks_the_cluster(step.kubeconfig->state))) needs_cluster("/expect/kubeconfig");
    for (const auto& [key, growth] : {std::pair("descriptors", &step.descriptors), std::pair("lines", &step.lines)}) {
      if (*growth && !remembered_.contains((*growth)->since))
        say(fmt::format("/expect/{}", key), fmt::format("nothing has been remembered as \"{}\" here", (*growth)->since));
    }
    for (const auto& [path, matcher] : step.tree) {
      state(matcher.same_since);
      state(matcher.unchanged_since);
      state(matcher.same_names_since);
    }
  }
  template <class Other>
  void look(const Other&) {}

  static bool asks_the_cluster(const std::string& state) {
    return state == "authenticates" || state == "unauthorized" || state == "refused";
  }

  // The checks of the same clause, for a message.
  std::string near(const std::string& id) const {
    const oracles::Clause* clause = suite_.catalogue.find_clause(id.substr(0, id.find('/')));
    if (clause == nullptr || clause->checks.empty()) return "";
    std::vector<std::string> ids;
    for (const oracles::Check& check : clause->checks) ids.push_back(check.id);
    return fmt::format("; the clause has: {}", fmt::join(ids, ", "));
  }

  const Scenario& scenario_;
  const Suite& suite_;
  const Step* at_ = nullptr;
  std::set<std::string> started_;     // anywhere in the steps
  std::set<std::string> running_;     // up to here
  std::set<std::string> remembered_;  // up to here
  std::vector<Error> problems_;
};

}  // namespace

std::vector<Error> lint_scenario(const Scenario& scenario, const Suite& suite) { return Walk(scenario, suite).problems(); }

Result<LintReport> lint(const std::string& suite_directory, const std::vector<std::string>& paths) {
  Suite suite;
  if (auto loaded = load_catalogue_and_fixtures(suite_directory, suite); !loaded) return std::unexpected(loaded.error());
  std::vector<ScenarioFile> files;
  for (const std::string& path : paths.empty() ? std::vector{suite_directory} : paths) {
    Result<std::vector<ScenarioFile>> found = find_scenario_files(path, suite_directory);
    if (!found) return std::unexpected(found.error());
    files.insert(files.end(), found->begin(), found->end());
  }
  LintReport report;
  for (const ScenarioFile& file : files) {
    ++report.files;
    const Result<std::vector<Scenario>> cases = load_scenario(file.path, file.id);
    if (!cases) {
      report.problems.push_back(cases.error());
      continue;
    }
    for (const Scenario& scenario : *cases) {
      ++report.cases;
      std::ranges::move(lint_scenario(scenario, suite), std::back_inserter(report.problems));
    }
  }
  return report;
}

}  // namespace entryproof::runner
