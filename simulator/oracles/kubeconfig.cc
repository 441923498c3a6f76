#include "simulator/oracles/kubeconfig.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/base/digest.h"
#include "simulator/base/yaml.h"
#include "simulator/oracles/certificates.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/memory.h"

namespace entryproof::oracles {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kDocumentBytesMax = 4U << 20;
constexpr std::size_t kMemoryBytesMax = 8U << 20;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Go's base64 decoder passes over line ends, and over nothing else.
std::optional<std::string> decode_base64_lines(std::string_view text) {
  std::string compact(text);
  std::erase_if(compact, [](char c) { return c == '\r' || c == '\n'; });
  return base64_decode(compact);
}

// Walks a document as client-go does, and stops at the first thing that is wrong.
class Reading {
 public:
  explicit Reading(bool http_allowed) : http_allowed_(http_allowed) {}

  KubeconfigFacts run(std::string_view bytes) {
    facts_.valid = read(bytes);
    return std::move(facts_);
  }

 private:
  bool refuse(std::string why) {
    facts_.reason = std::move(why);
    return false;
  }

  bool read(std::string_view bytes) {
    if (bytes.empty()) return refuse("the file is empty");
    const Result<YamlNode> root = parse_yaml(bytes, {.bytes = kDocumentBytesMax});
    if (!root) return refuse("not YAML that is read: " + root.error().message);
    if (!root->is(Kind::kMapping)) return refuse("the document is no mapping");
    if (!constant(*root, "kind", "Config") || !constant(*root, "apiVersion", "v1")) return false;
    std::string current;
    if (!text(*root, "current-context", current)) return false;
    if (current.empty()) return refuse("there is no current-context");
    const YamlNode* context = named(*root, "contexts", "context", current);
    if (context == nullptr) return false;
    std::string cluster_name;
    std::string user_name;
    if (!text(*context, "cluster", cluster_name) || !text(*context, "user", user_name)) return false;
    const YamlNode* cluster = named(*root, "clusters", "cluster", cluster_name);
    if (cluster == nullptr) return false;
    const YamlNode* user = named(*root, "users", "user", user_name);
    if (user == nullptr) return false;
    facts_.whole = true;
    return read_cluster(*cluster) && read_user(*user);
  }

  bool constant(const YamlNode& map, const char* key, std::string_view wanted) {
    std::string found;
    if (!text(map, key, found)) return false;
    return found.empty() || found == wanted || refuse(fmt::format("{} is not {}", key, wanted));
  }

  // A member that is a text, or is not there; null counts as not there.
  bool text(const YamlNode& map, const char* key, std::string& out) {
    const YamlNode* value = map.find(key);
    if (value == nullptr || value->is(Kind::kNull)) return true;
    if (!value->is(Kind::kString)) return refuse(fmt::format("{} is not a text", key));
    out = value->text;
    return true;
  }

  // The one element of `list` with that name, and in it the mapping under `key`.
  const YamlNode* named(const YamlNode& root, const char* list, const char* key, std::string_view name) {
    const YamlNode* items = root.find(list);
    if (items == nullptr || !items->is(Kind::kSequence)) return nothing(fmt::format("{} is not a list", list));
    const YamlNode* found = nullptr;
    for (const YamlNode& item : items->items) {
      std::string item_name;
      if (!item.is(Kind::kMapping)) return nothing(fmt::format("{} holds something that is no mapping", list));
      if (!text(item, "name", item_name)) return nullptr;
      if (item_name != name) continue;
      if (found != nullptr) return nothing(fmt::format("{} holds one name twice", list));
      found = &item;
    }
    if (found == nullptr) return nothing(fmt::format("{} has no {} of the name that is asked for", list, key));
    const YamlNode* value = found->find(key);
    if (value == nullptr || !value->is(Kind::kMapping)) return nothing(fmt::format("{} holds no {}", list, key));
    return value;
  }

  const YamlNode* nothing(std::string why) {
    refuse(std::move(why));
    return nullptr;
  }

  bool read_cluster(const YamlNode& cluster) {
    if (!text(cluster, "server", facts_.server)) return false;
    if (facts_.server.empty()) return refuse("the cluster has no server");
    std::string reason;
    std::optional<ServerUrl> url = parse_server_url(facts_.server, http_allowed_, reason);
    if (!url) return refuse(std::move(reason));
    facts_.url = std::move(*url);
    if (const YamlNode* insecure = cluster.find("insecure-skip-tls-verify"); insecure != nullptr && !insecure->is(Kind::kNull)) {
      if (!insecure->is(Kind::kBool)) return refuse("insecure-skip-tls-verify is not true or false");
      facts_.insecure = insecure->text == "true";
    }
    if (!text(cluster, "tls-server-name", facts_.tls_server_name)) return false;
    std::string data;
    if (!text(cluster, "certificate-authority-data", data) || !text(cluster, "certificate-authority", facts_.ca_file)) return false;
    if (data.empty()) {
      if (!facts_.ca_file.empty() && facts_.insecure) return refuse("a CA together with insecure-skip-tls-verify");
      const bool needed = !facts_.insecure && facts_.url.scheme == "https" && facts_.ca_file.empty();
      return !needed || refuse("the cluster has no CA");
    }
    facts_.ca_file.clear();  // data wins
    if (facts_.insecure) return refuse("a CA together with insecure-skip-tls-verify");
    std::optional<std::string> pem = decode_base64_lines(data);
    if (!pem) return refuse("certificate-authority-data is not base64");
    facts_.ca_pem = std::move(*pem);
    facts_.certificates = count_certificates(facts_.ca_pem);
    return facts_.certificates > 0 || refuse("the CA holds no X.509 certificate");
  }

