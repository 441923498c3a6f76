// Play: small programs in words, played on a node, for tests and benchmarks of durability.
//
//   create P [MODE]    write P TEXT     append P TEXT    at P OFFSET TEXT    pages P LETTERS    truncate P SIZE    empty P (O_TRUNC)
//   rename A B         exchange A B     link A B         unlink P            mkdir P            rmdir P            symlink TARGET P
//   chmod P MODE       allocate P SIZE  fsync P          fdatasync P         fail-fsync P       told WORD
//
// `write` writes at 0, `pages` a page full of each letter. "world: …" is done by the world. A file is written through the inode that its
// path led to when it was first used, as by a descriptor; "new:P" looks again.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/durability/trace.h"
#include "simulator/node/node.h"

namespace entryproof::durability {

// Everything that the lines of `image` make is durable.
class Play {
 public:
  // With `strict`, a line that fails is an exception: a mistake in the test.
  Play(const std::vector<std::string>& image, const std::vector<std::string>& program, bool strict = true);
  ~Play();

  const Trace& trace() const { return trace_; }
  const node::Node& node() const;

 private:
  struct Stage;
  std::unique_ptr<Stage> stage_;
  Trace trace_;
};

// What is at a path: "-" nothing, "dir", "-> target", "0" an empty file, its text ("." for a zero), of long ones a letter for each page.
// "mode P" gives the mode, "is A B" whether both are the same file.
std::string look(const node::Tree& tree, const std::string& what);

// The whole tree in one line for each name: path, type, mode, owner, content.
std::vector<std::string> inventory(const node::Tree& tree);

}  // namespace entryproof::durability
