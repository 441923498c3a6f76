// What explorations must find, in memory: nothing in the reference, and in each mutant its defect, under the right label.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "simulator/explore/crash.h"
#include "simulator/explore/faults.h"
#include "simulator/explore/recording.h"
#include "simulator/oracles/kubeconfig.h"
#include "simulator/runner/case.h"
#include "simulator/runner/memory_world.h"

namespace entryproof::explore {
namespace {

using durability::Model;
using testing::HasSubstr;
using testing::IsEmpty;

const runner::Suite& suite() {
  static const runner::Suite loaded = [] {
    auto suite = runner::Suite::load(ENTRYPROOF_SOURCE_DIR "/scenarios");
    EXPECT_TRUE(suite) << suite.error().line();
    return suite ? std::move(*suite) : runner::Suite{};
  }();
  return loaded;
}

const runner::Scenario& scenario(const std::string& id) {
  const auto found = std::ranges::find(suite().scenarios, id, &runner::Scenario::id);
  EXPECT_NE(found, suite().scenarios.end()) << id;
  return *found;
}

// The reference's own code lives in this process: no program has to be built for it.
runner::Build build_of(const std::string& mutant) {
  if (mutant.empty()) return {"reference", "reference", {}, {}, {}};
  return {"mutant:" + mutant, "mutant:" + mutant, {}, mutant, {}};
}

CrashReport crashes(const std::string& id, const std::string& mutant, const CrashBounds& bounds = {}) {
  const auto build = build_of(mutant);
  runner::RunOptions options;
  options.profile = oracles::Profile::kDurable;
  const runner::CaseRequest request{suite(), scenario(id), build, options, runner::WorldKind::kMemory, 1, nullptr, nullptr};
  return explore_crashes(request, runner::make_memory_world, bounds);
}

std::string told(const CrashReport& report) {
  std::string text = report.obstacle;
  for (const auto& failure : report.failures) {
    text += "\n" + failure.cause.check + " [" + std::string(durability::to_string(failure.cause.label)) + "] " + failure.cause.what + "; " +
            failure.cause.words + " (" + failure.address + ")";
  }
  for (const auto& bound : report.bounds) text += "\nbounded: " + bound;
  return text;
}

TEST(Crashes, TheReferenceSurvivesAllOfThemInAllModels) {
  for (const auto& each : suite().scenarios) {
    if (!each.tags.contains("crash")) continue;
    const auto report = crashes(each.id, "");
    EXPECT_EQ(told(report), "") << each.id;
    EXPECT_GT(report.lives, 10U) << each.id;
    for (const auto& model : report.models) EXPECT_GT(model.distinct, 2U) << each.id << " " << durability::to_string(model.model);
  }
}

TEST(Crashes, TheReferenceSurvivesCrashesOfItsRecovery) {
  CrashBounds bounds;
  bounds.inputs = {Inputs::kSame};
  bounds.models = {Model::kKill, Model::kPosix};
  const auto once = crashes("crash/refresh", "", bounds);
  bounds.depth = 2;
  const auto twice = crashes("crash/refresh", "", bounds);
  EXPECT_EQ(told(twice), "");
  EXPECT_GT(twice.lives, once.lives);
}

TEST(Crashes, TheReferenceSurvivesAnyNumberOfThemOnLoggedFileSystems) {
  CrashBounds bounds;
  bounds.inputs = {Inputs::kSame};
  bounds.models = {Model::kKill, Model::kExt4};
  bounds.depth = 64;  // no new state appears long before
  const auto report = crashes("crash/fresh-auto", "", bounds);
  EXPECT_EQ(told(report), "");
  EXPECT_TRUE(report.complete());
}

struct Defect {
  std::string mutant;
  std::string scenario;
  std::string_view check;
  Model label;
  std::string words;  // in what is told of it

