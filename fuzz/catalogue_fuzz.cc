// Any bytes as clauses.json: a catalogue in which every check is found under its id, or one refusal that says where.
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/oracles/catalogue.h"

namespace entryproof::fuzz {

void catalogue(std::string_view bytes) {
  const auto read = oracles::Catalogue::parse(bytes, "fuzzed.json");
  if (!read) {
    demand(!read.error().message.empty() && read.error().line().find('\n') == std::string::npos);
    return;
  }
  for (const auto& clause : read->clauses()) {
    demand(read->find_clause(clause.id) == &clause);
    for (const auto& check : clause.checks) {
      demand(read->find_check(check.id) == &check);
      demand(!check.sentence.empty() && check.id.starts_with(clause.id + "/"));
    }
  }
}

}  // namespace entryproof::fuzz
