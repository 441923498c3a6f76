// The command line as values, and every way in which a command can end.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulator/cli/commands.h"
#include "simulator/cli/repeat.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;
using oracles::Level;
using oracles::Profile;
using oracles::Status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Command parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "entryproof");
  return parse(static_cast<int>(words.size()), words.data());
}

RunCommand run_of(std::vector<const char*> words) {
  words.insert(words.begin(), "run");
  const Command command = parsed(std::move(words));
  if (const auto* message = std::get_if<Message>(&command)) ADD_FAILURE() << message->text;
  return std::holds_alternative<RunCommand>(command) ? std::get<RunCommand>(command) : RunCommand{};
}

std::string refusal(std::vector<const char*> words) {
  const Command command = parsed(std::move(words));
  const auto* message = std::get_if<Message>(&command);
  if (message == nullptr) return "accepted";
  EXPECT_EQ(message->exit_code, kNoVerdict);
  EXPECT_EQ(std::ranges::count(message->text, '\n'), 1) << message->text;
  return message->text;
}

// --- words ---

TEST(Words, Durations) {
  EXPECT_EQ(parse_duration("500ms"), std::chrono::milliseconds(500));
  EXPECT_EQ(parse_duration("30s"), std::chrono::seconds(30));
  EXPECT_EQ(parse_duration("2m"), std::chrono::minutes(2));
  EXPECT_EQ(parse_duration("24h"), std::chrono::hours(24));
  for (const char* wrong : {"", "5", "s", "0s", "-1s", "+1s", "1.5s", "1 s", "25h", "1d", "99999999999999999999s", "1s "}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Words, Shards) {
  EXPECT_EQ(parse_shard("3/4")->text(), "3/4");
  EXPECT_FALSE(parse_shard("/4")->assigned);
  for (const char* wrong : {"", "1", "/", "/0", "4/4", "0/0", "-1/2", "1/2/3", "a/b", "0/1001"}) EXPECT_FALSE(parse_shard(wrong)) << wrong;
}

TEST(Words, TheIndexOfAShardComesFromTheBatchSystem) {
  const auto assigned = [](std::map<std::string, std::string> variables) {
    return assign_index(*parse_shard("/4"), [&](const char* name) { return variables[name]; });
  };
  EXPECT_EQ(assigned({{"JOB_COMPLETION_INDEX", "3"}})->text(), "3/4");
  EXPECT_EQ(assigned({{"SLURM_ARRAY_TASK_ID", "3"}})->text(), "3/4");
  EXPECT_EQ(assigned({{"SLURM_ARRAY_TASK_ID", "4"}, {"SLURM_ARRAY_TASK_MIN", "1"}})->text(), "3/4");
  EXPECT_THAT(assigned({}).error().line(), HasSubstr("write I/4"));
  for (const char* wrong : {"4", "-1", "x", "1x"}) {
    EXPECT_THAT(assigned({{"JOB_COMPLETION_INDEX", wrong}}).error().line(), HasSubstr("is none of 4 shards")) << wrong;
  }
  EXPECT_EQ(assign_index(Shard{1, 2}, [](const char*) { return "0"; })->text(), "1/2") << "what is said is not asked for";
}

TEST(Words, EveryScenarioIsInExactlyOneShard) {
  std::vector<int> sizes(4);
  for (int i = 0; i < 400; ++i) {
    const std::string id = "scenario/" + std::to_string(i);
    int holders = 0;
    for (unsigned index = 0; index < 4; ++index) {
      if (!Shard{index, 4}.holds(id)) continue;
      ++holders;
      ++sizes[index];
    }
    EXPECT_EQ(holders, 1) << id;
  }
  for (const int size : sizes) EXPECT_GT(size, 50);
  // Stable for ever: stored runs of old shards must fit new ones. SHA-256("manual/fresh-node") decides.
  EXPECT_TRUE((Shard{0, 1}.holds("manual/fresh-node")));
}

TEST(Words, ShellQuoting) {
  EXPECT_EQ(shell_quoted("./a-b_c=1"), "./a-b_c=1");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's $x"), "'it'\\''s $x'");
  EXPECT_EQ(shell_quoted("manual/*"), "'manual/*'");
}

TEST(Words, WhatWasQuotedIsReadBack) {
  const std::vector<std::string> words = {"./entryproof", "", "a b", "it's $x", "manual/*", "'", "--arg=\"x\" \\", "tab\t", "line\nend"};
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  EXPECT_EQ(shell_words(line), words);
  EXPECT_EQ(shell_words(" a  b "), (std::vector<std::string>{"a", "b"}));
  for (const char* wrong : {"a; b", "$(id)", "a > b", "'open", "a\\b", "\"a\"", "a\nb"}) EXPECT_FALSE(shell_words(wrong)) << wrong;
}

// --- parsing ---

ExploreCommand exploration_of(std::vector<const char*> words) {
  words.insert(words.begin(), "explore");
  const Command command = parsed(std::move(words));
  if (const auto* message = std::get_if<Message>(&command)) ADD_FAILURE() << message->text;
  return std::holds_alternative<ExploreCommand>(command) ? std::get<ExploreCommand>(command) : ExploreCommand{};
}

TEST(Options, ExploringCrashes) {
  const auto plain = std::get<explore::CrashBounds>(exploration_of({"crash"}).exploration);
  EXPECT_EQ(plain.models.size(), durability::kModels.size());
  EXPECT_EQ(plain.inputs.size(), explore::kAllInputs.size());
  EXPECT_EQ(plain.depth, 1U);
  const auto command =
      exploration_of({"crash",   "crash/*", "--build", "./b", "--model",    "posix", "--model", "xfs", "--inputs", "same",
                      "--depth", "3",       "--jobs",  "4",   "--max-time", "2m",    "--seed",  "9",   "--state",  "0/posix@17-2"});
  const auto bounds = std::get<explore::CrashBounds>(command.exploration);
  EXPECT_THAT(bounds.models, ElementsAre(durability::Model::kPosix, durability::Model::kXfs));
  EXPECT_THAT(bounds.inputs, ElementsAre(explore::Inputs::kSame));
  EXPECT_EQ(bounds.depth, 3U);
  EXPECT_EQ(bounds.only, "0/posix@17-2");
  EXPECT_THAT(command.run.builds, ElementsAre("./b"));
  EXPECT_EQ(command.run.seed, 9U);
  EXPECT_EQ(command.run.jobs, 4U);
  EXPECT_EQ(command.run.max_time, std::chrono::minutes(2));
}

TEST(Options, ExploringFaults) {
  const auto plain = std::get<explore::FaultBounds>(exploration_of({"faults"}).exploration);
  EXPECT_EQ(plain.models.size(), durability::kModels.size());
  EXPECT_EQ(plain.only, std::nullopt);
  const auto command = exploration_of({"faults", "--model", "kill", "--only-fault", "0 write ** nth=3 errno=ENOSPC", "--jobs", "2"});
  const auto bounds = std::get<explore::FaultBounds>(command.exploration);
  EXPECT_THAT(bounds.models, ElementsAre(durability::Model::kKill));
  EXPECT_EQ(bounds.only, "0 write ** nth=3 errno=ENOSPC");
  EXPECT_EQ(command.run.jobs, 2U);
}

TEST(Options, ExploringHistories) {
  const Command command = parsed({"explore", "histories", "--seed", "7", "--histories", "12"});
  ASSERT_TRUE(std::holds_alternative<HistoriesCommand>(command));
  EXPECT_EQ(std::get<HistoriesCommand>(command).search.seed, 7U);
}

TEST(Options, ExploringRefusesWhatItDoesNotKnow) {
  EXPECT_THAT(refusal({"explore"}), HasSubstr("subcommand"));
  EXPECT_THAT(refusal({"explore", "crash", "--model", "ntfs"}), HasSubstr("kill, ext4, xfs, btrfs, posix"));
  EXPECT_THAT(refusal({"explore", "crash", "--inputs", "odd"}), HasSubstr("same, shorter, longer, version"));
  EXPECT_THAT(refusal({"explore", "crash", "--state", "0/ntfs@1"}), HasSubstr("names no model"));
  EXPECT_THAT(refusal({"explore", "crash", "--depth", "65"}), HasSubstr("64"));
  EXPECT_THAT(refusal({"explore", "faults", "--only-fault", "write ** errno=EIO"}), HasSubstr("0 write ** nth=3"));
  EXPECT_THAT(refusal({"explore", "faults", "--state", "0/xfs@1"}), HasSubstr("--state"));
}

TEST(Options, RunWithNothingSaid) {
  const RunCommand run = run_of({});
  EXPECT_TRUE(run.builds.empty());
  EXPECT_EQ(run.program, "entryproof");
  EXPECT_EQ(run.world, std::nullopt);
  EXPECT_EQ(run.seed, std::nullopt);
  EXPECT_EQ(run.repeat, 1U);
  EXPECT_EQ(run.chosen.selection.profile, Profile::kCore);
  EXPECT_TRUE(run.chosen.selection.patterns.empty());
  EXPECT_EQ(run.shown.detail, Detail::kNormal);
}

TEST(Options, RunWithEverythingSaid) {
  const RunCommand run = run_of({"manual/*",
                                 "auto/fresh",
                                 "--build",
                                 "./a",
                                 "--build=b=./c",
                                 "--world",
                                 "tmpfs",
                                 "--profile",
                                 "durable",
                                 "--jobs",
                                 "3",
                                 "--seed",
                                 "18446744073709551615",
                                 "--repeat",
                                 "5",
                                 "--shard",
                                 "1/3",
                                 "--timeout",
                                 "30s",
                                 "--max-time=2m",
                                 "--fail-fast",
                                 "--strict",
                                 "--report",
                                 "junit:out.xml",
                                 "--report",
                                 "jsonl:run.jsonl",
                                 "--keep",
                                 "-v",
                                 "--color",
                                 "never",
                                 "--filter",
                                 "x",
                                 "--skip",
                                 "y",
                                 "--tag",
                                 "t",
                                 "--tag",
                                 "u",
                                 "--clause",
                                 "EXIST-01",
                                 "--with",
                                 "/lib/a:/b",
                                 "--with",
                                 "/lib/c",
                                 "--arg=--x=1",
                                 "--env",
                                 "A=b=c",
                                 "--env",
                                 "D=",
                                 "--scenarios",
                                 "/s"});
  EXPECT_THAT(run.chosen.selection.patterns, ElementsAre("manual/*", "auto/fresh"));
  EXPECT_THAT(run.builds, ElementsAre("./a", "b=./c"));
  EXPECT_EQ(run.world, runner::WorldKind::kTmpfs);
  EXPECT_EQ(run.chosen.selection.profile, Profile::kDurable);
  EXPECT_EQ(run.jobs, 3U);
  EXPECT_EQ(run.seed, 18'446'744'073'709'551'615U);
  EXPECT_EQ(run.repeat, 5U);
  EXPECT_EQ(run.chosen.shard->text(), "1/3");
  EXPECT_EQ(run.timeout, std::chrono::seconds(30));
  EXPECT_EQ(run.max_time, std::chrono::minutes(2));
  EXPECT_TRUE(run.fail_fast && run.shown.strict && run.keep);
  ASSERT_EQ(run.shown.reports.size(), 2U);
  EXPECT_EQ(run.shown.reports[1].path, "run.jsonl");
  EXPECT_EQ(run.shown.detail, Detail::kVerbose);
  EXPECT_EQ(run.shown.color, Color::kNever);
  EXPECT_EQ(run.chosen.selection.filter, "x");
  EXPECT_EQ(run.chosen.selection.skip, "y");
  EXPECT_THAT(run.chosen.selection.tags, ElementsAre("t", "u"));
  EXPECT_THAT(run.chosen.selection.clauses, ElementsAre("EXIST-01"));
  EXPECT_THAT(run.with, ElementsAre(testing::Pair("/lib/a", "/b"), testing::Pair("/lib/c", "/lib/c")));
  EXPECT_THAT(run.args, ElementsAre("--x=1"));
  EXPECT_THAT(run.environment, ElementsAre(testing::Pair("A", "b=c"), testing::Pair("D", "")));
  EXPECT_EQ(run.chosen.scenarios_directory, "/s");
}

TEST(Options, AListDoesNotSwallowTheSelection) {
  const RunCommand run = run_of({"--build", "./a", "manual/x", "--tag", "t", "manual/y"});
  EXPECT_THAT(run.builds, ElementsAre("./a"));
  EXPECT_THAT(run.chosen.selection.tags, ElementsAre("t"));
  EXPECT_THAT(run.chosen.selection.patterns, ElementsAre("manual/x", "manual/y"));
}

TEST(Options, ListTakesTheSelectionOfRun) {
  const Command command = parsed({"list", "a", "--tag", "t", "--clause", "C-1", "--filter", "f", "--skip", "s", "--profile", "production",
                                  "--shard", "0/2", "--format", "json"});
  ASSERT_TRUE(std::holds_alternative<ListCommand>(command));
  const auto& list = std::get<ListCommand>(command);
  EXPECT_EQ(list.format, ListCommand::Format::kJson);
  EXPECT_EQ(list.chosen.selection.profile, Profile::kProduction);
  EXPECT_EQ(list.chosen.shard->count, 2U);
}

TEST(Options, OtherCommands) {
  EXPECT_EQ(std::get<ExplainCommand>(parsed({"explain", "EXIST-01"})).id, "EXIST-01");
  EXPECT_THAT(std::get<LintCommand>(parsed({"lint", "a", "b"})).paths, ElementsAre("a", "b"));
  const auto report =
      std::get<ReportCommand>(parsed({"report", "a.jsonl", "b.jsonl", "--format", "markdown:x.md", "--format", "tap", "--strict"}));
  EXPECT_THAT(report.files, ElementsAre("a.jsonl", "b.jsonl"));
  EXPECT_EQ(report.shown.reports.size(), 2U);
  EXPECT_TRUE(report.shown.strict);
}

TEST(Options, HelpAndVersionAreNoErrors) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"--help"}, {"run", "--help"}, {"report", "-h"}, {"--version"}}) {
    const Command command = parsed(words);
    ASSERT_TRUE(std::holds_alternative<Message>(command));
    EXPECT_EQ(std::get<Message>(command).exit_code, 0);
    EXPECT_FALSE(std::get<Message>(command).text.empty());
  }
  EXPECT_THAT(std::get<Message>(parsed({"--version"})).text, testing::MatchesRegex("entryproof [0-9.]+\n"));
}

