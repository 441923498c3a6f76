#include "simulator/node/journal.h"

#include <gtest/gtest.h>

#include <cerrno>

#include <memory>
#include <string>

namespace entryproof::node {
namespace {

Operation operation(Verb verb, std::string path = "/f") {
  Operation made;
  made.verb = verb;
  made.path = std::move(path);
  return made;
}

TEST(Journal, NumbersWhatItKeeps) {
  Journal journal(Journal::Limits{.read_only_entries = 1});
  EXPECT_TRUE(journal.append(operation(Verb::kCreate)));
  EXPECT_TRUE(journal.append(operation(Verb::kLookup)));
  EXPECT_FALSE(journal.keeps(Verb::kLookup));
  EXPECT_TRUE(journal.append(operation(Verb::kLookup)));
  EXPECT_TRUE(journal.append(operation(Verb::kMark)));
  ASSERT_EQ(journal.operations().size(), 3U);
  EXPECT_EQ(journal.operations().back().seq, 3U);
  EXPECT_EQ(journal.read_only_dropped(), 1U);
  EXPECT_EQ(journal.counted(), 2U);
  EXPECT_FALSE(journal.exceeded());
}

TEST(Journal, EndsTheRunPastItsOperations) {
  Journal journal(Journal::Limits{.operations = 2});
  EXPECT_TRUE(journal.append(operation(Verb::kFsync)));
  EXPECT_TRUE(journal.append(operation(Verb::kMark)));
  EXPECT_FALSE(journal.append(operation(Verb::kFsync)));
  EXPECT_EQ(journal.operations().size(), 3U) << "the entry that went too far is kept";
  EXPECT_FALSE(journal.append(operation(Verb::kRead))) << "and it stays so";
}

TEST(Journal, EndsTheRunPastItsBytes) {
  Journal journal(Journal::Limits{.bytes = 10});
  Operation write = operation(Verb::kWrite);
  write.data = std::make_shared<const std::string>("12345678");
  EXPECT_TRUE(journal.append(write));
  EXPECT_FALSE(journal.append(write));
  EXPECT_EQ(journal.bytes(), 16U);
}

TEST(Journal, CountsMutationsAndBarriersOnly) {
  EXPECT_TRUE(counts(Verb::kCreate));
  EXPECT_TRUE(counts(Verb::kFsyncDirectory));
  EXPECT_FALSE(counts(Verb::kLookup));
  EXPECT_FALSE(counts(Verb::kOpen));
  EXPECT_FALSE(counts(Verb::kMark));
}

TEST(Journal, SpeaksToPeople) {
  Operation rename = operation(Verb::kRename, "/net.d/a.new");
  rename.path2 = "/net.d/a";
  EXPECT_EQ(rename.describe(), "rename /net.d/a.new -> /net.d/a: ok");
  Operation write = operation(Verb::kWrite);
  write.length = 4;
  write.offset = 10;
  write.data = std::make_shared<const std::string>("ab");
  EXPECT_EQ(write.describe(), "write /f (4 bytes at 10, 2 written): ok");
  Operation failed = operation(Verb::kMkdir);
  failed.result = ENOSPC;
  failed.injected = true;
  EXPECT_EQ(failed.describe(), "mkdir /f: No space left on device (ENOSPC) [injected]");
  Operation mark;
  mark.name = "start build";
  EXPECT_EQ(mark.describe(), "-- start build");
}

}  // namespace
}  // namespace entryproof::node
