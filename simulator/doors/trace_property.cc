// Whatever a program does, its journal can be taken apart: all of it together is the node as it stood, and any part is a node.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/doors/posix_targets.h"
#include "simulator/durability/pick.h"
#include "simulator/node/node.h"

namespace entryproof::doors {
namespace {

using durability::Model;

std::vector<node::PosixCall> some_calls() {
  const auto numbers =
      *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::noShrink(rc::gen::resize(100, rc::gen::arbitrary<std::uint64_t>())));
  std::vector<node::PosixCall> calls;
  for (const std::uint64_t number : numbers) calls.push_back(node::PosixCall::from(number));
  return calls;
}

std::vector<std::string> inventory_of(const node::Tree& tree) {
  const VirtualClock clock;
  node::Node node(tree, clock);
  MemoryProcess process(node, node::View(), node::Caller{});
  MemoryTarget target(process);
  return node::inventory(target);
}

void play(node::Node& node, const std::vector<node::PosixCall>& calls, const node::Credentials& who) {
  MemoryProcess process(node, node::View(), node::Caller{node::Actor::kBuild, who, 0022, 1});
  MemoryTarget target(process);
  (void)node::play(target, calls);
}

// As many names as links, and no inode without one.
void expect_sound(const node::Tree& tree) {
  std::vector<node::InodeId> open{node::kRoot};
  std::uint64_t reached = 0;
  std::vector<node::InodeId> seen;
  while (!open.empty()) {
    const node::InodeId inode = open.back();
    open.pop_back();
    if (std::find(seen.begin(), seen.end(), inode) != seen.end()) continue;
    seen.push_back(inode);
    ++reached;
    const node::Attributes is = tree.attributes(inode).value();
    if (is.type != node::FileType::kDirectory) {
      RC_ASSERT(is.links == tree.names_of(inode).size());
      continue;
    }
    std::uint32_t below = 0;
    const auto entries = tree.list(inode).value();
    for (const node::Entry& entry : entries) {
      below += entry.type == node::FileType::kDirectory ? 1 : 0;
      open.push_back(entry.inode);
    }
    RC_ASSERT(is.links == 2 + below);
  }
  RC_ASSERT(reached == tree.inodes_used());
}

void expect_a_trace(const node::Credentials& who) {
  const VirtualClock clock;
  node::Tree root;
  node::AttributeChange everybody;
  everybody.mode = 0777;
  RC_ASSERT(root.set_attributes({}, node::kRoot, everybody, 0).has_value());
  node::Node before(root, clock);
  play(before, some_calls(), who);
  node::Node node(before.tree(), clock);
  const node::Tree image = node.tree();
  play(node, some_calls(), who);

  durability::Trace trace;
  trace.image = image;
  trace.operations = node.journal().operations();
  const auto program = durability::Program::compile(trace, {"/"});
  if (!program) RC_FAIL(program.error().line());
  const auto now = inventory_of(node.tree());
  RC_ASSERT(inventory_of(durability::pick(*program, Model::kKill, durability::LeastDurable{})->tree) == now);
  RC_ASSERT(inventory_of(durability::pick(*program, Model::kPosix, durability::Lose{})->tree) == now);
  for (const Model model : durability::kModels) {
    expect_sound(durability::pick(*program, model, durability::LeastDurable{})->tree);
    expect_sound(durability::pick(*program, model, durability::Seeded{*rc::gen::arbitrary<std::uint64_t>()})->tree);
  }
}

TEST(Trace, OfRootCanBeTakenApart) {
  EXPECT_TRUE(rc::check("all of it is the node, any part is a node", [] { expect_a_trace({}); }));
}

TEST(Trace, OfAnUnprivilegedUserCanBeTakenApart) {
  EXPECT_TRUE(rc::check("all of it is the node, any part is a node", [] { expect_a_trace({65534, 65534, false}); }));
}

}  // namespace
}  // namespace entryproof::doors
