#include "simulator/runner/ledger.h"

#include <gtest/gtest.h>

namespace entryproof::runner {
namespace {

using oracles::Profile;
using oracles::Status;

constexpr std::string_view kCatalogue =
    R"({"clauses": [{"id": "EXIST-01", "title": "t", "happened": "h", "text": "x", "sources": ["s"], "since": "1",
  "checks": [{"id": "EXIST-01/a", "sentence": "a", "level": "MUST", "profile": "core"},
             {"id": "EXIST-01/b", "sentence": "b", "level": "SHOULD", "profile": "core"},
             {"id": "EXIST-01/c", "sentence": "c", "level": "MUST", "profile": "production"}]}]})";

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto catalogue = oracles::Catalogue::parse(kCatalogue, "test");
    ASSERT_TRUE(catalogue) << catalogue.error().line();
    catalogue_ = std::move(*catalogue);
  }
  oracles::Catalogue catalogue_;
};

TEST_F(LedgerTest, AViolatedMustFailsAndAViolatedShouldWarns) {
  Ledger ledger(catalogue_, Profile::kCore);
  ledger.violate({"EXIST-01/a", "there", "missing", {}});
  ledger.violate({"EXIST-01/b", "there", "missing", {}});
  ASSERT_EQ(ledger.records().size(), 2U);
  EXPECT_EQ(ledger.records()[0].status, Status::kFail);
  EXPECT_EQ(ledger.records()[1].status, Status::kWarn);
  EXPECT_TRUE(ledger.troubled());
}

TEST_F(LedgerTest, KeepsTheWorstAndTheFirstOfEquals) {
  Ledger ledger(catalogue_, Profile::kCore);
  ledger.pass("EXIST-01/a");
  ledger.violate({"EXIST-01/a", "one", "first", {}});
  ledger.violate({"EXIST-01/a", "one", "second", {}});
  ledger.pass("EXIST-01/a");
  ASSERT_EQ(ledger.records().size(), 1U);
  EXPECT_EQ(ledger.records()[0].status, Status::kFail);
  EXPECT_EQ(ledger.records()[0].actual, "first");
}

TEST_F(LedgerTest, LeavesOutWhatTheProfileDoesNotAskAndWhatNobodyKnows) {
  Ledger ledger(catalogue_, Profile::kDurable);
  ledger.pass("EXIST-01/c");
  ledger.pass("EXIST-01/zzz");
  EXPECT_TRUE(ledger.records().empty());
  EXPECT_FALSE(ledger.wanted("EXIST-01/c"));
}

TEST_F(LedgerTest, NotTestedCarriesItsReason) {
  Ledger ledger(catalogue_, Profile::kCore);
  ledger.not_tested("EXIST-01/a", "no network here");
  EXPECT_EQ(ledger.records().at(0).status, Status::kNotTested);
  EXPECT_EQ(ledger.records().at(0).actual, "no network here");
  EXPECT_FALSE(ledger.troubled());
}

}  // namespace
}  // namespace entryproof::runner
