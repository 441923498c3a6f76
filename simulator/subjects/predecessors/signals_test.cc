// Facts about signals: what ends a release, with which code, as PID 1 and not, and what it leaves.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

constexpr const char* kCleanup = "--cleanup-config-on-exit=true";
constexpr bool kFirstProcess = true;

Start automatically(const std::string& version, std::vector<std::string> flags = {}, bool first = false) {
  return {.version = version, .flags = automatic(version, flags), .first_process = first};
}

Start by_hand(const std::string& version, std::vector<std::string> flags = {}, bool first = false) {
  return {.version = version, .flags = manual(flags), .first_process = first};
}

std::function<void(Pod&)> send(int number) {
  return [=](Pod& pod) { pod.process().signal(number); };
}

std::function<bool(Pod&)> ended(int code) {
  return [=](Pod& pod) { return pod.process().exit_code() == code; };
}

bool still_running(Pod& pod) { return pod.process().running(); }

Story ends_with(int code, int number, const Start& start, const std::function<bool(Pod&)>& left = {}) {
  const auto holds = [=](Pod& pod) { return ended(code)(pod) && (!left || left(pod)); };
  return {"signal " + std::to_string(number), start, {{send(number), Step::Wait::kBecomes, holds}}};
}

Story goes_on(int number, const Start& start) {
  return {"signal " + std::to_string(number), start, {{send(number), Step::Wait::kStays, still_running}}};
}

bool conf_kept(Pod& pod) { return pod.exists(kConf); }
bool manual_copy_kept(Pod& pod) { return pod.exists(kManualCopy); }

bool all_but_the_conf_kept(Pod& pod) {
  return !pod.exists(kConf) && !pod.exists(kConflist) && pod.exists(kKubeconfig) && pod.exists("/host/opt/cni/bin/multus");
}

bool manual_copy_removed(Pod& pod) { return !pod.exists(kManualCopy) && pod.exists(kKubeconfig); }

TEST(Signals, EndAtOnce) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories = {
      ends_with(143, SIGTERM, automatically("4.0.2"), conf_kept),
      ends_with(143, SIGTERM, by_hand("4.0.2"), manual_copy_kept),
      ends_with(2, SIGTERM, automatically("4.0.2", {}, kFirstProcess), conf_kept),
      ends_with(2, SIGTERM, by_hand("4.0.2", {}, kFirstProcess), manual_copy_kept),
      ends_with(2, SIGTERM, by_hand("4.0.2", {kCleanup}, kFirstProcess), manual_copy_kept),
      ends_with(2, SIGTERM, automatically("4.0.2", {kCleanup}, kFirstProcess), conf_kept),
      ends_with(2, SIGINT, automatically("4.0.2", {}, kFirstProcess), conf_kept),
      ends_with(2, SIGHUP, automatically("4.0.2", {}, kFirstProcess), conf_kept),
      ends_with(0, SIGTERM, automatically("3.9.3", {kCleanup}, kFirstProcess), conf_kept),
  };
  for (const char* version : {"4.1.4", "4.3.0"}) {
    for (const bool first : {false, true}) {
      stories.push_back(ends_with(0, SIGTERM, automatically(version, {}, first), conf_kept));
      stories.push_back(ends_with(0, SIGTERM, by_hand(version, {}, first), manual_copy_kept));
      stories.push_back(ends_with(0, SIGTERM, automatically(version, {kCleanup}, first), all_but_the_conf_kept));
      stories.push_back(ends_with(0, SIGTERM, by_hand(version, {kCleanup}, first), manual_copy_removed));
    }
    stories.push_back(ends_with(0, SIGINT, automatically(version, {kCleanup}, kFirstProcess), all_but_the_conf_kept));
    stories.push_back(ends_with(2, SIGHUP, automatically(version, {kCleanup}, kFirstProcess), conf_kept));
  }
  play(stories);
}

TEST(Signals, AreNotHeardBySleepingShell) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories = {goes_on(SIGTERM, automatically("3.9.3")), goes_on(SIGTERM, by_hand("3.9.3")),
                                goes_on(SIGTERM, by_hand("3.9.3", {kCleanup}, kFirstProcess))};
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
    stories.push_back(goes_on(number, automatically("3.9.3", {}, kFirstProcess)));
    stories.push_back(goes_on(number, by_hand("3.9.3", {}, kFirstProcess)));
  }
  play(stories);
}

// Clean-up removes a list that this instance never wrote; a second signal before the next turn leaves everything.
TEST(Signals, CleanUpInWatchMode) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  const Start start = automatically("4.3.0", {kCleanup}, kFirstProcess);
  const auto foreign_list = [](Pod& pod) {
    pod.put(kConflist, "{}");
    pod.process().signal(SIGTERM);
  };
  const auto just_after_a_turn = [](Pod& pod) { return pod.said("changed - recreating kubeconfig"); };
  const auto twice = [](Pod& pod) {
    pod.process().signal(SIGTERM);
    pod.process().signal(SIGINT);  // a second TERM could merge with the first
  };
  play({{"foreign list",
         start,
         {{foreign_list, Step::Wait::kBecomes, [](Pod& pod) { return ended(0)(pod) && all_but_the_conf_kept(pod); }}}},
        {"twice",
         start,
         {{[](Pod& pod) { pod.rotate("tok-BBB", "CA-AAA\n"); }, Step::Wait::kBecomes, just_after_a_turn},
          {twice, Step::Wait::kBecomes, [](Pod& pod) { return ended(1)(pod) && conf_kept(pod); }}}}});
}

TEST(Signals, OverlappingInstances) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  const Start start = automatically("4.3.0", {kCleanup});
  const auto second = std::make_shared<std::unique_ptr<Process>>();
  const auto start_second = [=](Pod& pod) { *second = pod.start(start); };
  const auto second_runs = [=](Pod&) { return (*second)->out().find("Entering watch loop...") != std::string::npos; };
  play({{"overlap",
         start,
         {{start_second, Step::Wait::kBecomes, second_runs},
          {send(SIGTERM), Step::Wait::kBecomes, [](Pod& pod) { return ended(0)(pod) && all_but_the_conf_kept(pod); }},
          {{}, Step::Wait::kStays, [=](Pod& pod) { return (*second)->running() && !pod.exists(kConf); }}}}});
  second->reset();
}

// The binary is a pipe that nobody ends, so the copy is still at it when the signal comes.
TEST(Signals, DuringTheCopy) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  for (const char* version : {"4.0.2", "4.1.4", "4.3.0"}) {
    Pod pod;
    const std::string binary = "/usr/src/multus-cni/bin/multus";
    pod.remove(binary);
    ASSERT_EQ(::mkfifo(pod.outside(binary).c_str(), 0755), 0);
    const int writer = ::open(pod.outside(binary).c_str(), O_RDWR | O_CLOEXEC);
    pod.put(kConf, "old");
    const auto process = pod.start(automatically(version, {kCleanup}));
    EXPECT_TRUE(eventually([&] { return pod.count(kBinDir, "_multus") == 1; }));
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait(), 143);
    EXPECT_EQ(pod.count(kBinDir, "_multus"), 1U);
    EXPECT_EQ(pod.read(kConf), "old");
    ::close(writer);
  }
}

}  // namespace
}  // namespace entryproof::subjects::predecessor
