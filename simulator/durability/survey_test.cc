// Labels, causes in words, bounds, and the picking of one state.
#include "simulator/durability/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/durability/pick.h"
#include "simulator/durability/play_test_support.h"

namespace entryproof::durability {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

const Lines kFresh = {"mkdir /d", "mkdir /d/s"};
const Lines kOld = {"mkdir /d", "mkdir /d/s", "create /d/conf", "write /d/conf old"};

Program compile(const Play& play, Lines watched = {"/d"}) { return Program::compile(play.trace(), watched).value(); }

// conf must be old or new whenever it is there, there if it was there at first or once anything was told, and not without kube if that has
// any part in the story.
std::vector<Complaint> sound(const node::Tree& tree, bool always, bool kube, std::size_t told) {
  std::vector<Complaint> complaints;
  const std::string conf = look(tree, "/d/conf");
  if (conf == "-" && (always || told > 0)) complaints.push_back({"conf/there", "it is missing"});
  if (conf != "-" && conf != "old" && conf != "new") complaints.push_back({"conf/valid", "it holds \"" + conf + "\""});
  if (kube && conf == "new" && look(tree, "/d/s/kube") != "k") complaints.push_back({"kube/first", "conf is there without it"});
  return complaints;
}

struct Asked {
  Survey survey;
  std::size_t judged = 0;
};

Asked ask(const Lines& image, const Lines& program, bool kube = false) {
  const Play play(image, program);
  Asked asked;
  asked.survey = survey(compile(play), kModels, [&](const CrashState& state) {
    ++asked.judged;
    return sound(state.tree(), image == kOld, kube, state.acknowledged);
  });
  return asked;
}

// "label: words" of every cause.
Lines causes(const Lines& image, const Lines& program, bool kube = false) {
  Lines lines;
  for (const Cause& cause : ask(image, program, kube).survey.causes)
    lines.push_back(std::string(to_string(cause.label)) + ": " + cause.words);
  return lines;
}

TEST(Causes, WhatIsDoneWithCareHasNone) {
  EXPECT_THAT(causes(kOld, {"create /d/t", "write /d/t new", "fsync /d/t", "rename /d/t /d/conf", "fsync /d", "told done"}), IsEmpty());
  EXPECT_THAT(causes(kFresh, {"create /d/t", "write /d/t new", "fsync /d/t", "rename /d/t /d/conf", "fsync /d", "told done"}), IsEmpty());
}

TEST(Causes, NoFsyncOfTheFile) {
  EXPECT_THAT(causes(kOld, {"create /d/t", "write /d/t new", "rename /d/t /d/conf"}),
              ElementsAre("xfs: write of t must be durable before its rename; no fsync between them"));
  EXPECT_THAT(causes(kFresh, {"create /d/t", "write /d/t new", "rename /d/t /d/conf"}),
              ElementsAre("ext4: write of t must be durable before its rename; no fsync between them"));
}

TEST(Causes, FsyncOfAnotherFile) {
  Lines image = kOld;
  image.emplace_back("create /d/other");
  EXPECT_THAT(causes(kFresh, {"create /d/t", "write /d/t new", "fsync /d/s", "rename /d/t /d/conf"}),
              ElementsAre("ext4: write of t must be durable before its rename; no fsync of it between them"));
}

TEST(Causes, FsyncAfterTheRename) {
  EXPECT_THAT(causes(kFresh, {"create /d/t", "write /d/t new", "rename /d/t /d/conf", "fsync /d/t", "fsync /d", "told done"}),
              ElementsAre("ext4: write of t must be durable before its rename; no fsync between them"));
}

TEST(Causes, NoFsyncOfTheDirectoryAtTheFirstInstall) {
  EXPECT_THAT(causes(kFresh, {"create /d/t", "write /d/t new", "fsync /d/t", "rename /d/t /d/conf", "told created"}),
              ElementsAre("ext4: rename of t to conf must be durable before \"created\"; no fsync of its directory between them"));
  EXPECT_THAT(causes(kOld, {"create /d/t", "write /d/t new", "fsync /d/t", "rename /d/t /d/conf", "told created"}), IsEmpty())
      << "old or new are both right";
}

TEST(Causes, ConfigurationBeforeKubeconfigAcrossDirectories) {
  const Lines program = {"create /d/s/t", "write /d/s/t k", "fsync /d/s/t", "rename /d/s/t /d/s/kube",
                         "create /d/t",   "write /d/t new", "fsync /d/t",   "rename /d/t /d/conf"};
  EXPECT_THAT(causes(kFresh, program, true),
              ElementsAre("posix: rename of t to kube must be durable before rename of t to conf; no fsync of its directory between them"));
}

TEST(Causes, TruncateInPlaceNeedsNoPowerCut) {
  EXPECT_THAT(causes(kOld, {"empty /d/conf", "write /d/conf new", "fsync /d/conf"}),
              ElementsAre("kill: truncate of conf and its write must be one step; a kill between them is enough"));
}

TEST(Causes, UnlinkBeforeRename) {
  EXPECT_THAT(causes(kOld, {"create /d/t", "write /d/t new", "fsync /d/t", "unlink /d/conf", "rename /d/t /d/conf", "fsync /d"}),
              ElementsAre("kill: unlink of conf and rename of t to conf must be one step; a kill between them is enough"));
}

TEST(Causes, FsyncIsTriedAgainAfterAnError) {
  EXPECT_THAT(causes(kOld, {"create /d/t", "write /d/t new", "fail-fsync /d/t", "fsync /d/t", "rename /d/t /d/conf", "fsync /d"}),
              ElementsAre("ext4: write of t must be durable before its rename; the fsync between them failed, and no later one writes its "
                          "pages again"));
}

TEST(Causes, OneFindingForOneCauseWhateverTheTemporaryNames) {
  const Asked asked = ask(kOld, {"create /d/t1", "write /d/t1 new", "rename /d/t1 /d/conf", "create /d/t2", "write /d/t2 new",
                                 "rename /d/t2 /d/conf", "create /d/t3", "write /d/t3 new", "rename /d/t3 /d/conf"});
  ASSERT_EQ(asked.survey.causes.size(), 1U);
  const Cause& cause = asked.survey.causes[0];
  EXPECT_EQ(cause.key, "conf/valid: write temporary of /d/conf < rename /d/conf");
  EXPECT_THAT(cause.models, ElementsAre(Model::kXfs, Model::kBtrfs, Model::kPosix));
  EXPECT_GT(cause.states, 1U);
}

TEST(Causes, TheMinimisedStateLosesNoMoreThanItMust) {
  const Asked asked = ask(kFresh, {"create /d/x", "write /d/x y", "create /d/t", "write /d/t new", "rename /d/t /d/conf", "create /d/z"});
  ASSERT_EQ(asked.survey.causes.size(), 1U);
  EXPECT_THAT(asked.survey.causes[0].omitted, ElementsAre(4U)) << "the write of t";
  EXPECT_EQ(asked.survey.causes[0].after, 6U);
}

TEST(Survey, JudgesEachDifferentStateOnce) {
  const Asked asked = ask(kOld, {"create /d/t", "write /d/t new", "chmod /d/t 0600", "rename /d/t /d/conf", "told done"});
  std::uint64_t raw = 0;
  for (const Coverage& coverage : asked.survey.coverage) raw += coverage.raw;
  EXPECT_LT(asked.judged, 20U);
  EXPECT_GT(raw, 2 * asked.judged);
  EXPECT_TRUE(asked.survey.complete());
}

TEST(Survey, SaysSoWhenAWindowIsTooLarge) {
  Lines program;
  for (int i = 0; i < 20; ++i) program.push_back("create /d/f" + std::to_string(i));
  const Play play(kFresh, program);
  const Model models[] = {Model::kExt4, Model::kPosix};
  const Survey found = survey(compile(play), models, [](const CrashState&) { return std::vector<Complaint>(); });
  EXPECT_THAT(found.coverage[0].bounds, IsEmpty()) << "a log of twenty has twenty-one states";
  EXPECT_EQ(found.coverage[0].raw, 21U);
  ASSERT_EQ(found.coverage[1].bounds.size(), 1U);
  EXPECT_EQ(found.coverage[1].bounds[0], "window 1 (before the end) has 20 micro-operations: prefixes, omissions <= 2, single survivors");
  EXPECT_FALSE(found.complete());
}

TEST(Survey, ExhaustsWhatHasSixteenMicroOperations) {
  Lines program;
  for (int i = 0; i < 16; ++i) program.push_back("create /d/f" + std::to_string(i));
  const Play play(kFresh, program);
  const Program compiled = compile(play);
  EXPECT_EQ(compiled.micro_operations(), 16U);
  const Model models[] = {Model::kPosix};
  const Survey found = survey(compiled, models, [](const CrashState&) { return std::vector<Complaint>(); });
  EXPECT_TRUE(found.complete());
  EXPECT_EQ(found.coverage[0].raw, 65536U);
  EXPECT_EQ(found.coverage[0].distinct, 65536U);
}

// 100 pages: every prefix, every page missing alone, in a window that has no other way to be looked at.
TEST(Survey, TakesThePagesOfALargeFileTogether) {
  const Play play(kFresh, {"create /d/bin", "pages /d/bin " + std::string(100, 'x'), "rename /d/bin /d/conf"});
  std::set<std::string> seen;
  const Coverage coverage = visit(compile(play), Model::kXfs, [&](const CrashState& state) {
    seen.insert(look(state.tree(), "/d/conf"));
    return true;
  });
  EXPECT_THAT(coverage.bounds, IsEmpty());
  EXPECT_EQ(seen.size(), 102U) << "none, nothing in it, and each length";
}

TEST(Survey, WatchesOnlyWhatItIsToldTo) {
  const Play play(kFresh, {"create /d/s/t", "write /d/s/t k", "rename /d/s/t /d/conf", "create /d/s/noise", "write /d/s/noise n"});
  EXPECT_EQ(compile(play, {"/d/conf"}).micro_operations(), 3U) << "page, size, rename";
  EXPECT_EQ(compile(play, {"/d"}).micro_operations(), 7U);
  EXPECT_EQ(compile(play, {"/elsewhere"}).micro_operations(), 0U);
  const Coverage coverage = visit(compile(play, {"/d/conf"}), Model::kPosix, [](const CrashState& state) {
    EXPECT_TRUE(state.after < 4 || look(state.tree(), "/d/s/noise") == "n") << "applied";
    return true;
  });
  EXPECT_EQ(coverage.distinct, 3U);
}

TEST(Survey, InodesKeepTheirNumbersAndNoneIsGivenTwice) {
  const Play play(kOld, {"create /d/t", "write /d/t new", "unlink /d/conf", "create /d/last"});
  const node::Tree& image = play.trace().image;
  const node::InodeId directory = image.child(node::kRoot, "d");
  const node::InodeId conf = image.child(directory, "conf");
  const node::InodeId last = play.node().tree().child(directory, "last");
  visit(compile(play), Model::kPosix, [&](const CrashState& state) {
    node::Tree tree = state.tree();
    if (look(tree, "/d/conf") != "-") {
      EXPECT_EQ(tree.child(directory, "conf"), conf);
      EXPECT_EQ(tree.attributes(conf)->links, 1U);
    }
    EXPECT_GT(tree.create({}, directory, "next", 0600, 1).value(), last);
    EXPECT_THAT(tree.orphans(), IsEmpty());
    return true;
  });
}

TEST(Survey, AKillMayComeBetweenTheRequestsOfALargeWrite) {
  const Play play(kFresh, {"create /d/bin", "pages /d/bin " + std::string(600, 'x')});
  std::set<std::size_t> lengths;
  visit(compile(play), Model::kKill, [&](const CrashState& state) {
    lengths.insert(look(state.tree(), "/d/bin").size());
    return true;
  });
  EXPECT_THAT(lengths, ElementsAre(1U, 256U, 512U, 600U)) << "1 stands for none and for empty";
}

TEST(Survey, AFileOfTheImageThatIsTooLargeToKeepIsRightAllTheSame) {
  const Play play({"mkdir /d", "create /d/bin", "pages /d/bin " + std::string(400, 'o')},
                  {"at /d/bin 8192 new", "truncate /d/bin 1600000", "append /d/bin end"});
  std::set<std::string> seen;
  visit(compile(play), Model::kPosix, [&](const CrashState& state) {
    const node::Tree tree = state.tree();
    const std::string letters = look(tree, "/d/bin");
    seen.insert(std::to_string(letters.size()) + letters[2]);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre("391n", "391o", "400n", "400o"));
}

TEST(Compile, RefusesATraceOfAnotherImage) {
  const Play play(kOld, {"unlink /d/conf"});
  Trace other = play.trace();
  other.image = node::Tree();
  const auto program = Program::compile(other, {"/"});
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(program.error().line(), HasSubstr("operation 1 (unlink /d/conf: ok) cannot have happened on this image"));
}

TEST(Compile, AcknowledgementsMayComeFromOutsideTheJournal) {
  const Play play(kFresh, {"create /d/t", "write /d/t new", "fsync /d/t", "rename /d/t /d/conf"});
  Trace trace = play.trace();
  trace.acknowledgements = {{trace.operations.back().seq, "exit 0"}};
  const Program program = Program::compile(trace, {"/d"}).value();
  EXPECT_EQ(program.acknowledgements(), 1U);
  const Survey found =
      survey(program, kModels, [](const CrashState& state) { return sound(state.tree(), false, false, state.acknowledged); });
  ASSERT_EQ(found.causes.size(), 1U);
  EXPECT_EQ(found.causes[0].words, "rename of t to conf must be durable before \"exit 0\"; no fsync of its directory between them");
}

TEST(Compile, DescribesItsMicroOperations) {
  const Play play(kFresh, {"create /d/t", "write /d/t new"});
  EXPECT_THAT(compile(play).describe(),
              ElementsAre("1 create /d/t: ok", "2 page 0 of write /d/t (3 bytes at 0): ok", "2 size 3 by write /d/t (3 bytes at 0): ok"));
}

class Pick : public ::testing::Test {
 protected:
  const Play play{kOld, {"create /d/t", "write /d/t new", "rename /d/t /d/conf", "fsync /d"}};
  const Program program = compile(play, {"/"});
};

TEST_F(Pick, TheLeastDurableLosesAllThatItCan) {
  const auto picked = pick(program, Model::kXfs, LeastDurable{}).value();
  EXPECT_EQ(look(picked.tree, "/d/conf"), "0");
  EXPECT_THAT(picked.omitted, ElementsAre(2U));
  EXPECT_EQ(picked.words, "power cut (xfs) after op 4 fsync-directory /d: ok, without op 2 write /d/t (3 bytes at 0): ok");
  EXPECT_EQ(look(pick(program, Model::kExt4, LeastDurable{})->tree, "/d/conf"), "new") << "A1, and the directory was synced";
}

TEST_F(Pick, AKillLosesNothing) { EXPECT_EQ(inventory(pick(program, Model::kKill, LeastDurable{})->tree), inventory(play.node().tree())); }

TEST_F(Pick, ASeedSaysAllAndEveryStateCanCome) {
  const Play free(kOld, {"create /d/t", "write /d/t new", "rename /d/t /d/conf"});
  const Program compiled = compile(free, {"/"});
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const auto picked = pick(compiled, Model::kPosix, Seeded{seed}).value();
    EXPECT_EQ(inventory(picked.tree), inventory(pick(compiled, Model::kPosix, Seeded{seed})->tree));
    ++seen[look(picked.tree, "/d/conf")];
  }
  EXPECT_EQ(seen.size(), 3U);
}

TEST_F(Pick, OmitsExactlyWhatItIsTold) {
  EXPECT_EQ(look(pick(program, Model::kPosix, Omit{{2}})->tree, "/d/conf"), "0");
  EXPECT_EQ(look(pick(program, Model::kPosix, Omit{{}})->tree, "/d/conf"), "new");
  const auto refused = pick(program, Model::kPosix, Omit{{3}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().line(), HasSubstr("without op 3: under posix it cannot be lost at this point"));
  EXPECT_FALSE(pick(program, Model::kKill, Omit{{2}}));
}

// Every state has an address: cut the trace off there, lose the same, and it is there again.
TEST_F(Pick, FindsEveryStateAgainByWhatItLost) {
  Lines lines = {"create /d/t",  "pages /d/t xyz", "fsync /d/s",      "rename /d/t /d/conf",
                 "mkdir /d/s/n", "fsync /d",       "create /d/s/n/f", "pages /d/s/n/f " + std::string(300, 'p')};
  const Play free(kOld, lines);
  std::size_t states = 0;
  for (const Model model : kModels) {
    visit(compile(free), model, [&](const CrashState& state) {
      Trace until = free.trace();
      until.operations = until.operations.first(static_cast<std::size_t>(state.after));
      const Program again = Program::compile(until, {"/d"}).value();
      const auto picked = pick(again, model, Lose{state.lost()});
      EXPECT_TRUE(picked) << state.describe() << ": " << (picked ? "" : picked.error().line());
      if (!picked) return false;
      EXPECT_EQ(inventory(picked->tree), inventory(state.tree())) << state.describe();
      return ++states % 60 != 0;
    });
  }
  EXPECT_GT(states, 50U);
}

TEST_F(Pick, LosesNothingThatCannotBeLost) {
  EXPECT_FALSE(pick(program, Model::kXfs, Lose{{0}})) << "the rename needs it, and is durable";
  EXPECT_FALSE(pick(program, Model::kXfs, Lose{{99}}));
  const Play open(kOld, {"create /d/t", "rename /d/t /d/u"});
  EXPECT_FALSE(pick(compile(open), Model::kPosix, Lose{{0}})) << "not without the rename";
  EXPECT_TRUE(pick(compile(open), Model::kPosix, Lose{{0, 1}}));
  EXPECT_FALSE(pick(compile(open), Model::kKill, Lose{{0, 1}})) << "a kill loses nothing";
}

}  // namespace
}  // namespace entryproof::durability
