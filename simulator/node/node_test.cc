#include "simulator/node/node.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include <functional>
#include <string>
#include <vector>

namespace entryproof::node {
namespace {

constexpr Caller kBuilder{Actor::kBuild, {}, 0022, 1};
constexpr Caller kKubelet{Actor::kWorld, {}, 0022, 0};

template <class T>
int error_of(const Outcome<T>& outcome) {
  return outcome ? 0 : static_cast<int>(outcome.error());
}

struct Script final : Gate {
  Ruling before(const Operation& operation) override { return on_before ? on_before(operation) : Ruling{}; }
  Ruling after(const Operation& operation) override { return on_after ? on_after(operation) : Ruling{}; }
  std::function<Ruling(const Operation&)> on_before, on_after;
};

struct Witness final : Observer {
  void observe(const Operation& operation, const Tree& now) override {
    seen.push_back(operation.describe() + " #" + std::to_string(now.list(kRoot)->size()));
  }
  std::vector<std::string> seen;
};

class NodeTest : public ::testing::Test {
 protected:
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const Operation& operation : node.journal().operations()) lines.push_back(operation.describe());
    return lines;
  }
  const Operation& last() const { return node.journal().operations().back(); }

  VirtualClock clock;
  Node node{Tree(), clock, Journal::Limits{.operations = 50, .read_only_entries = 20}};
};

TEST_F(NodeTest, TellsTheStoryOfAnAtomicReplacement) {
  const InodeId f = node.create(kBuilder, kRoot, "f.new", 0666, O_WRONLY | O_CREAT | O_EXCL).value();
  ASSERT_TRUE(node.write(kBuilder, f, 0, "hello"));
  ASSERT_TRUE(node.fsync(kBuilder, f, false));
  clock.advance_to({Duration(1000)});
  ASSERT_TRUE(node.rename(kBuilder, kRoot, "f.new", kRoot, "f", RenameFlag::kNone));
  ASSERT_TRUE(node.fsync_directory(kBuilder, kRoot));
  EXPECT_EQ(told(), (std::vector<std::string>{"create /f.new: ok", "write /f.new (5 bytes at 0): ok", "fsync /f.new: ok",
                                              "rename /f.new -> /f: ok", "fsync-directory /: ok"}));
  const Operation& create = node.journal().operations().front();
  EXPECT_EQ(create.inode, f);
  EXPECT_EQ(create.parent, kRoot);
  EXPECT_EQ(create.mode, 0644U) << "the umask is taken off";
  EXPECT_EQ(create.actor, Actor::kBuild);
  EXPECT_EQ(*node.journal().operations()[1].data, "hello");
  EXPECT_EQ(node.journal().operations()[3].at.since_start.count(), 1000);
  EXPECT_EQ(last().index, 5U);
  EXPECT_EQ(last().seq, 5U);
}

TEST_F(NodeTest, CountsEachSessionForItself) {
  ASSERT_TRUE(node.mkdir(kBuilder, kRoot, "a", 0755));
  ASSERT_TRUE(node.mkdir(kKubelet, kRoot, "b", 0755));
  EXPECT_EQ(last().index, 1U);
  EXPECT_FALSE(node.mkdir(kBuilder, kRoot, "b", 0755));
  EXPECT_EQ(last().index, 2U) << "failures count: the build made the call";
  EXPECT_EQ(last().result, EEXIST);
  EXPECT_TRUE(node.lookup(kBuilder, kRoot, "a"));
  EXPECT_EQ(last().index, 0U);
  Caller second = kBuilder;
  second.session = 2;
  ASSERT_TRUE(node.rmdir(second, kRoot, "a"));
  EXPECT_EQ(last().index, 1U);
}

TEST_F(NodeTest, GateFailsAnOperationBeforeItTouchesAnything) {
  Script gate;
  gate.on_before = [](const Operation& operation) { return operation.verb == Verb::kCreate ? Ruling{Errno{ENOSPC}, {}} : Ruling{}; };
  node.set_gate(&gate);
  EXPECT_EQ(error_of(node.create(kBuilder, kRoot, "f", 0644, O_CREAT)), ENOSPC);
  EXPECT_EQ(node.tree().child(kRoot, "f"), 0U);
  EXPECT_TRUE(last().injected);
  EXPECT_EQ(last().result, ENOSPC);
}

TEST_F(NodeTest, GateShortensAWrite) {
  Script gate;
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  gate.on_before = [](const Operation&) { return Ruling{{}, 3}; };
  node.set_gate(&gate);
  EXPECT_EQ(node.write(kBuilder, f, 0, "hello").value(), 3U);
  EXPECT_EQ(node.tree().read_all(f).value(), "hel");
  EXPECT_EQ(*last().data, "hel");
  EXPECT_EQ(last().length, 5U);
}

