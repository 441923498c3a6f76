// Model: what a file system promises about the order in which changes become durable.
//
// A journal is cut into micro-operations: each change of a name (a rename is one), of an inode's attributes, of a size, of a page. A crash
// keeps a set of them that the model allows: all that a barrier (fsync and its kin) made durable, and of the rest any part that the model's
// order permits. Every model keeps these rules:
//   C1  changes of one name, one inode's attributes, one size, one page stay in order; a page is written as a whole, the last wins;
//   C2  what lies in a directory that is not there is not there either; directories move in order;
//   C3  a size never shows bytes that were not written: the file ends before them (or they read as zero, Holes::kZero);
//   C4  fsync makes data, size and attributes of its file durable, fdatasync all but the attributes;
//   C5  fsync of a directory makes the changes of its names durable, a rename with both its sides;
//   F1  an fsync that failed (an injected error) makes nothing durable, and its pages count as clean: no later fsync writes them.
// docs/durability.md says what each model stands for and what a label means.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace entryproof::durability {

enum class Model : std::uint8_t {
  kKill,   // the process dies, the kernel lives: everything applied stays
  kExt4,   // X1 metadata in one ordered log; X2 fsync commits the log up to the object's last pending change; A1 a rename over a file comes
           // after the source's data; A2 a file that was truncated to nothing is flushed when it is closed
  kXfs,    // X1, X2; a rename may be durable before the data of what it renames
  kBtrfs,  // X1; an fsync keeps that object with its names and new parents, ahead of earlier changes elsewhere
  kPosix,  // no further order: what the standard lets one rely on
};

// From the one that loses least to the one that loses most. A failure is labelled with the first that shows it.
inline constexpr std::array kModels = {Model::kKill, Model::kExt4, Model::kXfs, Model::kBtrfs, Model::kPosix};
// What runs when nothing is said.
inline constexpr std::array kEverydayModels = {Model::kKill, Model::kExt4, Model::kXfs, Model::kPosix};

std::string_view to_string(Model);
std::optional<Model> model_named(std::string_view name);

// How a file reads whose size is durable and whose bytes are not.
enum class Holes : std::uint8_t {
  kShorter,  // it ends where they would begin
  kZero,     // they are zeros
};

struct Rules {
  Holes holes = Holes::kShorter;
  bool compound = false;  // ext4: an fsync commits the whole log up to the call, as the shared transaction of today's kernels usually does
};

}  // namespace entryproof::durability