TEST(Options, MistakesAreOneLineAndExitTwo) {
  EXPECT_THAT(refusal({}), HasSubstr("see entryproof --help"));
  EXPECT_THAT(refusal({"walk"}), HasSubstr("entryproof: "));
  EXPECT_THAT(refusal({"run", "--no-such"}), HasSubstr("--no-such"));
  EXPECT_THAT(refusal({"run", "--no-such"}), HasSubstr("see entryproof run --help"));
  EXPECT_THAT(refusal({"run", "--world", "moon"}), HasSubstr("there are auto, memory, fuse, tmpfs"));
  EXPECT_THAT(refusal({"run", "--profile", "best"}), HasSubstr("there are core, durable, production"));
  EXPECT_THAT(refusal({"run", "--shard", "2/2"}), HasSubstr("zero-based"));
  EXPECT_THAT(refusal({"run", "--timeout", "30"}), HasSubstr("30s"));
  EXPECT_THAT(refusal({"run", "--report", "pdf:x"}), HasSubstr("unknown report \"pdf\""));
  EXPECT_THAT(refusal({"run", "--report", "tap", "--report", "junit"}), HasSubstr("two reports go to standard output"));
  EXPECT_THAT(refusal({"run", "--report", "tap:x", "--report", "junit:x"}), HasSubstr("two reports go to x"));
  EXPECT_THAT(refusal({"run", "--env", "A"}), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(refusal({"run", "--with", ""}), HasSubstr("PATH"));
  EXPECT_THAT(refusal({"run", "-q", "-v"}), HasSubstr("exclude"));
  for (const char* wrong : {"-1", "x", "18446744073709551616", ""}) EXPECT_NE(refusal({"run", "--seed", wrong}), "accepted") << wrong;
  EXPECT_NE(refusal({"run", "--repeat", "0"}), "accepted");
  EXPECT_THAT(refusal({"run", "--baseline-write"}), HasSubstr("--baseline"));
  EXPECT_NE(refusal({"run", "--world", "fuse", "--world", "memory"}), "accepted");
  EXPECT_NE(refusal({"list", "--format", "xml"}), "accepted");
  EXPECT_THAT(refusal({"list", "--format", "markdown"}), HasSubstr("needs --clauses"));
  EXPECT_NE(refusal({"explain"}), "accepted");
  EXPECT_NE(refusal({"report"}), "accepted");
}

// --- how a run ends ---

constexpr const char* kClauses = "clauses.json";

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// A run of the real suite's scenarios by a player that answers what the test wants.
class Endings : public testing::Test {
 protected:
  Endings() {
    std::string path = (fs::temp_directory_path() / "entryproof-cli-XXXXXX").string();
    directory_ = ::mkdtemp(path.data());
    command_.program = "entryproof";
    command_.builds = {"sh=/bin/sh"};
    command_.chosen.scenarios_directory = std::string(ENTRYPROOF_SOURCE_DIR) + "/scenarios";
  }
  ~Endings() override { fs::remove_all(directory_); }

  // Plays one case with a check of this status; the n-th call gives the n-th status, the last one again and again.
  Player giving(std::vector<Status> statuses) {
    return [this, statuses](const runner::Suite& suite, const std::vector<const runner::Scenario*>& scenarios,
                            const std::vector<runner::Build>& builds, const runner::RunOptions& options, runner::Listener& listener,
                            const std::atomic<bool>&) -> Result<runner::Footer> {
      const Status status = statuses[std::min<std::size_t>(calls_++, statuses.size() - 1)];
      options_ = options;
      runner::Header header{
          .tool = "t", .suite = suite.digest, .seed = options.seed, .shard = options.shard, .world = "fuse", .builds = {}};
      for (const auto& build : builds) header.builds.push_back({build.name, build.spec, build.sha256});
      listener.on_header(header);
      std::vector<runner::CaseRecord> cases;
      for (const auto* scenario : scenarios) {
        runner::CheckRecord check;
        check.check = "EXIST-01/a";
        check.status = status;
        cases.push_back({scenario->id, builds[0].name, status, 1, {check}});
        listener.on_case(cases.back());
      }
      const auto footer = runner::conclude(cases, {builds[0].name}, options.strict);
      listener.on_footer(footer);
      return footer;
    };
  }
  int ending(const Player& player) {
    Streams streams{.out = out_, .err = err_};
    return run_command(command_, streams, player, interrupted_);
  }

  fs::path directory_;
  RunCommand command_;
  runner::RunOptions options_;
  std::size_t calls_ = 0;
  std::atomic<bool> interrupted_{false};
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Endings, TheVerdictIsTheExitCode) {
  for (const auto& [status, code] : std::map<Status, int>{{Status::kPass, kConformant},
                                                          {Status::kFail, kNotConformant},
                                                          {Status::kKnown, kConformant},
                                                          {Status::kNotTested, kNoVerdict},
                                                          {Status::kUnknown, kNoVerdict},
                                                          {Status::kError, kNoVerdict}}) {
    calls_ = 0;
    EXPECT_EQ(ending(giving({status})), code) << oracles::to_string(status) << err_.str();
  }
}

TEST_F(Endings, InterruptedIs130) {
  const Player player = [this](const auto&, const auto&, const auto&, const auto&, runner::Listener&,
                               const auto&) -> Result<runner::Footer> {
    interrupted_ = true;
    return runner::conclude({}, {"sh"}, false);
  };
  EXPECT_EQ(ending(player), kInterrupted);
  EXPECT_THAT(out_.str(), HasSubstr("no verdict"));
}

TEST_F(Endings, NoSandboxIsNoVerdict) {
  const Player player = [](const auto&, const auto&, const auto&, const auto&, runner::Listener&, const auto&) -> Result<runner::Footer> {
    return fail(ErrorCode::kUnavailable, "no FUSE device; try --world tmpfs");
  };
  EXPECT_EQ(ending(player), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("entryproof: no FUSE device; try --world tmpfs\n"));
}

TEST_F(Endings, WhatCannotBeginIsNoVerdict) {
  command_.chosen.selection.patterns = {"no/such/scenario"};
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  command_.chosen.selection.patterns.clear();
  command_.builds = {"./no/such/build"};
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("no/such/build"));
  command_.builds = {"sh=/bin/sh", "sh=/bin/ls"};
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("two builds are called sh"));
  command_.builds = {"sh=/bin/sh"};
  command_.shown.reports = {{"tap", "/no/such/directory/tap"}};
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  command_.shown.reports.clear();
  command_.chosen.scenarios_directory = directory_.string();
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr(kClauses));
  EXPECT_EQ(calls_, 0U) << "nothing was played";
}