  friend void PrintTo(const Defect& defect, std::ostream* out) { *out << defect.mutant << " in " << defect.scenario; }
};

const std::vector<Defect>& defects() {
  using namespace crash_checks;
  static const std::vector<Defect> kDefects = {
      {"no-file-sync", "crash/fresh-auto", kWhole, Model::kExt4, "no fsync between them"},
      {"binary-not-synced", "crash/fresh-auto", kWhole, Model::kExt4, "no fsync between them"},
      {"close-error-ignored", "crash/fresh-auto", kWhole, Model::kExt4, "no fsync between them"},
      {"sync-after-rename", "crash/fresh-auto", kWhole, Model::kExt4, "before"},
      {"sync-of-another", "crash/fresh-auto", kWhole, Model::kExt4, "before"},
      {"no-directory-sync", "crash/fresh-auto", kKept, Model::kExt4, "no fsync of its directory"},
      {"parent-not-synced", "crash/fresh-auto", kOrder, Model::kPosix, "multus.d"},
      {"kubeconfig-in-place", "crash/restart", kWhole, Model::kKill, "multus.kubeconfig"},
      {"configuration-in-place", "crash/fresh-auto", kWhole, Model::kKill, "00-multus.conf"},
      {"binary-in-place", "crash/other-form", kWhole, Model::kKill, "/opt/cni/bin/multus"},
      {"temporary-not-emptied", "crash/fresh-auto", kHeals, Model::kKill, "shorter"},
      {"temporary-shared", "crash/fresh-auto", kHeals, Model::kKill, "shorter"},
      {"copied-across-volumes", "crash/restart", kWhole, Model::kKill, "multus.kubeconfig"},
      {"kubeconfig-unlinked-first", "crash/restart", kKept, Model::kKill, "multus.kubeconfig"},
      {"configuration-unlinked-first", "crash/restart", kKept, Model::kKill, "configuration"},
      {"sibling-removed-first", "crash/other-form", kKept, Model::kKill, "configuration"},
      {"configuration-before-kubeconfig", "crash/fresh-auto", kOrder, Model::kKill, "multus.kubeconfig"},
      {"configuration-before-binary", "crash/fresh-auto", kOrder, Model::kKill, "plugin"},
      {"mode-after-rename", "crash/fresh-auto", kMode, Model::kKill, "0644"},
      {"never-sweeps", "crash/fresh-auto", kSwept, Model::kKill, ".tmp"},
  };
  return kDefects;
}

class CrashDefects : public testing::TestWithParam<Defect> {};

TEST_P(CrashDefects, AreFoundUnderTheRightLabel) {
  const Defect& defect = GetParam();
  const auto report = crashes(defect.scenario, defect.mutant);
  const auto found = std::ranges::find(report.failures, defect.check, [](const auto& failure) { return failure.cause.check; });
  ASSERT_NE(found, report.failures.end()) << told(report);
  EXPECT_EQ(durability::to_string(found->cause.label), durability::to_string(defect.label)) << told(report);
  EXPECT_THAT(found->cause.what + "; " + found->cause.words, HasSubstr(defect.words)) << told(report);

  // Its address is all that is needed to see it again.
  CrashBounds only;
  only.only = found->address;
  const auto again = crashes(defect.scenario, defect.mutant, only);
  EXPECT_TRUE(std::ranges::any_of(again.failures, [&](const auto& failure) { return failure.cause.check == defect.check; }))
      << found->address << told(again);
}

INSTANTIATE_TEST_SUITE_P(Each, CrashDefects, testing::ValuesIn(defects()), [](const auto& each) {
  std::string name = each.param.mutant;
  std::ranges::replace(name, '-', '_');
  return name;
});

CrashReport faults(const std::string& id, const std::string& mutant, const FaultBounds& bounds = {}) {
  const auto build = build_of(mutant);
  runner::RunOptions options;
  options.profile = oracles::Profile::kDurable;
  const runner::CaseRequest request{suite(), scenario(id), build, options, runner::WorldKind::kMemory, 1, nullptr, nullptr};
  return explore_faults(request, runner::make_memory_world, bounds);
}

TEST(Faults, TheReferenceSurvivesAllOfThem) {
  const auto report = faults("faults/every-call", "");
  EXPECT_EQ(told(report), "");
  EXPECT_GT(report.lives, 480U);
}

TEST(Faults, PastTheirTimeTheyAreNoProof) {
  FaultBounds bounds;
  bounds.max_time = Duration(1);
  const auto report = faults("faults/every-call", "", bounds);
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(report.failures, IsEmpty());
}

struct FaultDefect {
  std::string mutant;
  std::string_view check;
  Model label;
  std::string words;  // in what is told of it

