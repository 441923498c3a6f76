// Mutants: the reference with one defect each, by name.
//
// A mutant is the reference over a Host that does one thing wrong (misbehaviour.h says how), and each defect has been seen in the field and
// says where. The tables that name them stand by theme, a file each (misbehaviour.h lists them). Each entry names the checks that go red,
// so that a check that nothing turns red can be told from one that works; the suite's tests hold that list true.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/host.h"

namespace entryproof::subjects {

struct MutantInfo {
  std::string name;                // "kubeconfig-in-place"
  std::string defect;              // one sentence
  std::string origin;              // the clause that it breaks, and where the defect was seen
  std::vector<std::string> kills;  // checks that it turns red, among others
};

// All of them, sorted by name.
const std::vector<MutantInfo>& mutants();

// One life of a mutant, as main() of the reference leads one: turn() until it says exit, stop() when TERM or INT comes.
class MutantLife {
 public:
  // `arguments` without the program's name; `host` must outlive the object. Null if there is no mutant of that name.
  static std::unique_ptr<MutantLife> begin(std::string_view name, reference::Host& host, std::vector<std::string> arguments,
                                           const std::map<std::string, std::string>& environment);
  ~MutantLife();
  reference::Turn turn();
  std::optional<int> stop();  // the exit status; unset: it goes on

 private:
  class State;
  explicit MutantLife(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace entryproof::subjects