TEST_F(Endings, AReportThatCannotBeWrittenIsNoVerdict) {
  command_.shown.reports = {{"jsonl", "/dev/full"}};
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("/dev/full"));
}

TEST_F(Endings, RepeatedAndAlwaysTheSame) {
  command_.repeat = 3;
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant);
  EXPECT_EQ(calls_, 3U);
  EXPECT_THAT(err_.str(), Not(HasSubstr("differ")));
}

TEST_F(Endings, RepeatedAndOnceNotConformant) {
  command_.repeat = 3;
  EXPECT_EQ(ending(giving({Status::kPass, Status::kFail, Status::kPass})), kNotConformant);
  EXPECT_THAT(err_.str(), HasSubstr("2 pass, 1 fail"));
  EXPECT_THAT(out_.str(), HasSubstr("(of 3 times: 2 pass, 1 fail)"));
}

TEST_F(Endings, RepeatedAndOnlyDifferentIsNoVerdict) {
  command_.repeat = 2;
  EXPECT_EQ(ending(giving({Status::kPass, Status::kKnown})), kNoVerdict);
}

TEST_F(Endings, ConsoleStepsAsideForAnotherReport) {
  command_.shown.reports = {{"tap", {}}};
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant);
  EXPECT_TRUE(out_.str().starts_with("TAP version 14\n")) << out_.str();
  EXPECT_THAT(err_.str(), HasSubstr("core conformant"));
}