  bool read_user(const YamlNode& user) {
    if (!text(user, "token", facts_.token) || !text(user, "tokenFile", facts_.token_file)) return false;
    if (!facts_.token_file.empty()) {
      facts_.token.clear();  // a file that can be read wins
      return true;
    }
    return token_is_usable(facts_.token);
  }

  bool token_is_usable(std::string_view token) {
    if (token.empty()) return refuse("the token is empty");
    const bool clean = std::ranges::none_of(token, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
    return clean || refuse("the token has white space or control characters in it");
  }

  bool http_allowed_;
  KubeconfigFacts facts_;
};

// Fills what stands in other files of the host. False with a reason if one is not usable.
bool complete_from_files(const node::Tree& tree, KubeconfigFacts& facts) {
  constexpr std::size_t kFileBytesMax = 4U << 20;
  if (!facts.ca_file.empty()) {
    const auto pem = read_host_file(tree, facts.ca_file, kFileBytesMax);
    if (!pem) {
      facts.reason = "the certificate-authority file cannot be read on the host";
      return false;
    }
    facts.ca_pem = *pem;
    facts.certificates = count_certificates(facts.ca_pem);
    if (facts.certificates == 0) {
      facts.reason = "the certificate-authority file holds no X.509 certificate";
      return false;
    }
  }
  if (!facts.token_file.empty()) {
    const auto token = read_host_file(tree, facts.token_file, kFileBytesMax);
    if (!token || trim(*token).empty()) {
      facts.reason = "the tokenFile cannot be read on the host, or is empty";
      return false;
    }
    facts.token = trim(*token);
  }
  return true;
}

}  // namespace

std::size_t count_certificates(std::string_view pem) { return certificates_of(pem).size(); }

KubeconfigFacts parse_kubeconfig(std::string_view bytes, bool http_allowed) { return Reading(http_allowed).run(bytes); }

std::shared_ptr<const KubeconfigFacts> KubeconfigReader::read(std::string_view bytes) const {
  thread_local Memory<KubeconfigFacts> with_http(kMemoryBytesMax);
  thread_local Memory<KubeconfigFacts> without_http(kMemoryBytesMax);
  return (http_allowed_ ? with_http : without_http).recall(bytes, [&] { return parse_kubeconfig(bytes, http_allowed_); });
}

PlacedKubeconfig read_kubeconfig(const node::Tree& tree, std::string_view host_path, KubeconfigReader& reader) {
  PlacedKubeconfig placed;
  const auto inode = resolve_on_host(tree, host_path);
  if (!inode) {
    placed.reason = fmt::format("there is no {}", host_path);
    return placed;
  }
  placed.inode = *inode;
  placed.state = PlacedKubeconfig::State::kInvalid;
  const auto attributes = tree.attributes(*inode);
  if (!attributes || attributes->type != node::FileType::kFile) {
    placed.reason = fmt::format("{} is no regular file", host_path);
    return placed;
  }
  placed.mode = attributes->mode;
  placed.uid = attributes->uid;
  const auto bytes = tree.read_all(*inode, kDocumentBytesMax);
  if (!bytes) {
    placed.reason = fmt::format("{} cannot be read", host_path);
    return placed;
  }
  placed.facts = reader.read(*bytes);
  if (placed.facts->valid && !(placed.facts->token_file.empty() && placed.facts->ca_file.empty())) {
    auto completed = std::make_shared<KubeconfigFacts>(*placed.facts);
    completed->valid = complete_from_files(tree, *completed);
    placed.facts = std::move(completed);
  }
  placed.reason = placed.facts->reason;
  if (placed.facts->valid) placed.state = PlacedKubeconfig::State::kValid;
  return placed;
}

Standing standing(const KubeconfigFacts& facts, const ClusterFacts& cluster) {
  const auto token_of = [&facts](const Generation& generation) { return facts.token == trim(generation.token); };
  const auto ca_of = [&facts](const Generation& generation) { return facts.insecure || facts.ca_pem == generation.ca_pem; };
  const Generation* current = cluster.current();
  if (current != nullptr && token_of(*current) && ca_of(*current)) return Standing::kCurrent;
  bool token_known = false;
  bool ca_known = false;
  for (const Generation& generation : cluster.generations) {
    if (token_of(generation) && ca_of(generation)) return Standing::kStale;
    token_known = token_known || token_of(generation);
    ca_known = ca_known || ca_of(generation);
  }
  return token_known && ca_known ? Standing::kMixed : Standing::kUnknown;
}

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::kCurrent:
      return "the current token and CA";
    case Standing::kStale:
      return "an older token or CA";
    case Standing::kMixed:
      return "a token and a CA of different generations";
    case Standing::kUnknown:
      return "a token or CA that the cluster never issued";
  }
  return "?";
}

}  // namespace entryproof::oracles
