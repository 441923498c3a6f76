#include "simulator/explore/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "simulator/explore/crash.h"

namespace entryproof::explore {
namespace {

using durability::Complaint;

constexpr std::array kPieces = {Piece::kKubeconfig, Piece::kConfiguration, Piece::kPlugin};

bool same_ill(const Condition& other, Piece piece, const std::string& path, const PlacedFile& ill) {
  const auto* there = other.find(piece, path);
  return there != nullptr && !there->good && there->content == ill.content;
}

bool good_at(const Condition& condition, Piece piece, const std::string& path) {
  const auto* there = condition.find(piece, path);
  return there != nullptr && there->good;
}

class StateJudge {
 public:
  StateJudge(const Condition& state, const Course& course, std::size_t acknowledged, mode_t kubeconfig_mode)
      : state_(state),
        course_(course),
        promised_(acknowledged == 0 || course.acknowledged.empty()
                      ? course.before
                      : course.acknowledged[std::min(acknowledged, course.acknowledged.size()) - 1]),
        since_(acknowledged == 0 ? "before" : "when the build said that everything is in place"),
        kubeconfig_mode_(kubeconfig_mode) {}

  std::vector<Complaint> judge() {
    whole();
    kept();
    in_order();
    modes();
    return std::move(complaints_);
  }

 private:
  void complain(std::string_view check, std::string what) { complaints_.push_back({std::string(check), std::move(what)}); }

  // What the build leaves broken also in peace is no matter of crashes.
  void whole() {
    for (const auto piece : kPieces) {
      for (const auto& [path, file] : state_.files(piece)) {
        const auto* end = course_.end.find(piece, path);
        if (file.good || same_ill(course_.before, piece, path, file) || (end != nullptr && !end->good)) continue;
        complain(crash_checks::kWhole, fmt::format("the {} {} is there and not whole: {}", to_string(piece), path, file.reason));
      }
    }
  }

  // What was there, and stays if nothing comes in between.
  void kept() {
    for (const auto piece : {Piece::kKubeconfig, Piece::kPlugin}) {
      for (const auto& [path, file] : promised_.files(piece)) {
        if (!file.good || !good_at(course_.end, piece, path) || state_.find(piece, path) != nullptr) continue;
        complain(crash_checks::kKept, fmt::format("the {} {} was there {}, and is gone", to_string(piece), path, since_));
        gone_.insert(path);
      }
    }
    constexpr auto kConfiguration = Piece::kConfiguration;
    if (promised_.has_good(kConfiguration) && course_.end.has_good(kConfiguration) && state_.configurations.empty()) {
      complain(crash_checks::kKept, fmt::format("a Multus configuration was there {}, and there is none", since_));
    }
  }

  void in_order() {
    for (const auto& [path, file] : state_.configurations) {
      if (!file.good) continue;
      const auto& kubeconfig = file.config->kubeconfig;
      const bool was_there = good_at(course_.before, Piece::kConfiguration, path);
      if (!gone_.contains(kubeconfig) && state_.find(Piece::kKubeconfig, kubeconfig) == nullptr &&
          good_at(course_.end, Piece::kKubeconfig, kubeconfig) &&
          (!was_there || course_.before.find(Piece::kKubeconfig, kubeconfig) != nullptr)) {
        complain(crash_checks::kOrder, fmt::format("the configuration {} names {}, which is not there", path, kubeconfig));
      }
      const bool plugin_gone = state_.plugins.empty() && course_.end.has_good(Piece::kPlugin);
      const bool charged = std::ranges::any_of(course_.end.plugins, [&](const auto& each) { return gone_.contains(each.first); });
      if (plugin_gone && !charged && (!was_there || !course_.before.plugins.empty())) {
        complain(crash_checks::kOrder, fmt::format("the configuration {} is there, and the plugin is not", path));
      }
    }
  }

  void modes() {
    for (const auto& [path, file] : state_.kubeconfigs) {
      const mode_t open = file.mode & 07777U & ~kubeconfig_mode_;
      const auto as_open = [&](const PlacedFile* other) { return other != nullptr && (open & ~other->mode) == 0; };
      const auto* before = course_.before.find(Piece::kKubeconfig, path);
      const bool old = before != nullptr && before->content == file.content && as_open(before);
      if (open == 0 || old || as_open(course_.end.find(Piece::kKubeconfig, path))) continue;
      complain(crash_checks::kMode, fmt::format("the kubeconfig {} has mode {:04o}", path, file.mode & 07777U));
    }
  }