TEST_F(Endings, ReplayNeedsWhatTheRunWasGiven) {
  command_.environment = {{"A", "b c"}};
  command_.args = {"--x=1"};
  command_.with = {{"/bin/ls", "/n"}};
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant);
  EXPECT_THAT(options_.command_prefix, HasSubstr("entryproof replay --scenarios "));
  EXPECT_THAT(options_.command_prefix, HasSubstr("--with /bin/ls:/n --arg=--x=1 --env 'A=b c'"));
}

TEST_F(Endings, ShardsAreMergedByReport) {
  std::vector<std::string> files;
  for (unsigned index = 0; index < 2; ++index) {
    files.push_back((directory_ / std::to_string(index)).string());
    command_.chosen.shard = Shard{index, 2};
    command_.shown.reports = {{"jsonl", files.back()}};
    EXPECT_EQ(ending(giving({Status::kPass})), kConformant) << err_.str();
  }
  Streams streams{.out = out_, .err = err_};
  ReportCommand report;
  report.files = files;
  report.shown.reports = {{"markdown", (directory_ / "all.md").string()}};
  EXPECT_EQ(report_command(report, streams), kConformant) << err_.str();
  EXPECT_THAT(read(directory_ / "all.md"), HasSubstr("| sh | conformant |"));
  report.files = {files[1]};
  EXPECT_EQ(report_command(report, streams), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("shard 0/2 of sh is missing"));
}

