// The litmus table: what each model allows after a tiny program, and nothing else. The crash comes when the program has ended.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "simulator/durability/play_test_support.h"
#include "simulator/durability/survey.h"

namespace entryproof::durability {
namespace {

using nlohmann::json;

json table() {
  std::ifstream file(std::string(ENTRYPROOF_SOURCE_DIR) + "/simulator/durability/litmus.json");
  return json::parse(file);
}

std::set<std::string> outcomes(const Program& program, Model model, const std::vector<std::string>& looks, std::size_t told) {
  std::set<std::string> found;
  const Coverage coverage = visit(program, model, [&](const CrashState& state) {
    if (state.acknowledged < told) return true;
    const node::Tree tree = state.tree();
    std::string line;
    for (const std::string& what : looks) line += (line.empty() ? "" : " | ") + look(tree, what);
    found.insert(line);
    return true;
  });
  EXPECT_TRUE(coverage.bounds.empty());
  return found;
}

// The models that a key of the row names: "ext4 xfs".
std::set<Model> models_of(const std::string& key) {
  std::istringstream words(key);
  std::set<Model> models;
  for (std::string word; words >> word;) {
    if (const auto model = model_named(word)) models.insert(*model);
  }
  return models;
}

TEST(Litmus, EveryModelAllowsWhatTheTableSaysAndNothingElse) {
  const json rows = table();
  ASSERT_GE(rows.size(), 30U);
  for (const json& row : rows) {
    SCOPED_TRACE(row["name"].get<std::string>() + " (" + row["source"].get<std::string>() + ")");
    auto lines = row["program"].get<std::vector<std::string>>();
    lines.push_back("told end");
    const Play play(row["image"].get<std::vector<std::string>>(), lines);
    Rules rules;
    rules.compound = row.value("compound", false);
    if (row.value("holes", "shorter") == "zero") rules.holes = Holes::kZero;
    const auto program = Program::compile(play.trace(), {"/"}, rules);
    ASSERT_TRUE(program) << program.error().line();
    std::set<Model> covered;
    for (const auto& [key, expected] : row.items()) {
      for (const Model model : models_of(key)) {
        EXPECT_TRUE(covered.insert(model).second) << to_string(model) << " twice";
        EXPECT_EQ(outcomes(*program, model, row["look"], 1), expected.get<std::set<std::string>>()) << to_string(model);
      }
    }
    EXPECT_EQ(covered.size(), kModels.size()) << "a model is missing";
  }
}

}  // namespace
}  // namespace entryproof::durability
