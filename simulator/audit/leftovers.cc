#include "simulator/audit/leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "simulator/oracles/host.h"
#include "simulator/oracles/redact.h"

namespace entryproof::audit {
namespace {

struct Leftover {
  std::string path;
  std::string name;
  node::Attributes attributes;
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_plugin_copy(std::string_view name) { return name.starts_with("_multus") && (name.size() == 7 || all_digits(name.substr(7))); }

bool is_leftover(std::string_view name) {
  if (is_plugin_copy(name) || name.starts_with(".thin_entrypoint.")) return true;
  if (name == "multus.kubeconfig.new" || name == "00-multus.conf.new" || name == "00-multus.conflist.new") return true;
  const auto temp = name.rfind(".temp");
  return temp != std::string_view::npos && all_digits(name.substr(temp + 5));
}

void collect(const node::Tree& tree, const std::string& directory, std::vector<Leftover>& found, std::vector<std::string>& renamed) {
  const auto inode = oracles::resolve_on_host(tree, directory);
  const auto entries = inode ? tree.list(*inode) : node::refuse(2);
  if (!entries) return;
  for (const node::Entry& entry : *entries) {
    const auto attributes = tree.attributes(entry.inode);
    if (!attributes || entry.type == node::FileType::kDirectory) continue;
    if (is_leftover(entry.name)) found.push_back({oracles::join(directory, entry.name), entry.name, *attributes});
    if (entry.name.ends_with(".conf.old") || entry.name.ends_with(".conflist.old")) renamed.push_back(oracles::join(directory, entry.name));
  }
}

// What the name promises to the build that will find it.
void judge(const Leftover& leftover, Report& report) {
  const auto add = [&](const char* clause, Severity severity, std::string what, std::string consequence) {
    report.findings.push_back(
        {clause, severity, oracles::printable(leftover.path, 400), 0, std::move(what), std::move(consequence), "remove it"});
  };
  const auto& [path, name, attributes] = leftover;
  if (attributes.type == node::FileType::kSymlink && name.ends_with(".new")) {
    return add("SECURE-55", Severity::kRisk, "a link under a temporary name of upstream 4.x",
               "its next start writes through it, the token too");
  }
  if (name.starts_with("00-multus.conf") && attributes.size > 0) {
    return add("ATOM-27", Severity::kRisk,
               fmt::format("a temporary file of {} bytes that upstream 4.x writes over without emptying it", attributes.size),
               "a start whose configuration is shorter publishes it with this one's end: invalid JSON, and no Pod starts");
  }
  if (name == "multus.kubeconfig.new" && (attributes.mode & 077) != 0) {
    return add("SECURE-53", Severity::kRisk, fmt::format("a temporary file of mode {:04o} that upstream 4.x takes over", attributes.mode),
               "the next kubeconfig gets this mode: its token can be read by others");
  }
  if (name == "_multus" && (attributes.mode & 0111) == 0) {
    return add("LIFE-59", Severity::kRisk, "not executable, and 3.9.3 copies into it",
               "the next start of 3.9.3 installs a plugin that cannot be executed");
  }
}

}  // namespace

void add_leftovers(const LeftoverQuestion& question, Report& report) {
  constexpr std::size_t kNamed = 4;
  std::vector<Leftover> found;
  std::vector<std::string> renamed;
  collect(question.tree, question.net_dir, found, renamed);
  collect(question.tree, question.bin_dir, found, renamed);
  collect(question.tree, question.kubeconfig.substr(0, question.kubeconfig.rfind('/')), found, renamed);
  if (!found.empty()) {
    std::uint64_t bytes = 0;
    std::uint64_t copies = 0;
    std::string names;
    for (std::size_t i = 0; i < found.size(); ++i) {
      bytes += found[i].attributes.size;
      if (is_plugin_copy(found[i].name)) ++copies;
      if (i < kNamed) names += (i == 0 ? "" : ", ") + found[i].path;
    }
    if (found.size() > kNamed) names += fmt::format(" and {} more", found.size() - kNamed);
    report.facts.push_back(
        {"leftovers", oracles::printable(fmt::format("{} KiB in {} files: {}", bytes >> 10, found.size(), names), 1000)});
    for (const Leftover& leftover : found) judge(leftover, report);
    if (copies >= 3) {
      report.findings.push_back({"LIFE-59", Severity::kRisk, question.bin_dir, 0,
                                 fmt::format("{} unfinished copies of the plugin, {} MiB with all else", copies, bytes >> 20),
                                 "4.x leaves one at each start that is killed, or finds no room, and removes none: the disk fills up",
                                 "remove _multus* there"});
    }
  }
  if (!renamed.empty()) {
    report.findings.push_back({"UPGRADE-48", Severity::kRisk, oracles::printable(renamed.front(), 400), 0,
                               "a primary's configuration was renamed (--rename-conf-file)",
                               "when Multus' own configuration goes, or 4.x starts again, the node has none at all",
                               "give it its name back before Multus is taken away"});
  }
}

}  // namespace entryproof::audit