  friend void PrintTo(const FaultDefect& defect, std::ostream* out) { *out << defect.mutant; }
};

const std::vector<FaultDefect>& fault_defects() {
  using namespace fault_checks;
  static const std::vector<FaultDefect> kDefects = {
      {"short-writes-ignored", kNoWorse, Model::kKill, "half of it written"},
      {"write-errors-ignored", kNoWorse, Model::kKill, "with ENOSPC"},
      {"sync-errors-ignored", kWhole, Model::kExt4, "the fsync between them failed"},
      {"sync-tried-again", kWhole, Model::kExt4, "the fsync between them failed"},
      {"close-error-ignored", kClosed, Model::kKill, "renamed to"},
      {"gives-up-at-once", kNoFalseSuccess, Model::kKill, "ended with status 0"},
      {"gives-up-in-silence", kHeals, Model::kKill, "the fault is over"},
      {"temporary-left-on-failure", kSwept, Model::kKill, "stays behind"},
      {"blanks-on-a-failed-write", kNoWorse, Model::kKill, "is gone"},
      {"copies-when-rename-fails", kNoWorse, Model::kKill, "multus.kubeconfig"},
      {"tells-what-it-could-not-publish", kSilent, Model::kKill, "there is: "},
  };
  return kDefects;
}

class FaultDefects : public testing::TestWithParam<FaultDefect> {};

TEST_P(FaultDefects, AreFoundUnderTheRightLabel) {
  const FaultDefect& defect = GetParam();
  FaultBounds bounds;
  bounds.models = {Model::kKill, Model::kExt4};
  const auto report = faults("faults/every-call", defect.mutant, bounds);
  const auto found = std::ranges::find(report.failures, defect.check, [](const auto& failure) { return failure.cause.check; });
  ASSERT_NE(found, report.failures.end()) << told(report);
  EXPECT_EQ(durability::to_string(found->cause.label), durability::to_string(defect.label)) << told(report);
  EXPECT_TRUE(std::ranges::any_of(report.failures, [&](const auto& failure) {
    return failure.cause.check == defect.check && failure.cause.what.contains(defect.words);
  })) << told(report);

  // Its rule is all that is needed to see it again.
  bounds.only = found->address;
  const auto again = faults("faults/every-call", defect.mutant, bounds);
  EXPECT_TRUE(std::ranges::any_of(again.failures, [&](const auto& failure) { return failure.cause.check == defect.check; }))
      << found->address << told(again);
}

INSTANTIATE_TEST_SUITE_P(Each, FaultDefects, testing::ValuesIn(fault_defects()), [](const auto& each) {
  std::string name = each.param.mutant;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(Crashes, PastTheirTimeTheyAreNoProof) {
  CrashBounds bounds;
  bounds.max_time = Duration(1);
  const auto report = crashes("crash/fresh-auto", "", bounds);
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(report.failures, IsEmpty());
}

TEST(Addresses, SayWhatTheyWereMadeOf) {
  const CrashAddress address{1,
                             {{Model::kPosix, 17, {{14, {}}, {15, {0, 2, 3, 4}}}, Inputs::kSame}, {Model::kExt4, 9, {}, Inputs::kShorter}}};
  EXPECT_EQ(to_string(address), "1/posix@17-14,15:0+2..4/shorter/ext4@9");
  const auto read = parse_address(to_string(address));
  ASSERT_TRUE(read) << read.error().line();
  EXPECT_EQ(to_string(*read), to_string(address));
  for (const char* wrong :
       {"", "0", "x/posix@1", "0/ntfs@1", "0/posix@", "0/posix@1-", "0/posix@1/same", "0/posix@1/odd/posix@2",
        "0/posix@99999999999999999999", "0//", "0/posix@1-2:", "0/posix@1-2:3..", "0/posix@1-2:3..1", "0/posix@1-2:0..4294967295"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
}

TEST(Addresses, OfFaultsSayWhatTheyWereMadeOf) {
  for (const char* right : {"0 write ** nth=3 errno=ENOSPC", "1 fsync ** nth=1 errno=EIO sticky", "0 write ** nth=2 short=512"}) {
    const auto read = parse_fault(right);
    ASSERT_TRUE(read) << read.error().line();
    EXPECT_EQ(to_string(*read), right);
  }
  for (const char* wrong :
       {"", "0", "0 ", "x write ** errno=EIO", "-1 write ** errno=EIO", "0write ** errno=EIO", "0 write ** errno=ENOSYS"}) {
    EXPECT_FALSE(parse_fault(wrong)) << wrong;
  }
}

// Leftovers of a crash bite only if what comes is shorter, or of another form.
TEST(Inputs, ChangeWhatTheySay) {
  const auto build = build_of("");
  runner::RunOptions options;
  Recording recording;
  const runner::CaseRequest request{suite(), scenario("crash/fresh-auto"), build, options, runner::WorldKind::kMemory, 1, nullptr, nullptr};
  runner::play_case(request, recorded(runner::make_memory_world, recording));
  ASSERT_EQ(recording.lives.size(), 1U);
  const auto size_of = [&](const node::Tree& tree, const std::string& path) {
    const auto inode = node::View().resolve(tree, {}, path);
    return inode ? tree.attributes(*inode)->size : 0;
  };
  const auto& before = recording.lives.front().before;
  const std::string primary = recording.site.net_dir + "/10-flannel.conflist";
  const std::string token = recording.site.service_account + "/token";
  const std::string authority = recording.site.service_account + "/ca.crt";
  for (const auto inputs : kAllInputs) {
    auto tree = before;
    auto start = recording.lives.front().start;
    ASSERT_TRUE(apply(inputs, recording.site, tree, start));
    const auto grows = [&](const std::string& path) {
      return static_cast<long>(size_of(tree, path)) - static_cast<long>(size_of(before, path));
    };
    if (inputs == Inputs::kShorter) {
      EXPECT_LT(grows(primary), 0);
      EXPECT_LT(grows(token), 0);
    } else if (inputs == Inputs::kLonger) {
      EXPECT_GT(grows(primary), 0);
      EXPECT_GT(grows(authority), 0);
    } else if (inputs == Inputs::kOtherVersion) {
      EXPECT_THAT(start.arguments, testing::Contains("--cni-version=1.0.0"));
    } else {
      EXPECT_EQ(grows(primary) + grows(token) + grows(authority), 0);
    }
  }
}

}  // namespace
}  // namespace entryproof::explore
