// Any lines as the reference's command line and environment: options that keep their own rules, or one line that says what is wrong. A line
// NAME=VALUE in capitals is a variable, every other one an argument.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/targets.h"
#include "reference/options.h"

namespace entryproof::fuzz {

namespace {

bool is_variable(std::string_view line) {
  const auto equals = line.find('=');
  if (equals == 0 || equals == std::string_view::npos) return false;
  return std::ranges::all_of(line.substr(0, equals), [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

}  // namespace

void reference_options(std::string_view bytes) {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (is_variable(line)) {
      environment[std::string(line.substr(0, line.find('=')))] = line.substr(line.find('=') + 1);
    } else {
      arguments.emplace_back(line);
    }
  }
  const auto parsed = reference::parse_options(arguments, environment);
  if (!parsed) {
    demand(!parsed.error().message.empty() && parsed.error().message.find('\n') == std::string::npos);
    return;
  }
  if (parsed->help || parsed->version) return;
  demand(parsed->poll_interval.count() > 0);
  demand((parsed->kubeconfig_mode & ~mode_t{0777}) == 0);
  demand(!parsed->multus_conf_file.empty() && !parsed->cni_conf_dir.empty());
  for (const auto& warning : parsed->warnings) demand(warning.find('\n') == std::string::npos);
  // The same words give the same options.
  demand(reference::parse_options(arguments, environment)->multus_conf_file == parsed->multus_conf_file);
}

}  // namespace entryproof::fuzz
