// Small programs, drawn by numbers, and whether the enumeration and brute force say the same of one: for properties and fuzzers.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "simulator/durability/brute_force_test_support.h"
#include "simulator/durability/model.h"
#include "simulator/durability/trace.h"

namespace entryproof::durability {

// A line of a program (play_test_support.h); each number counts modulo what there is to choose from.
struct Draw {
  unsigned verb = 0;
  unsigned first = 0;   // which file
  unsigned second = 0;  // and which other, of a verb with two
  unsigned size = 0;    // or offset, of a verb that has one
  unsigned actor = 0;   // one in eight lines is the world's
};

// What is there, durable, before a small program begins.
const std::vector<std::string>& small_image();

// The lines that the draws stand for, up to the one that makes more than `most` micro-operations of them. Most can be played, the others
// leave a failed operation.
std::vector<std::string> small_program(const std::vector<Draw>& draws, const Rules& rules, std::size_t most);

// What the enumeration finds, as brute force tells it. An exception if it did not look at everything.
std::set<BruteForce::Outcome> enumerated(const Trace& trace, const Rules& rules, Model model, const std::string& under);

// Where the two disagree about the program on the small image, in any model and with any part of the node watched: what each found, for
// people. Empty: nowhere.
std::string disagreement(const std::vector<std::string>& lines, const Rules& rules);

}  // namespace entryproof::durability