TEST_F(NodeTest, KilledBeforeAnOperationNothingMoreHappens) {
  Script gate;
  gate.on_before = [&](const Operation& operation) {
    if (operation.actor == Actor::kBuild && operation.index == 2) node.seal(Actor::kBuild);
    return Ruling{};
  };
  node.set_gate(&gate);
  ASSERT_TRUE(node.mkdir(kBuilder, kRoot, "one", 0755));
  EXPECT_EQ(error_of(node.mkdir(kBuilder, kRoot, "two", 0755)), EIO);
  const std::size_t entries = node.journal().operations().size();
  EXPECT_EQ(error_of(node.mkdir(kBuilder, kRoot, "three", 0755)), EIO);
  EXPECT_EQ(node.journal().operations().size(), entries) << "what the dead still send is no entry";
  EXPECT_EQ(node.tree().list(kRoot)->size(), 1U);
  EXPECT_TRUE(node.lookup(kBuilder, kRoot, "one")) << "reading harms nobody";
  EXPECT_TRUE(node.mkdir(kKubelet, kRoot, "other", 0755)) << "the others live on";
  node.unseal(Actor::kBuild);
  EXPECT_TRUE(node.mkdir(kBuilder, kRoot, "again", 0755));
}

TEST_F(NodeTest, OneSessionIsKilledAndTheOtherLivesOn) {
  Caller other = kBuilder;
  other.session = kBuilder.session + 1;
  node.seal(Actor::kBuild, kBuilder.session);
  EXPECT_EQ(error_of(node.mkdir(kBuilder, kRoot, "one", 0755)), EIO);
  EXPECT_TRUE(node.mkdir(other, kRoot, "two", 0755));
  EXPECT_FALSE(node.sealed(Actor::kBuild));
  EXPECT_TRUE(node.sealed(Actor::kBuild, kBuilder.session));
  node.unseal(Actor::kBuild);
  EXPECT_EQ(error_of(node.mkdir(kBuilder, kRoot, "one", 0755)), EIO) << "a dead process does not come back";
}

TEST_F(NodeTest, KilledAfterAnOperationItStaysDone) {
  Script gate;
  gate.on_after = [&](const Operation&) {
    node.seal(Actor::kBuild);
    return Ruling{Errno{EIO}, {}};
  };
  node.set_gate(&gate);
  EXPECT_EQ(error_of(node.create(kBuilder, kRoot, "f", 0644, O_CREAT)), EIO);
  const InodeId f = node.tree().child(kRoot, "f");
  ASSERT_NE(f, 0U);
  EXPECT_TRUE(last().succeeded());
  node.set_gate(nullptr);
  ASSERT_TRUE(node.unlink(kKubelet, kRoot, "f"));
  EXPECT_EQ(error_of(node.tree().attributes(f)), ESTALE) << "an open that was answered with an error holds nothing";
}

TEST_F(NodeTest, ObserverSeesTheStateBeforeTheReply) {
  Witness witness;
  node.set_observer(&witness);
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  ASSERT_TRUE(node.get_attributes(kBuilder, f));
  EXPECT_FALSE(node.mkdir(kBuilder, kRoot, "f", 0755));
  ASSERT_TRUE(node.unlink(kBuilder, kRoot, "f"));
  EXPECT_EQ(witness.seen, (std::vector<std::string>{"create /f: ok #1", "unlink /f: ok #0"}));
}

TEST_F(NodeTest, OpenTruncatesAsOneOperation) {
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  ASSERT_TRUE(node.write(kBuilder, f, 0, "hello"));
  ASSERT_TRUE(node.open(kBuilder, f, O_WRONLY | O_TRUNC));
  EXPECT_EQ(last().verb, Verb::kTruncate);
  EXPECT_EQ(node.tree().attributes(f)->size, 0U);
  ASSERT_TRUE(node.open(kBuilder, f, O_WRONLY | O_TRUNC)) << "of an empty file as well";
  EXPECT_EQ(last().verb, Verb::kTruncate);
  EXPECT_EQ(last().index, 4U);
  ASSERT_TRUE(node.open(kBuilder, f, O_RDONLY));
  EXPECT_EQ(last().verb, Verb::kOpen);
}

TEST_F(NodeTest, OpenAnswersAsTheKernel) {
  const InodeId d = node.mkdir(kBuilder, kRoot, "d", 0755).value();
  const InodeId f = node.create(kBuilder, kRoot, "f", 0600, O_CREAT).value();
  const InodeId l = node.symlink(kBuilder, kRoot, "l", "f").value();
  const InodeId p = node.mknod(kBuilder, kRoot, "p", FileType::kFifo, 0666).value();
  EXPECT_EQ(error_of(node.open(kBuilder, d, O_WRONLY)), EISDIR);
  EXPECT_EQ(error_of(node.open(kBuilder, d, O_RDONLY | O_DIRECTORY)), 0);
  EXPECT_EQ(error_of(node.open(kBuilder, f, O_RDONLY | O_DIRECTORY)), ENOTDIR);
  EXPECT_EQ(error_of(node.open(kBuilder, l, O_RDONLY | O_NOFOLLOW)), ELOOP);
  EXPECT_EQ(error_of(node.open(kBuilder, p, O_RDONLY)), ENXIO);
  Caller alice = kBuilder;
  alice.credentials = {1000, 1000, false};
  EXPECT_EQ(error_of(node.open(alice, f, O_RDONLY)), EACCES);
  EXPECT_EQ(error_of(node.open(alice, f, O_RDONLY | O_TRUNC)), EACCES);
}

