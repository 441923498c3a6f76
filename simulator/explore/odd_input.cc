#include "simulator/explore/odd_input.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "simulator/base/json.h"
#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/json_value.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::explore {

namespace {

using Json = nlohmann::ordered_json;
using oracles::JsonValue;

constexpr std::array<std::string_view, kOddParts> kPartNames = {"primary", "manual", "token", "ca", "environment", "flags"};
constexpr std::string_view kKubeconfig = "/etc/cni/net.d/multus.d/multus.kubeconfig";
constexpr std::string_view kNetDirectory = "/host/etc/cni/net.d/";
constexpr std::string_view kAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

// A kubeconfig that an earlier life left: valid, with a token of its own.
constexpr std::string_view kEarlierKubeconfig = R"(apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: https://10.96.0.1:443
    insecure-skip-tls-verify: true
users:
- name: multus
  user:
    token: "earlier.token.value"
contexts:
- name: multus-context
  context:
    cluster: local
    user: multus
current-context: multus-context
)";

// The configuration of an earlier life, in the form of the 4.x entrypoints.
constexpr std::string_view kEarlierConfiguration =
    R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig",)"
    R"("delegates":[{"cniVersion":"0.3.1","name":"cbr0","type":"bridge"}]})";

bool is_text(std::string_view bytes) {
  // "${" stands for a value of a scenario's table.
  if (bytes.find('\0') != std::string_view::npos || bytes.find("${") != std::string_view::npos) return false;
  try {
    static_cast<void>(Json(bytes).dump());
    return true;
  } catch (const nlohmann::json::exception&) {  // no UTF-8
    return false;
  }
}

// --- what clients agree on ---

constexpr std::array<std::string_view, 7> kVersions = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};

bool is_plain_name(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() < 60 && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         std::ranges::all_of(name, fits);
}

