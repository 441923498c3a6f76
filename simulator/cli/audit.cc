// `entryproof audit`: nodes and manifests, read and judged; nothing is played, written or executed.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "simulator/audit/manifest_audit.h"
#include "simulator/audit/node_audit.h"
#include "simulator/base/clock.h"
#include "simulator/cli/commands.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;

// A node's root has what every node has; any other directory is a folder of manifests.
bool is_node_root(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return false;
  constexpr std::array kOfEveryNode{"/etc", "/var", "/opt"};
  return std::ranges::any_of(kOfEveryNode, [&](const char* name) { return fs::is_directory(path + name, error); });
}

Result<> read_standard_input(audit::Manifests& manifests) {
  constexpr std::size_t kBytesMax = std::size_t{8} << 20;
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() <= kBytesMax && std::cin.read(buffer.data(), buffer.size()).gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(std::cin.gcount()));
  }
  if (text.size() > kBytesMax) return fail(ErrorCode::kLimit, fmt::format("more than {} bytes", kBytesMax), "standard input");
  return audit::read_manifest(text, "-", manifests);
}

}  // namespace

int audit_command(const AuditCommand& command, Streams& streams) {
  const std::int64_t now = command.now.value_or(RealClock().wall_ns() / 1'000'000'000);
  std::vector<audit::Report> reports;
  audit::Manifests manifests;  // of all files together: a ConfigMap may lie beside the DaemonSet that mounts it
  bool any_manifest = false;
  for (const std::string& subject : command.subjects) {
    if (is_node_root(subject)) {
      auto report = audit::audit_node({.root = subject, .now = now, .net_dir = command.net_dir, .bin_dir = command.bin_dir});
      if (!report) return complain(streams, report.error());
      reports.push_back(std::move(*report));
      continue;
    }
    any_manifest = true;
    const auto read = subject == "-" ? read_standard_input(manifests) : audit::load_manifests(subject, manifests);
    if (!read) return complain(streams, read.error());
  }
  auto judged = audit::audit_manifests(manifests);
  if (any_manifest && judged.empty()) {
    return complain(streams,
                    {ErrorCode::kInvalidInput,
                     fmt::format("no entrypoint is deployed there: {} workloads, none with a container that is known by its command, "
                                 "its flags or its image (and no node's root: that has /etc)",
                                 manifests.workloads.size()),
                     {}});
  }
  std::ranges::move(judged, std::back_inserter(reports));
  reports::AuditView view = command.view;
  view.color = view.format == reports::AuditFormat::kText && streams.colored(command.color);
  streams.out << reports::render_audit(reports, view);
  return exit_code(reports, view.strict);
}

}  // namespace entryproof::cli
