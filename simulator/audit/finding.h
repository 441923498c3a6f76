// Finding, Fact, Report: what an audit says.
//
// An audit plays nothing: it reads a node or a manifest and says what is so, what follows from it, and what to do. A Fact is something
// looked at and found; a Finding is a fact that breaks Pods, now or later, or may. What could not be read is named and nothing is concluded
// from it: a report with unread parts and no finding is no verdict. Texts are printable, capped, and hold no byte of a token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::audit {

enum class Severity : std::uint8_t {
  kBroken,     // Pods fail now, or as soon as this is applied
  kWillBreak,  // Pods fail later, with nobody doing anything: a token expires, the entrypoint is restarted
  kRisk,       // Pods fail if something else happens, too; decides with --strict only
};
std::string_view to_string(Severity);  // "broken", "will-break", "risk"

struct Finding {
  std::string clause;  // of scenarios/clauses.json: "EXIST-03"
  Severity severity = Severity::kRisk;
  std::string file;      // the manifest as named, or the host's path on the node
  std::size_t line = 0;  // 1-based; 0: none in particular
  std::string what;
  std::string consequence;
  std::string remedy;
};

struct Fact {
  std::string name;  // one or two words: "selected", "kubeconfig"
  std::string text;
};

struct Unread {
  std::string path;
  std::string reason;
};

struct Report {
  enum class Kind : std::uint8_t { kNode, kManifest };
  Kind kind = Kind::kNode;
  std::string subject;  // the node's root, or "DaemonSet kube-system/multus, container multus"
  std::vector<Fact> facts;
  std::vector<Finding> findings;
  std::vector<Unread> unread;  // only what a conclusion would have needed
};

// The report with every text made fit to be shown: names in manifests and on nodes are whatever somebody wrote.
Report printable(Report report);

// 0 nothing that breaks, 1 findings that break Pods or will (with `strict`: any), 2 no verdict: nothing of that, but something unread, or
// no report at all.
int exit_code(const std::vector<Report>& reports, bool strict);

}  // namespace entryproof::audit
