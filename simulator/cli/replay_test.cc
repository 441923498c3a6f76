// `entryproof replay` through the program: what it shows, and how it ends.
#include <gmock/gmock.h>

#include <tuple>

#include "simulator/cli/program_for_test.h"
#include "simulator/reports/jsonl.h"

namespace entryproof::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A stored run, and replays of it.
class Replays : public testing::Test {
 protected:
  std::string stored(std::vector<std::string> arguments) {
    std::vector<std::string> argv = {program("entryproof"), "run", "-q", "--report", "jsonl:" + file_};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    EXPECT_EQ(run_program(argv).exit_code, 1);
    return file_ + "#1";
  }
  static Ended replay(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program("entryproof"), "replay"});
    return run_program(arguments);
  }

  const ScratchDirectory scratch_;
  const std::string file_ = scratch_.path() + "/run.jsonl";
};

TEST_F(Replays, AFindingIsReproducedFromItsAddressWithWhatTheBuildLeftUndone) {
  const auto finding = stored({"--world", "memory", "--build", "mutant:no-kubeconfig-in-manual", "manual/fresh-node#seventy"});
  const auto shown = replay({finding});
  EXPECT_EQ(shown.exit_code, 1) << shown.err;
  EXPECT_THAT(shown.out, AllOf(StartsWith("EXIST-01/manual-fresh-node in manual/fresh-node#seventy on mutant:no-kubeconfig-in-manual"),
                               HasSubstr("reproduced (1 try"), HasSubstr("\n+ /etc/cni/net.d/70-multus.conf  file 0")));
  EXPECT_THAT(shown.out, Not(HasSubstr("multus.kubeconfig  file")));

  const auto repaired = replay({finding, "--build", "reference"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.out << repaired.err;
  EXPECT_THAT(repaired.out, HasSubstr("not reproduced"));
}

TEST_F(Replays, TheStoredReplayCommandIsAReplay) {
  stored({"--world", "memory", "--build", "mutant:kubeconfig-in-place", "restart/credentials#auto-both"});
  const auto run = reports::load_jsonl(file_);
  ASSERT_TRUE(run) << run.error().line();
  const auto* first = reports::finding(*run, 1);
  ASSERT_NE(first, nullptr);
  const auto shown = run_program({"sh", "-c", first->replay});
  EXPECT_EQ(shown.exit_code, 1) << first->replay << "\n" << shown.err;
  EXPECT_THAT(shown.out, StartsWith(first->check));
}

TEST_F(Replays, CrashStatesAndFailingCallsAreReplayedFromTheirAddresses) {
  const auto explored = [&](const std::string& what, const std::string& mutant, const std::string& scenario) {
    const auto ended = run_program({program("entryproof"), "explore", what, "-q", "--report", "jsonl:" + file_, "--world", "memory",
                                    "--model", "ext4", "--build", "mutant:" + mutant, scenario});
    EXPECT_EQ(ended.exit_code, 1) << ended.err;
    return file_ + "#1";
  };
  for (const auto& [what, mutant, scenario] :
       {std::tuple("crash", "no-file-sync", "crash/fresh-auto"), std::tuple("faults", "sync-tried-again", "faults/every-call")}) {
    const auto finding = explored(what, mutant, scenario);
    const auto shown = replay({finding});
    EXPECT_EQ(shown.exit_code, 1) << shown.err;
    EXPECT_THAT(shown.out, AllOf(HasSubstr(": reproduced (1 try"), HasSubstr("\nactual    ext4: "))) << what;
    EXPECT_THAT(shown.out, Not(HasSubstr("eyJ")));
    const auto repaired = replay({finding, "--build", "reference"});
    EXPECT_NE(repaired.exit_code, 1) << repaired.out << repaired.err;
  }
}

// As processes, through FUSE: what earlier versions do wrong comes out by itself.
TEST_F(Replays, KillsShowWhatThePredecessorsDoAndAreReplayed) {
  for (const auto& [version, check, words] :
       {std::tuple("3.9.3", "ATOM-22/whole-after-a-crash", "create of multus.kubeconfig and its write must be one step"),
        std::tuple("4.0.2", "ATOM-22/swept-after-a-crash", "this stays behind: /opt/cni/bin/_multus")}) {
    const auto explored =
        run_program({program("entryproof"), "explore", "crash", "-q", "--report", "jsonl:" + file_, "--world", "fuse", "--model", "kill",
                     "--inputs", "same", "--build", std::string("predecessor:") + version, "crash/fresh-auto"});
    EXPECT_EQ(explored.exit_code, 1) << explored.err;
    const auto run = reports::load_jsonl(file_);
    ASSERT_TRUE(run) << run.error().line();
    const auto* first = reports::finding(*run, 1);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->check, check);
    EXPECT_THAT(first->actual, HasSubstr(words));
    const auto replayed = replay({file_ + "#1"});
    // The names of 4.0.2's temporaries are random, and so is the journal's order of looking at them.
    EXPECT_NE(replayed.exit_code, version == std::string_view("3.9.3") ? 0 : 2) << first->replay << replayed.err;
  }
}

TEST_F(Replays, TheOperationIsNamedAndTheTreeIsShownBeforeAndAfterItWithoutATokenInEveryWorldThatSeesIt) {
  for (const std::string world : {"memory", "fuse"}) {
    const auto finding = stored({"--world", world, "--build", "mutant:kubeconfig-in-place", "restart/credentials#auto-both"});
    const auto shown = replay({finding});
    EXPECT_EQ(shown.exit_code, 1) << shown.err;
    EXPECT_THAT(shown.out, AllOf(StartsWith("ATOM-23/kubeconfig-never-partial"), HasSubstr("the node before and after \""),
                                 HasSubstr("~ /etc/cni/net.d/multus.d/multus.kubeconfig  file"), HasSubstr("(" + world + ", journal")));
    EXPECT_THAT(shown.out, Not(HasSubstr("eyJ")));
  }
}

TEST_F(Replays, AShellSeesTheNodeAtThatOperationFromInsideTheContainer) {
  const auto finding = stored({"--world", "memory", "--build", "mutant:no-kubeconfig-in-manual", "manual/fresh-node#seventy"});
  const auto one = replay({finding, "--shell", "-c", "cd /host/etc/cni/net.d && ls && touch x && test -e x && echo changed"});
  EXPECT_EQ(one.exit_code, 1) << one.err;
  EXPECT_THAT(one.out, AllOf(HasSubstr("\n70-multus.conf\n"), HasSubstr("changed\n")));
  const auto lines =
      run_program({"sh", "-c", "printf 'cd /host/etc/cni\\npwd\\n' | " + program("entryproof") + " replay '" + finding + "' --shell"});
  EXPECT_EQ(lines.exit_code, 1) << lines.err;
  EXPECT_THAT(lines.out, HasSubstr("/host/etc/cni\n"));
}

TEST_F(Replays, WhatCannotBePlayedIsTwo) {
  const auto finding = stored({"--world", "memory", "--build", "mutant:kubeconfig-in-place", "restart/credentials#auto-both"});
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{file_ + "#0"}, "no #0"},
      {{file_ + "#999"}, "no #999"},
      {{"no/such"}, "no/such"},
      {{"manual/fresh-node"}, "means"},
      {{finding, "--build", "/nowhere"}, "/nowhere"},
      {{finding, "--world", "tmpfs", "--tries", "1"}, "does not see every operation"},
      {{"manual/fresh-node#seventy", "-c", "ls"}, "--shell"},
  };
  for (const auto& [arguments, because] : wrong) {
    const auto ended = replay(arguments);
    EXPECT_EQ(ended.exit_code, 2) << because << ended.out;
    EXPECT_EQ(ended.out, "") << because;
    EXPECT_THAT(ended.err, HasSubstr(because));
  }
}

TEST_F(Replays, AFindingOfAStrangerNeedsItsOwnArguments) {
  const auto build = scratch_.write("build", "#!/bin/sh\nexec \"$REAL\" \"$@\"\n", 0755);
  const auto finding = stored({"--world", "fuse", "--build", build, "--env", "REAL=/bin/true", "manual/fresh-node#seventy"});
  EXPECT_EQ(replay({finding}).exit_code, 1);
}

}  // namespace
}  // namespace entryproof::cli