// As Go finds a member: letters of either case.
bool is_called(std::string_view name, std::string_view lower) {
  return std::ranges::equal(name, lower, [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

// Members to which libcni, runtimes or entrypoints give a type of their own.
constexpr std::array<std::string_view, 22> kTyped = {"cniVersion",
                                                     "name",
                                                     "type",
                                                     "plugins",
                                                     "capabilities",
                                                     "ipam",
                                                     "dns",
                                                     "prevResult",
                                                     "args",
                                                     "runtimeConfig",
                                                     "disableCheck",
                                                     "disableGC",
                                                     "cniVersions",
                                                     "delegates",
                                                     "kubeconfig",
                                                     "logFile",
                                                     "logLevel",
                                                     "binDir",
                                                     "validAttachments",
                                                     "cni.dev/attachments",
                                                     "clusterNetwork",
                                                     "loadOnlyInlinedPlugins"};

// How the member is spelt that Go would take this one for; "" if it is none of those.
std::string_view typed_as(std::string_view name) {
  const auto same = [&](std::string_view typed) {
    return std::ranges::equal(name, typed, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  };
  const auto found = std::ranges::find_if(kTyped, same);
  return found == kTyped.end() ? std::string_view() : *found;
}

// Whether readers in every language read the same from it: no odd spelling of a key that matters, no number past a double, no great depth.
bool undisputed(const JsonValue& value, std::size_t depth) {
  if (depth > 30) return false;
  if (value.is(JsonValue::Kind::kNumber)) return std::isfinite(value.number()) && value.text.size() < 40;
  for (const auto& item : value.items) {
    if (!undisputed(item, depth + 1)) return false;
  }
  for (const auto& member : value.members) {
    if (const auto typed = typed_as(member.name); !typed.empty() && typed != member.name) return false;
    if (!undisputed(member.value, depth + 1)) return false;
  }
  return true;
}

// A plugin's own members have the types that libcni gives them.
bool well_typed(const JsonValue& plugin) {
  if (!plugin.is(JsonValue::Kind::kObject) || !is_plain_name(plugin.text_of("type"))) return false;
  for (const auto& member : plugin.members) {
    const auto& value = member.value;
    if (member.name == "capabilities") {
      const bool flags = value.is(JsonValue::Kind::kObject) &&
                         std::ranges::all_of(value.members, [](const auto& each) { return each.value.is(JsonValue::Kind::kBool); });
      if (!flags) return false;
    } else if (member.name == "ipam") {
      if (!value.is(JsonValue::Kind::kObject) || !is_plain_name(value.text_of("type"))) return false;
    } else if (member.name != "type" && member.name != "name" && member.name != "cniVersion" && !typed_as(member.name).empty()) {
      return false;
    }
  }
  return true;
}

// One that libcni takes and about which nobody can be of two minds.
bool surely_good(const OddInput& input, const oracles::CniConfig& config) {
  if (input.bytes.size() > (64U << 10) || (input.part == OddPart::kManual && !is_text(input.bytes))) return false;
  if (!JsonDocument::parse(input.bytes, "input")) return false;  // no duplicate keys, no broken text
  std::string reason;
  const auto document = oracles::parse_json_value(input.bytes, reason);
  if (!document || !undisputed(*document, 0)) return false;
  if (!is_plain_name(config.name) || std::ranges::find(kVersions, config.cni_version) == kVersions.end()) return false;
  if (input.part == OddPart::kManual) {
    // A list of several versions, a second plugin: as good, but what each entrypoint allows differs.
    return !input.list && config.own() && config.kubeconfig == kKubeconfig && !config.self_delegating && config.delegates.size() == 1 &&
           document->text_of("type") == "multus";
  }
  if (config.multus_depth != 0) return false;
  // A version from 1.0.0 on in a single file is nothing that the field has agreed on.
  if (!input.list) return document->find("plugins") == nullptr && !config.cni_version.starts_with("1.") && well_typed(*document);
  const auto* plugins = document->find("plugins");
  if (plugins == nullptr || plugins->items.empty() || document->find("type") != nullptr) return false;
  for (const auto& member : document->members) {
    const bool usual = member.name == "name" || member.name == "cniVersion" || member.name == "plugins";
    if (!usual && !typed_as(member.name).empty()) return false;
  }
  return std::ranges::all_of(plugins->items, well_typed);
}

// Nothing that anybody could take for a configuration of this form: no JSON, no object, or nothing that says which plugin to run. What a
// runtime refuses for less, such as a name that is a number, entrypoints need not find out.
bool surely_bad(const OddInput& input) {
  std::string reason;
  const auto document = oracles::parse_json_value(input.bytes, reason);
  // Half of a surrogate pair: some readers put something else in its place.
  if (!document) return input.bytes.find("\\u") == std::string::npos;
  if (!document->is(JsonValue::Kind::kObject)) return true;
  const auto says_plugin = [](const JsonValue& value) {
    return std::ranges::any_of(value.members, [](const auto& member) {
      return is_called(member.name, "type") && member.value.is(JsonValue::Kind::kString) && !member.value.text.empty();
    });
  };
  // A file that is one of the two forms under the other's name: some repair it, some refuse it.
  if (says_plugin(*document)) return false;
  return std::ranges::none_of(document->members, [&](const auto& member) {
    return is_called(member.name, "plugins") && std::ranges::any_of(member.value.items, says_plugin);
  });
}

OddClass class_of_configuration(const OddInput& input) {
  const auto config = oracles::parse_cni_config(input.bytes, input.list);
  if (!config.accepted()) return surely_bad(input) ? OddClass::kBad : OddClass::kDisputed;
  // Who never delegates to Multus may be so careful as to look for it anywhere in a primary.
  if (input.part == OddPart::kPrimary && input.bytes.find("\"multus") != std::string::npos) return OddClass::kDisputed;
  return surely_good(input, config) ? OddClass::kGood : OddClass::kDisputed;
}

// --- the scenario ---

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8U | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= have ? kDigits[group >> (18U - 6U * i) & 63U] : '=';
  }
  return out;
}

Json object_of(std::string_view bytes) { return is_text(bytes) ? Json{{"text", bytes}} : Json{{"bytes", base64(bytes)}}; }

Json expect(std::string_view check, Json demands) {
  demands["check"] = check;
  return {{"expect", std::move(demands)}};
}

class Writer {
 public:
  explicit Writer(const OddInput& input) : input_(input), class_(classify(input)) {}

  void write(Json& file) {
    Json given = Json::object();
    Json tree = Json::object();
    arguments_ = {"--multus-conf-file=auto"};
    switch (input_.part) {
      case OddPart::kPrimary:
        primary(tree);
        break;
      case OddPart::kManual:
        manual(given, tree);
        break;
      case OddPart::kToken:
        credential(given, tree, "token");
        break;
      case OddPart::kCa:
        credential(given, tree, "ca.crt");
        break;
      case OddPart::kEnvironment:
        environment(given, tree);
        break;
      case OddPart::kFlags:
        flags(given);
        break;
    }
    if (!tree.empty()) given["tree"] = tree;
    if (!given.empty()) file["given"] = given;
    Json steps = Json::array({Json{{"start", "build"}, {"args", arguments_}}, Json{{"rest", true}, {"within", "10s"}}});
    for (auto& demand : demands_) steps.push_back(std::move(demand));
    steps.push_back(expect("LIFE-57/failure-is-not-zero", {{"exit", {{"no_crash", true}}}}));
    // Of a token that is no token of the cluster's nobody can tell whether it leaked; and flags may put a kubeconfig anywhere, so that only
    // what is said is looked at.
    if (input_.part != OddPart::kToken) steps.push_back(expect("SECURE-54/nowhere", {{"no_secret", {"output"}}}));
    file["steps"] = steps;
  }

 private:
  std::string source(std::string_view name) const { return std::string(name) + (input_.list ? ".conflist" : ".conf"); }

  void refuses(std::string_view check, const std::vector<std::string>& absent) {
    Json tree = Json::object();
    for (const auto& path : absent) tree[path] = {{"type", "absent"}};
    demands_.push_back(expect(check, {{"tree", tree}}));
    demands_.push_back(expect("LIFE-57/failure-is-not-zero", {{"exit", {{"not_zero", true}}}}));
  }

  void primary(Json& tree) {
    const auto config = oracles::parse_cni_config(input_.bytes, input_.list);
    const std::string path = std::string(kNetDirectory) + source("10-primary");
    tree[path] = object_of(input_.bytes);
    const std::string own = std::string(kNetDirectory) + "00-multus.conf";
    if (input_.over) tree[own] = {{"text", kEarlierConfiguration}, {"mode", "0600"}};
    arguments_.push_back("--cni-version=" + (class_ == OddClass::kGood ? config.cni_version : "0.3.1"));
    if (class_ == OddClass::kGood)
      demands_.push_back(expect("CONF-35/as-written", {{"within", "5s"}, {"configuration", {{"lossless", path}}}}));
    if (class_ == OddClass::kBad && !input_.over) refuses("CONF-35/invalid-primary", {own, own + "list"});
  }

  void manual(Json& given, Json& tree) {
    given["primary"] = "flannel";
    const std::string path = "/tmp/multus-conf/" + source("70-multus");
    const std::string published = std::string(kNetDirectory) + source("70-multus");
    tree[path] = object_of(input_.bytes);
    arguments_ = {"--multus-conf-file=" + path};
    if (class_ == OddClass::kGood) {
      demands_.push_back(expect("EXIST-01/manual-fresh-node", {{"within", "5s"}, {"kubeconfig", "valid"}}));
      demands_.push_back(expect("MANUAL-50/published", {{"within", "5s"}, {"tree", {{published, {{"json", parsed()}}}}}}));
    }
    if (class_ == OddClass::kBad) refuses("MANUAL-50/invalid-refused", {published});
  }

  // What the file says, for a matcher: values are compared as numbers there.
  Json parsed() const { return Json::parse(input_.bytes, nullptr, false); }

  void earlier_kubeconfig(Json& tree) {
    tree[std::string("/host") + std::string(kKubeconfig)] = {{"text", kEarlierKubeconfig}, {"mode", "0600"}};
  }

  void credential(Json& given, Json& tree, std::string_view name) {
    given["primary"] = "flannel";
    given["credentials"] = "hostpath";
    tree[std::string(kAccount) + std::string(name)] = object_of(input_.bytes);
    earlier_kubeconfig(tree);
    arguments_.push_back("--cni-version=0.3.1");
    if (class_ == OddClass::kDisputed) return;
    const std::string path = "node:" + std::string(kKubeconfig);
    demands_.push_back(expect("FRESH-21/refused", {{"kubeconfig", {{"state", "valid"}, {"path", path}}}}));
    if (class_ != OddClass::kGood || input_.part != OddPart::kToken) return;
    const auto end = input_.bytes.find_last_not_of(" \t\r\n");
    const Json user = {{"user", {{"token", input_.bytes.substr(0, end + 1)}}}};
    demands_.push_back(expect("FRESH-21/trimmed", {{"within", "5s"}, {"tree", {{path, {{"yaml", {{"users", {user}}}}}}}}}));
  }

  void environment(Json& given, Json& tree) {
    given["primary"] = "flannel";
    given["environment"] = input_.environment;
    earlier_kubeconfig(tree);
    arguments_.push_back("--cni-version=0.3.1");
    if (class_ == OddClass::kDisputed) return;
    demands_.push_back(
        expect("FRESH-19/good-file-kept", {{"kubeconfig", {{"state", "valid"}, {"path", "node:" + std::string(kKubeconfig)}}}}));
  }

  void flags(Json& given) {
    given["primary"] = "flannel";
    arguments_.push_back("--cni-version=0.3.1");
    arguments_.insert(arguments_.end(), input_.flags.begin(), input_.flags.end());
  }

  const OddInput& input_;
  const OddClass class_;
  std::vector<std::string> arguments_;
  std::vector<Json> demands_;
};

// What a cluster issues: three parts of base64url, with no more than a line end behind them.
OddClass class_of_token(std::string_view bytes) {
  const auto end = bytes.find_last_not_of("\r\n");
  const auto token = bytes.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const auto behind = bytes.substr(token.size());
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
  const bool good = (behind.empty() || behind == "\n" || behind == "\r\n") && token.size() < 8192 && std::ranges::count(token, '.') == 2 &&
                    token.size() > 20 && token.front() == 'e' && token.find("..") == std::string_view::npos && token.back() != '.' &&
                    std::ranges::all_of(token, fits);
  return good ? OddClass::kGood : OddClass::kBad;
}

// A certificate that is damaged inside of its frame passes for one until somebody verifies with it.
OddClass class_of_ca(std::string_view bytes) {
  const bool framed = bytes.find("-----BEGIN") != std::string_view::npos && bytes.find("-----END") != std::string_view::npos;
  if (!framed) return OddClass::kBad;
  return oracles::count_certificates(bytes) > 0 ? OddClass::kGood : OddClass::kDisputed;
}

}  // namespace

std::string_view to_string(OddPart part) { return kPartNames.at(static_cast<std::size_t>(part)); }

std::optional<OddPart> odd_part_from(std::string_view text) {
  const auto found = std::ranges::find(kPartNames, text);
  if (found == kPartNames.end()) return std::nullopt;
  return static_cast<OddPart>(found - kPartNames.begin());
}

OddClass classify(const OddInput& input) {
  switch (input.part) {
    case OddPart::kPrimary:
    case OddPart::kManual:
      return class_of_configuration(input);
    case OddPart::kToken:
      return class_of_token(input.bytes);
    case OddPart::kCa:
      return class_of_ca(input.bytes);
    case OddPart::kEnvironment:
      return OddClass::kBad;
    case OddPart::kFlags:
      break;
  }
  return OddClass::kDisputed;
}

Result<std::string> to_scenario(const OddInput& input, std::string_view title, std::string_view why) {
  for (const auto& [name, value] : input.environment) {
    if (!is_text(name) || !is_text(value)) return fail(ErrorCode::kInvalidInput, "a variable that is no text");
  }
  if (!std::ranges::all_of(input.flags, is_text)) return fail(ErrorCode::kInvalidInput, "a flag that is no text");
  Json file;
  file["scenario"] = 1;
  file["title"] = title;
  file["why"] = why;
  file["tags"] = {"found"};
  try {
    Writer(input).write(file);
    return file.dump(2) + "\n";
  } catch (const nlohmann::json::exception& exception) {
    return fail(ErrorCode::kInvalidInput, exception.what());
  }
}

}  // namespace entryproof::explore