TEST_F(Endings, OnlyWhatFailedIsPlayedAgainOnItsBuild) {
  const std::string file = (directory_ / "run.jsonl").string();
  command_.shown.reports = {{"jsonl", file}};
  command_.seed = 7;
  command_.chosen.selection.patterns = {"manual/*"};
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant);
  RunCommand again;
  again.program = "entryproof";
  again.chosen = {.scenarios_directory = command_.chosen.scenarios_directory, .selection = {}, .shard = {}, .rerun_failed = file};
  command_ = again;
  EXPECT_EQ(ending(giving({Status::kPass})), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("nothing failed in that run"));

  std::string text = read(file);
  const std::size_t status = text.find(R"("build":"sh","status":"pass")");
  ASSERT_NE(status, std::string::npos);
  text.replace(status, 28, R"("build":"sh","status":"fail")");
  std::ofstream(file) << text;
  out_.str("");
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("1 case, 1 check: 1 pass"));
  EXPECT_THAT(out_.str(), HasSubstr("sh: core conformant"));
  EXPECT_EQ(options_.seed, 7U);
  EXPECT_EQ(options_.world, runner::WorldKind::kFuse);
}

TEST_F(Endings, AStoredRunWithoutFooterIsShownAndNoVerdict) {
  const std::string file = (directory_ / "run.jsonl").string();
  command_.shown.reports = {{"jsonl", file}};
  EXPECT_EQ(ending(giving({Status::kPass})), kConformant);
  const std::string text = read(file);
  std::ofstream(file) << text.substr(0, text.rfind("{\"kind\":\"footer\""));
  std::ostringstream shown;
  Streams streams{.out = shown, .err = err_};
  EXPECT_EQ(report_command({.files = {file}, .shown = {}}, streams), kNoVerdict);
  EXPECT_THAT(shown.str(), HasSubstr("sh: core incomplete"));
  EXPECT_THAT(err_.str(), HasSubstr("no footer"));
}

