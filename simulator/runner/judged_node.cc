#include "simulator/runner/judged_node.h"

#include <utility>

#include "simulator/runner/play.h"

namespace entryproof::runner {

namespace {

using namespace std::chrono_literals;

bool never() { return false; }

constexpr node::Journal::Limits kChangesOnly{.read_only_entries = 0};  // no oracle asks what was looked at

}  // namespace

JudgedNode::JudgedNode(const Site& site, std::uint64_t seed, bool http_allowed)
    : layout_(layout_of(site)), judge_(layout_, http_allowed), node_(site, seed, &judge_, kChangesOnly) {
  reset(site.image());
}

void JudgedNode::reset(node::Tree tree) {
  node_.reset(std::move(tree));
  judge_.restart(node_.node().tree());
}

Result<Woke> JudgedNode::live(const Start& start, Duration within) {
  if (auto done = node_.start("build", start); !done) return std::unexpected(done.error());
  return rest(within);
}

Woke JudgedNode::rest(Duration within) { return node_.pass(node_.clock().now() + within, never, kRest); }

}  // namespace entryproof::runner
