// Targets: what is fuzzed, each a function of any bytes that aborts where something that must always hold does not.
//
// libFuzzer drives one target for each program (engine.cc); fuzz_replay has all of them and gives each its corpus once, which is how every
// build proves that what was ever found stays fixed. A target keeps no state that changes what a later input does: one input, one answer.
#pragma once

#include <cstdlib>
#include <span>
#include <string_view>

#include "fuzz/mutator.h"

namespace entryproof::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view bytes) = nullptr;
  Grammar grammar = Grammar::kBytes;  // how its inputs are best changed
};

std::span<const Target> targets();

// What must hold, always: a fuzzer sees an abort.
inline void demand(bool holds) {
  if (!holds) std::abort();
}

// What people are told is one line, and says something.
inline bool is_line(std::string_view text) { return !text.empty() && text.find('\n') == std::string_view::npos; }

// --- one for each file NAME_fuzz.cc ---
void api_request(std::string_view bytes);
void catalogue(std::string_view bytes);
void chain(std::string_view bytes);
void cni_config(std::string_view bytes);
void durability(std::string_view bytes);
void fault_plan(std::string_view bytes);
void jwt(std::string_view bytes);
void kubeconfig(std::string_view bytes);
void manifest(std::string_view bytes);
void node_root(std::string_view bytes);
void node_sequence(std::string_view bytes);
void pem(std::string_view bytes);
void reference_credentials(std::string_view bytes);
void reference_manual(std::string_view bytes);
void reference_options(std::string_view bytes);
void reference_primary(std::string_view bytes);
void scenario(std::string_view bytes);
void token(std::string_view bytes);
void yaml(std::string_view bytes);

}  // namespace entryproof::fuzz