  const Condition& state_;
  const Course& course_;
  const Condition& promised_;
  const std::string_view since_;
  const mode_t kubeconfig_mode_;
  std::set<std::string> gone_;
  std::vector<Complaint> complaints_;
};

// Whether all of them have it.
template <class Question>
bool all(const std::vector<Control>& controls, const Question& question) {
  return std::ranges::all_of(controls, [&](const Control& control) { return question(control.condition); });
}

std::string fault_of(const PlacedFile* file) {
  if (file == nullptr) return "is not there";
  if (!file->good) return "is not whole: " + file->reason;
  return "does not hold the node's credentials";
}

}  // namespace

std::vector<Complaint> judge_state(const Condition& state, const Course& course, std::size_t acknowledged, mode_t kubeconfig_mode) {
  return StateJudge(state, course, acknowledged, kubeconfig_mode).judge();
}

std::vector<Complaint> judge_recovery(const Condition& recovered, const Condition& before, const std::vector<Control>& controls,
                                      const std::string& with) {
  std::vector<Complaint> complaints;
  const auto complain = [&](std::string_view check, const std::string& what) {
    complaints.push_back({std::string(check), fmt::format("started again ({}): {}", with, what)});
  };
  for (const auto& [path, file] : controls.front().condition.kubeconfigs) {
    const auto holds = [&path](const Condition& each) {
      const auto* there = each.find(Piece::kKubeconfig, path);
      return there != nullptr && there->good && there->current;
    };
    if (all(controls, holds) && !holds(recovered)) {
      complain(crash_checks::kHeals, fmt::format("the kubeconfig {} {}", path, fault_of(recovered.find(Piece::kKubeconfig, path))));
    }
  }
  for (const auto& [path, file] : controls.front().condition.configurations) {
    const auto says = [&path, &file](const Condition& each) {
      const auto* there = each.find(Piece::kConfiguration, path);
      return there != nullptr && there->good && same_meaning(*there, file);
    };
    if (!file.good || !all(controls, says) || says(recovered)) continue;
    const auto* there = recovered.find(Piece::kConfiguration, path);
    const bool whole = there != nullptr && there->good;
    complain(crash_checks::kHeals, fmt::format("the configuration {} {}", path, whole ? "says something else" : fault_of(there)));
  }
  for (const auto piece : kPieces) {
    const auto has = [piece](const Condition& each) { return each.has_good(piece); };
    if (complaints.empty() && all(controls, has) && !has(recovered)) {
      complain(crash_checks::kHeals, fmt::format("there is no {} that could be used", to_string(piece)));
    }
    for (const auto& [path, file] : recovered.files(piece)) {
      const auto also = [&, piece](const Control& control) { return same_ill(control.condition, piece, path, file); };
      if (file.good || !complaints.empty() || std::ranges::any_of(controls, also) || same_ill(before, piece, path, file)) continue;
      complain(crash_checks::kHeals, fmt::format("the {} {} stays broken: {}", to_string(piece), path, file.reason));
    }
  }
  std::string litter;
  for (const auto& name : recovered.names) {
    const auto usual = [&](const Control& control) { return control.condition.names.contains(name); };
    if (!before.names.contains(name) && std::ranges::none_of(controls, usual)) litter += " " + name;
  }
  if (!litter.empty()) complain(crash_checks::kSwept, "this stays behind:" + litter);
  return complaints;
}

std::vector<Complaint> judge_life(const Lived& lived, const std::vector<Control>& controls, const std::string& with) {
  std::vector<Complaint> complaints;
  const bool usual = std::ranges::all_of(controls, &Control::acknowledged);
  if (usual && !lived.acknowledged) {
    complaints.push_back({std::string(crash_checks::kHeals), fmt::format("started again ({}): the build {}", with, lived.end())});
  }
  for (const auto& finding : lived.findings) {
    const auto also = [&](const Control& control) {
      return std::ranges::any_of(control.findings, [&](const auto& other) { return other.check == finding.check; });
    };
    if (std::ranges::any_of(controls, also)) continue;
    complaints.push_back(
        {std::string(crash_checks::kHeals), fmt::format("started again ({}): {}: {}", with, finding.check, finding.actual)});
  }
  return complaints;
}

}  // namespace entryproof::explore
