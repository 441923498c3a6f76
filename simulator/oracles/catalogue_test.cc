#include "simulator/oracles/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace entryproof::oracles {
namespace {

using testing::HasSubstr;

constexpr const char* kText = R"({"clauses": [
  {"id": "EXIST-01", "title": "Manual mode", "happened": "Pods failed.", "text": "It MUST exist.", "sources": ["multus#1295"], "since": "0.1",
   "checks": [{"id": "EXIST-01/manual-fresh-node", "sentence": "A kubeconfig is there.", "level": "MUST", "profile": "core"},
              {"id": "EXIST-01/live-one", "sentence": "Always.", "level": "SHOULD", "profile": "durable", "live": true,
               "needs": ["see-every-operation"]}]},
  {"id": "UPGRADE-M1", "title": "An upgrade", "text": "It MUST be fresh.", "checks": []}
]})";

TEST(Catalogue, FindsClausesAndChecks) {
  const Result<Catalogue> catalogue = Catalogue::parse(kText, "clauses.json");
  ASSERT_TRUE(catalogue) << catalogue.error().line();
  EXPECT_EQ(catalogue->clauses().size(), 2U);
  const Check* check = catalogue->find_check("EXIST-01/live-one");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->level, Level::kShould);
  EXPECT_EQ(check->profile, Profile::kDurable);
  ASSERT_EQ(check->needs.size(), 1U);
  EXPECT_EQ(check->needs[0], Need::kSeeEveryOperation);
  EXPECT_EQ(catalogue->live_checks(), std::vector<const Check*>{check});
  EXPECT_EQ(catalogue->find_clause("EXIST-01")->sources.front(), "multus#1295");
  EXPECT_EQ(catalogue->find_check("EXIST-01/nothing"), nullptr);
  EXPECT_EQ(catalogue->find_clause("EXIST-02"), nullptr);
  EXPECT_EQ(catalogue->digest().size(), 64U);
}

struct Edit {
  const char* from;
  const char* to;
  const char* message;
};

class CatalogueRefused : public testing::TestWithParam<Edit> {};

TEST_P(CatalogueRefused, WithPlaceAndReason) {
  std::string text = kText;
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(GetParam().from).size(), GetParam().to);
  const Result<Catalogue> catalogue = Catalogue::parse(text, "clauses.json");
  ASSERT_FALSE(catalogue);
  EXPECT_THAT(catalogue.error().line(), HasSubstr(GetParam().message));
  EXPECT_THAT(catalogue.error().line(), HasSubstr("clauses.json:"));
}

INSTANTIATE_TEST_SUITE_P(
    Catalogue, CatalogueRefused,
    testing::Values(Edit{"\"since\"", "\"sinse\"", "(/clauses/0/sinse): unknown key"},
                    Edit{"\"title\": \"Manual mode\",", "", "\"title\" is missing"},
                    Edit{"\"A kubeconfig is there.\"", "\"\"", "says nothing"},
                    Edit{"\"MUST\", \"profile\": \"core\"", "\"MUST\", \"profile\": \"all\"", "not core"},
                    Edit{"\"SHOULD\"", "\"should\"", "not MUST"}, Edit{"EXIST-01/live-one", "EXIST-01/manual-fresh-node", "already"},
                    Edit{"EXIST-01/live-one", "EXIST-02/live-one", "does not begin with its clause"},
                    Edit{"EXIST-01/live-one", "EXIST-01/Live", "not of the form"}, Edit{"UPGRADE-M1", "EXIST-01", "already"},
                    Edit{"UPGRADE-M1", "upgrade", "not of the form"}, Edit{"see-every-operation", "luck", "unknown need"},
                    Edit{"\"live\": true", "\"live\": 1", "not true or false"}, Edit{"[\"multus#1295\"]", "[1]", "not a text"},
                    Edit{"\"checks\": []", "\"checks\": {}", "not a list"},
                    Edit{"\"title\": \"An upgrade\"", "\"id\": \"X-1\"", "duplicate"}));

TEST(Check, IdsHaveOneForm) {
  for (const char* id : {"EXIST-01/manual-fresh-node", "UPGRADE-M1/x", "A-1/0"}) EXPECT_TRUE(is_check_id(id)) << id;
  for (const char* id :
       {"", "EXIST-01", "EXIST-01/", "exist-01/x", "EXIST-/x", "EXIST-M/x", "EXIST01/x", "EXIST-01/X", "EXIST-01/a b", "EXIST-01/a/b"}) {
    EXPECT_FALSE(is_check_id(id)) << id;
  }
}

TEST(Check, WordsGoBothWays) {
  for (const Status status :
       {Status::kPass, Status::kFail, Status::kWarn, Status::kKnown, Status::kNotTested, Status::kUnknown, Status::kError}) {
    EXPECT_EQ(status_from(to_string(status)), status);
  }
  EXPECT_EQ(level_from("MAY"), Level::kMay);
  EXPECT_EQ(profile_from("production"), Profile::kProduction);
  EXPECT_EQ(need_from("virtual-time"), Need::kVirtualTime);
  EXPECT_EQ(level_from("must"), std::nullopt);
  EXPECT_EQ(status_from(""), std::nullopt);
}

TEST(Check, TheWorstStatusWins) {
  const std::vector<Status> order{Status::kPass,    Status::kNotTested, Status::kKnown, Status::kWarn,
                                  Status::kUnknown, Status::kFail,      Status::kError};
  for (std::size_t i = 1; i < order.size(); ++i) EXPECT_LT(severity(order[i - 1]), severity(order[i]));
}

}  // namespace
}  // namespace entryproof::oracles