// --- the other commands, over the real suite ---

class Suites : public testing::Test {
 protected:
  int run_list(ListCommand command) {
    command.chosen.scenarios_directory = directory_;
    return list_command(command, streams_);
  }
  const std::string directory_ = std::string(ENTRYPROOF_SOURCE_DIR) + "/scenarios";
  std::ostringstream out_;
  std::ostringstream err_;
  Streams streams_{.out = out_, .err = err_};
};

TEST_F(Suites, ListIsTheDryRun) {
  EXPECT_EQ(run_list({}), 0) << err_.str();
  EXPECT_GT(std::ranges::count(out_.str(), '\n'), 10);
  EXPECT_EQ(err_.str(), "") << "narration is for terminals";
  ListCommand command;
  command.format = ListCommand::Format::kJson;
  out_.str("");
  EXPECT_EQ(run_list(command), 0);
  EXPECT_TRUE(out_.str().starts_with("[\n  {\n    \"scenario\": ")) << out_.str().substr(0, 100);
  command.chosen.selection.patterns = {"no/such"};
  EXPECT_EQ(run_list(command), kNoVerdict);
}

TEST_F(Suites, ClausesAreListedWithWhatStandsBehindThem) {
  ListCommand command;
  command.clauses = true;
  EXPECT_EQ(run_list(command), 0) << err_.str();
  EXPECT_THAT(out_.str(),
              testing::ContainsRegex("EXIST-01/manual-fresh-node +MUST +core +[0-9]+ scenarios +[0-9]+ mutants +memory fuse tmpfs\n"));
  EXPECT_THAT(out_.str(),
              testing::ContainsRegex("ATOM-23/kubeconfig-never-missing +MUST +core +all scenarios +[0-9]+ mutants +memory fuse\n"));
  command.format = ListCommand::Format::kJson;
  out_.str("");
  EXPECT_EQ(run_list(command), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\"manual/fresh-node#seventy\""));
}

