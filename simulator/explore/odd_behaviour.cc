#include "simulator/explore/odd_behaviour.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <set>

#include "simulator/node/view.h"
#include "simulator/oracles/json_value.h"
#include "simulator/runner/demands.h"

namespace entryproof::explore {

namespace {

constexpr std::size_t kMostLines = 12;
constexpr std::size_t kMostOfLine = 60;
constexpr std::size_t kMostDepth = 3;

// The members of a document, their kinds and no values.
void outline(const oracles::JsonValue& value, std::size_t depth, std::string& out) {
  out += static_cast<char>('0' + static_cast<int>(value.kind));
  if (depth == kMostDepth) return;
  for (const auto& member : value.members) {
    out += member.name.substr(0, 12);
    outline(member.value, depth + 1, out);
  }
  if (!value.items.empty()) outline(value.items.front(), depth + 1, out);
}

}  // namespace

std::string message_class(std::string_view line) {
  std::string made;
  for (std::size_t at = 0; at < line.size() && made.size() < kMostOfLine; ++at) {
    const char c = line[at];
    if (c == '"' || c == '\'') {
      const auto end = line.find(c, at + 1);
      if (end != std::string_view::npos) at = end;
      made += 'Q';
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      if (made.empty() || made.back() != 'N') made += 'N';
    } else {
      made += c;
    }
  }
  return made;
}

void OddBehaviour::on_operation(const node::Operation& operation, const node::Tree&, const std::vector<oracles::Finding>& found) {
  if (operation.actor != node::Actor::kBuild) return;
  ++verbs_.at(static_cast<std::size_t>(operation.verb) % verbs_.size());
  for (const auto& finding : found) text_ += finding.check + ";";
}

void OddBehaviour::on_finding(const oracles::Finding& finding, const node::Tree&) {
  text_ += finding.check + ":" + message_class(finding.actual) + ";";
}

void OddBehaviour::on_close(runner::World& world) {
  const auto life = world.life("build");
  text_ += runner::describe(life) + "\n";
  for (const unsigned count : verbs_) text_ += static_cast<char>('a' + std::bit_width(count));
  std::set<std::string> kinds;
  std::string_view rest = life.output;
  for (std::size_t lines = 0; !rest.empty() && lines < kMostLines; ++lines) {
    const auto end = std::min(rest.find('\n'), rest.size());
    kinds.insert(message_class(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const auto& kind : kinds) text_ += "\n" + kind;
  const auto tree = world.look();
  const auto directory = tree ? node::View().resolve(*tree, {}, "/etc/cni/net.d") : node::refuse(ENOENT);
  const auto entries = directory ? tree->list(*directory) : node::refuse(ENOENT);
  if (!entries) return;
  for (const auto& entry : *entries) {
    text_ += "\n" + message_class(entry.name);
    const auto bytes = entry.name.starts_with("10-") ? node::refuse(ENOENT) : tree->read_all(entry.inode, 1U << 18);
    std::string reason;
    const auto value = bytes ? oracles::parse_json_value(*bytes, reason) : std::nullopt;
    if (value) outline(*value, 0, text_);
  }
}

}  // namespace entryproof::explore
