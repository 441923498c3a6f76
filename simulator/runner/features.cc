#include "simulator/runner/features.h"

#include <algorithm>
#include <array>

namespace entryproof::runner {
namespace {

struct Feature {
  std::string_view name;
  std::string_view reference;
};

constexpr std::array kFeatures{
    Feature{"api-server", "--api-server={}"},                // URL of the API server, before the Pod's variables
    Feature{"ca-file", "--ca-file={}"},                      // where the CA is
    Feature{"kubeconfig-policy", "--kubeconfig-policy={}"},  // who provides the kubeconfig: "always", "if-missing", "never" the build
    Feature{"once", "--once"},                               // install, then end
    Feature{"token-file", "--token-file={}"},                // where the token is
    Feature{"uninstall", "uninstall"},                       // remove what was installed, then end
};

}  // namespace

bool is_feature(std::string_view name) { return std::ranges::find(kFeatures, name, &Feature::name) != kFeatures.end(); }

std::set<std::string> all_features() {
  std::set<std::string> names;
  for (const Feature& feature : kFeatures) names.emplace(feature.name);
  return names;
}

std::string features_in_words() {
  std::string words;
  for (const Feature& feature : kFeatures) words += (words.empty() ? "" : ", ") + std::string(feature.name);
  return words;
}

std::vector<std::string> spelled(std::string_view spelling, std::string_view value) {
  std::vector<std::string> words;
  while (!spelling.empty()) {
    const std::size_t end = std::min(spelling.find(' '), spelling.size());
    std::string word(spelling.substr(0, end));
    spelling.remove_prefix(std::min(end + 1, spelling.size()));
    if (word.empty()) continue;
    if (const std::size_t at = word.find("{}"); at != std::string::npos) word.replace(at, 2, value);
    words.push_back(std::move(word));
  }
  return words;
}

std::string_view reference_spelling(std::string_view feature) {
  const auto* found = std::ranges::find(kFeatures, feature, &Feature::name);
  return found == kFeatures.end() ? std::string_view{} : found->reference;
}

}  // namespace entryproof::runner