TEST_F(Suites, ThePageOfClausesIsFresh) {
  ListCommand command;
  command.clauses = true;
  command.format = ListCommand::Format::kMarkdown;
  ASSERT_EQ(run_list(command), 0) << err_.str();
  EXPECT_TRUE(out_.str() == read(std::string(ENTRYPROOF_SOURCE_DIR) + "/docs/clauses.md"))
      << "make it anew: build/bin/entryproof list --clauses --format markdown > docs/clauses.md";
}

TEST_F(Suites, EveryIdCanBeExplained) {
  const auto suite = runner::Suite::load(directory_);
  ASSERT_TRUE(suite) << suite.error().line();
  std::vector<std::string> ids;
  for (const auto& clause : suite->catalogue.clauses()) {
    ids.push_back(clause.id);
    for (const auto& check : clause.checks) ids.push_back(check.id);
  }
  for (const auto& scenario : suite->scenarios) ids.push_back(scenario.id);
  for (std::size_t i = 0; i < ids.size(); i += ids.size() / 8 + 1) {
    out_.str("");
    EXPECT_EQ(explain_command({directory_, ids[i]}, streams_), 0) << ids[i] << ": " << err_.str();
    EXPECT_TRUE(out_.str().starts_with(ids[i])) << out_.str();
  }
}

TEST_F(Suites, AnUnknownIdGivesSuggestions) {
  EXPECT_EQ(explain_command({directory_, "exist"}, streams_), kNoVerdict);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean EXIST-01"));
}

TEST_F(Suites, LintFindsNothingInOurs) {
  EXPECT_EQ(lint_command({directory_, {}}, streams_), 0) << err_.str();
  EXPECT_EQ(lint_command({{}, {directory_ + "/" + kClauses}}, streams_), 0) << err_.str();
  EXPECT_EQ(lint_command({{}, {"/no/such/file.json"}}, streams_), kNoVerdict);
  EXPECT_EQ(lint_command({{}, {"/bin/sh"}}, streams_), kNoVerdict);
}

TEST_F(Suites, LintNamesEveryBadFileThatItIsGiven) {
  EXPECT_EQ(lint_command({directory_, {directory_ + "/testdata/bad"}}, streams_), kNoVerdict);
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory_ + "/testdata/bad")) {
    ++files;
    EXPECT_THAT(err_.str(), HasSubstr(entry.path().filename().string()));
  }
  EXPECT_GE(files, 40U);
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace entryproof::cli