TEST_F(NodeTest, HeldInodesOutliveTheirNames) {
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  ASSERT_TRUE(node.open(kBuilder, f, O_RDONLY));
  ASSERT_TRUE(node.unlink(kBuilder, kRoot, "f"));
  ASSERT_TRUE(node.write(kBuilder, f, 0, "ghost"));
  node.unpin(f);
  EXPECT_EQ(node.read(kBuilder, f, 0, 10).value(), "ghost");
  node.unpin(f);
  EXPECT_EQ(error_of(node.read(kBuilder, f, 0, 10)), ESTALE);
  EXPECT_EQ(node.tree().bytes_used(), 0U);
}

TEST_F(NodeTest, ReplacedInodesAreForgotten) {
  const InodeId a = node.create(kBuilder, kRoot, "a", 0644, O_CREAT).value();
  const InodeId b = node.create(kBuilder, kRoot, "b", 0644, O_CREAT).value();
  node.unpin(a);
  node.unpin(b);
  ASSERT_TRUE(node.rename(kBuilder, kRoot, "a", kRoot, "b", RenameFlag::kNone));
  EXPECT_EQ(last().inode, a);
  EXPECT_EQ(last().inode2, b);
  EXPECT_EQ(error_of(node.tree().attributes(b)), ESTALE);
}

TEST_F(NodeTest, LimitSealsTheBuildOnceAndNotTheWorld) {
  std::vector<std::string> what;
  node.on_limit([&](std::string text) { what.push_back(std::move(text)); });
  int made = 0;
  for (int i = 0; i < 100; ++i) made += node.mkdir(kBuilder, kRoot, "d" + std::to_string(i), 0755) ? 1 : 0;
  EXPECT_EQ(made, 51) << "the one too many was done before it was counted";
  EXPECT_EQ(what, std::vector<std::string>{"more than 50 operations"});
  EXPECT_TRUE(node.sealed(Actor::kBuild));
  EXPECT_TRUE(node.mkdir(kKubelet, kRoot, "world", 0755));
}

TEST_F(NodeTest, PastALimitTheBuildStaysSealedInItsNextLifeAndTheJournalStopsGrowing) {
  for (int i = 0; i < 100; ++i) (void)node.mkdir(kBuilder, kRoot, "d" + std::to_string(i), 0755);
  const auto size = node.journal().operations().size();
  node.unseal(Actor::kBuild);
  EXPECT_TRUE(node.sealed(Actor::kBuild));
  EXPECT_FALSE(node.mkdir(kBuilder, kRoot, "again", 0755));
  EXPECT_EQ(node.journal().operations().size(), size);
}

TEST_F(NodeTest, ReadOnlyEntriesAreCapped) {
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(node.get_attributes(kBuilder, kRoot));
  EXPECT_EQ(node.journal().operations().size(), 20U);
  EXPECT_EQ(node.journal().read_only_dropped(), 10U);
  EXPECT_FALSE(node.sealed(Actor::kBuild));
}

TEST_F(NodeTest, AnotherTreeTakesThePlace) {
  const InodeId kept = node.create(kBuilder, kRoot, "kept", 0644, O_CREAT).value();
  const Tree before = node.tree();
  const InodeId lost = node.create(kBuilder, kRoot, "lost", 0644, O_CREAT).value();
  node.replace_tree(before, "power cut");
  EXPECT_EQ(last().describe(), "-- power cut");
  EXPECT_TRUE(node.get_attributes(kBuilder, kept));
  EXPECT_EQ(error_of(node.get_attributes(kBuilder, lost)), ESTALE);
  EXPECT_NE(node.create(kKubelet, kRoot, "fresh", 0644, O_CREAT).value(), lost) << "who holds the lost one must not find another file";
}

TEST_F(NodeTest, OrphansOfAnImageAreReaped) {
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  ASSERT_TRUE(node.unlink(kBuilder, kRoot, "f"));
  ASSERT_TRUE(node.tree().attributes(f)) << "still open";
  const Node rebooted(node.tree(), clock);
  EXPECT_FALSE(rebooted.tree().attributes(f));
}

TEST_F(NodeTest, RemembersWhatWasAskedOfAttributes) {
  const InodeId f = node.create(kBuilder, kRoot, "f", 0644, O_CREAT).value();
  AttributeChange change;
  change.uid = 7;
  ASSERT_TRUE(node.set_attributes(kBuilder, f, change));
  EXPECT_EQ(last().verb, Verb::kSetAttributes);
  ASSERT_NE(last().change, nullptr);
  EXPECT_EQ(last().change->uid, 7U);
  change = {};
  change.size = 100;
  ASSERT_TRUE(node.set_attributes(kBuilder, f, change));
  EXPECT_EQ(last().verb, Verb::kTruncate);
  EXPECT_EQ(last().length, 100U);
}

}  // namespace
}  // namespace entryproof::node
