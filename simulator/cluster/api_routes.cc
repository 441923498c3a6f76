#include "simulator/cluster/api_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

namespace entryproof::cluster {
namespace {

using Json = nlohmann::json;

// --- what there is ---

struct Resource {
  std::string_view name;  // plural, as in the URL; "pods/status" for a subresource
  std::string_view singular;
  std::string_view kind;
  std::string_view short_name;
  bool namespaced;
  std::string_view verbs;  // of discovery, separated by spaces
};

struct GroupVersion {
  std::string_view group;  // "" = the core
  std::string_view version;
  std::span<const Resource> resources;

  std::string name() const { return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version); }
};

constexpr std::array kCore = {Resource{"pods", "pod", "Pod", "po", true, "get list patch"},
                              Resource{"pods/status", "", "Pod", "", true, "get patch"}};
constexpr std::array kNetworks = {Resource{"network-attachment-definitions", "network-attachment-definition", "NetworkAttachmentDefinition",
                                           "net-attach-def", true, "get list patch"}};
constexpr std::array kAuthentication = {Resource{"selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview", "", false, "create"},
                                        Resource{"tokenreviews", "tokenreview", "TokenReview", "", false, "create"}};
constexpr std::array kAuthorization = {
    Resource{"selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview", "", false, "create"}};
constexpr std::array kGroups = {GroupVersion{"", "v1", kCore}, GroupVersion{"k8s.cni.cncf.io", "v1", kNetworks},
                                GroupVersion{"authentication.k8s.io", "v1", kAuthentication},
                                GroupVersion{"authentication.k8s.io", "v1beta1", kAuthentication},
                                GroupVersion{"authorization.k8s.io", "v1", kAuthorization}};

constexpr std::array<std::string_view, 3> kHealth = {"/healthz", "/livez", "/readyz"};

// --- how it is said ---

std::string_view reason_of(int code) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {
      {400, "BadRequest"},           {401, "Unauthorized"},  {403, "Forbidden"},       {404, "NotFound"},
      {405, "MethodNotAllowed"},     {406, "NotAcceptable"}, {409, "Conflict"},        {413, "RequestEntityTooLarge"},
      {415, "UnsupportedMediaType"}, {422, "Invalid"},       {429, "TooManyRequests"}, {500, "InternalError"},
      {503, "ServiceUnavailable"}};
  const auto* found = std::ranges::find(kReasons, code, &std::pair<int, std::string_view>::first);
  return found == std::end(kReasons) ? std::string_view() : found->second;
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

HttpAnswer json_answer(const Json& json, int status = 200) { return {.status = status, .body = text_of(json)}; }

Json discovery_of(const Resource& resource) {
  Json verbs = Json::array();
  for (std::size_t at = 0; at < resource.verbs.size();) {
    const auto end = std::min(resource.verbs.find(' ', at), resource.verbs.size());
    verbs.push_back(resource.verbs.substr(at, end - at));
    at = end + 1;
  }
  Json json = {{"name", resource.name},
               {"singularName", resource.singular},
               {"namespaced", resource.namespaced},
               {"kind", resource.kind},
               {"verbs", std::move(verbs)}};
  if (!resource.short_name.empty()) json["shortNames"] = Json::array({resource.short_name});
  return json;
}

Json discovery_of(const GroupVersion& version) {
  Json resources = Json::array();
  for (const auto& resource : version.resources) resources.push_back(discovery_of(resource));
  return {{"kind", "APIResourceList"}, {"apiVersion", "v1"}, {"groupVersion", version.name()}, {"resources", std::move(resources)}};
}

// A group with its versions, the first of which is preferred; null if there is none of that name.
Json discovery_of_group(std::string_view group) {
  Json versions = Json::array();
  for (const auto& version : kGroups) {
    if (version.group == group) versions.push_back({{"groupVersion", version.name()}, {"version", version.version}});
  }
  if (versions.empty()) return nullptr;
  Json preferred = versions.front();
  return {{"name", group}, {"versions", std::move(versions)}, {"preferredVersion", std::move(preferred)}};
}

Json all_groups() {
  Json groups = Json::array();
  std::string_view last;
  for (const auto& version : kGroups) {
    if (version.group != last) groups.push_back(discovery_of_group(version.group));
    last = version.group;
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

Json version_info() {
  return {{"major", "1"},          {"minor", "30"},           {"gitVersion", "v1.30.0"},
          {"gitCommit", ""},       {"gitTreeState", "clean"}, {"buildDate", "2024-04-17T17:27:03Z"},
          {"goVersion", "go1.22"}, {"compiler", "gc"},        {"platform", "linux/amd64"}};
}

// --- what is asked for ---

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t at = 1; at < path.size() && segments.size() < 16;) {
    const auto end = std::min(path.find('/', at), path.size());
    if (end > at) segments.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return segments;
}

// What a path under /api or /apis leads to. Without a group version: not a path of objects.
struct Target {
  const GroupVersion* version = nullptr;
  const Resource* resource = nullptr;  // null: unknown, or discovery (`discovers`)
  bool discovers = false;
  std::string_view name_space;
  std::string_view name;
  std::string_view subresource;
};

Target target_of(std::string_view path) {
  auto segments = segments_of(path);
  const auto take = [&]() -> std::string_view {
    if (segments.empty()) return {};
    const auto first = segments.front();
    segments.erase(segments.begin());
    return first;
  };
  Target target;
  const auto root = take();
  if (root != "api" && root != "apis") return target;
  const auto group = root == "apis" ? take() : std::string_view();
  const auto version = take();
  if (version.empty() || (root == "apis" && group.empty())) return target;
  const auto* found =
      std::ranges::find_if(kGroups, [&](const GroupVersion& each) { return each.group == group && each.version == version; });
  if (found == kGroups.end()) return target;
  target.version = found;
  target.discovers = segments.empty();
  if (segments.size() > 2 && segments.front() == "namespaces") {
    take();
    target.name_space = take();
  }
  auto plural = std::string(take());
  target.name = take();
  target.subresource = take();
  if (!segments.empty()) return target;
  if (!target.subresource.empty()) plural += fmt::format("/{}", target.subresource);
  const auto resource = std::ranges::find(found->resources, plural, &Resource::name);
  if (resource != found->resources.end()) target.resource = &*resource;
  return target;
}

std::string_view verb_of(std::string_view method, bool named) {
  if (method == "GET" || method == "HEAD") return named ? "get" : "list";
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return named ? "delete" : "deletecollection";
  return "";
}

// Whether the client takes JSON. One that names a representation (as=Table) as well as JSON gets JSON.
bool takes_json(std::string_view accept) {
  if (accept.empty()) return true;
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    auto range = accept.substr(0, end);
    accept.remove_prefix(std::min(end + 1, accept.size()));
    range.remove_prefix(std::min(range.find_first_not_of(' '), range.size()));
    const auto type = range.substr(0, range.find_first_of("; "));
    if ((type == "application/json" || type == "application/*" || type == "*/*") && !range.contains("as=")) return true;
  }
  return false;
}

// --- who is asked ---

Json user_info(const Identity& identity) {
  Json user = {{"username", identity.username}, {"uid", identity.uid}, {"groups", identity.groups}};
  if (!identity.pod_name.empty()) {
    user["extra"] = {{"authentication.kubernetes.io/pod-name", Json::array({identity.pod_name})},
                     {"authentication.kubernetes.io/pod-uid", Json::array({identity.pod_uid})}};
  }
  return user;
}

class Handler {
 public:
  Handler(const HttpRequest& request, ControlPlane& cluster) : request_(request), cluster_(cluster) {}

  ApiAnswer handle() {
    const auto authorization = request_.header("authorization");
    auto identity = cluster_.authenticate(bearer_of(authorization));
    if (!identity) {
      ApiAnswer refused{status_answer(401, "Unauthorized"), {}, identity.error().fault, identity.error().generation};
      refused.http.headers.push_back({"WWW-Authenticate", "Bearer"});
      return refused;
    }
    identity_ = std::move(*identity);
    ApiAnswer result;
    result.generation = identity_.generation;
    const auto target = target_of(request_.path);
    result.http = target.version != nullptr && !target.discovers ? object(target, result.what) : path(result.what);
    return result;
  }

 private:
  HttpAnswer forbidden(std::string_view verb, const Target& target) const {
    auto message = fmt::format("{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\"", target.resource->name,
                               identity_.username, verb, target.resource->name, target.version->group);
    if (!target.name_space.empty()) message += fmt::format(" in the namespace \"{}\"", target.name_space);
    return status_answer(403, message);
  }

  HttpAnswer path(std::string& what) const {
    const auto verb = request_.method == "GET" || request_.method == "HEAD" ? "get" : "";
    const std::string_view wanted = request_.path;
    // Whoever may see "/api" may see what lies below it.
    if (!cluster_.may(identity_, *verb == '\0' ? "create" : verb, wanted, ""))
      return status_answer(403,
                           fmt::format("forbidden: User \"{}\" cannot {} this path", identity_.username, *verb == '\0' ? "write" : verb));
    auto answer = read_path(wanted);
    if (answer.status == 404) return answer;
    what = fmt::format("get {}", wanted);  // one of ours: it was found
    if (*verb == '\0') return status_answer(405, "the server does not allow this method on the requested resource");
    return answer;
  }

  HttpAnswer read_path(std::string_view wanted) const {
    if (wanted.size() > 1 && wanted.ends_with('/')) wanted.remove_suffix(1);
    if (wanted == "/version") return json_answer(version_info());
    if (std::ranges::find(kHealth, wanted) != kHealth.end()) return {.content_type = "text/plain; charset=utf-8", .body = "ok"};
    if (wanted == "/api") {
      return json_answer({{"kind", "APIVersions"}, {"versions", {"v1"}}, {"serverAddressByClientCIDRs", Json::array()}});
    }
    if (wanted == "/apis") return json_answer(all_groups());
    if (const auto target = target_of(wanted); target.discovers) return json_answer(discovery_of(*target.version));
    if (constexpr std::string_view kPrefix = "/apis/"; wanted.starts_with(kPrefix)) {
      if (auto group = discovery_of_group(wanted.substr(kPrefix.size())); !group.is_null()) {
        group["kind"] = "APIGroup";
        group["apiVersion"] = "v1";
        return json_answer(group);
      }
    }
    return status_answer(404, "the server could not find the requested resource");
  }

  HttpAnswer object(const Target& target, std::string& what) {
    if (target.resource == nullptr) return status_answer(404, "the server could not find the requested resource");
    const auto verb = verb_of(request_.method, !target.name.empty());
    what = fmt::format("{} {}", verb.empty() ? "?" : verb, target.resource->name);
    if (!cluster_.may(identity_, verb, target.resource->name, target.name_space)) return forbidden(verb, target);
    if (!takes_json(request_.header("accept"))) return status_answer(406, "only application/json is served");
    const ObjectKey key{std::string(target.resource->name.substr(0, target.resource->name.find('/'))), std::string(target.name_space),
                        std::string(target.name)};
    if (verb == "get") {
      auto document = cluster_.get(key);
      if (!document) return status_answer(404, fmt::format("{} \"{}\" not found", key.resource, key.name));
      return {.body = std::move(*document)};
    }
    if (verb == "list") return list(target, key);
    if (verb == "patch" && !target.name.empty()) return patch(target, key);
    if (verb == "create" && !target.resource->namespaced && target.name.empty()) return review(target);
    return status_answer(405, "the server does not allow this method on the requested resource");
  }

  HttpAnswer list(const Target& target, const ObjectKey& key) const {
    // A watch that ends at once would be asked for again at once.
    if (const auto watch = query_value(request_.query, "watch"); watch == "true" || watch == "1")
      return status_answer(405, "watch is not supported on this resource");
    auto body = fmt::format(R"({{"kind":"{}List","apiVersion":"{}","metadata":{{"resourceVersion":"{}"}},"items":[)", target.resource->kind,
                            target.version->name(), cluster_.resource_version());
    std::string_view comma;
    for (const auto& item : cluster_.list(key.resource, key.name_space)) {
      body.append(comma).append(item);
      comma = ",";
    }
    return {.body = body + "]}"};
  }

  HttpAnswer patch(const Target& target, const ObjectKey& key) {
    const auto type = request_.header("content-type");
    auto patched = cluster_.patch(key, target.subresource, type.substr(0, type.find(';')), request_.body);
    if (!patched) return status_answer(patched.error().status, patched.error().reason);
    return {.body = std::move(*patched)};
  }

  // The reviews: a question in a body, the answer as its status.
  HttpAnswer review(const Target& target) const {
    Json status;
    if (target.resource->name == "selfsubjectreviews") {
      // It asks nothing, so its body does not matter: kubectl sends it as protobuf.
      status = {{"userInfo", user_info(identity_)}};
    } else {
      if (const auto type = request_.header("content-type"); !type.empty() && !type.starts_with("application/json"))
        return status_answer(415, "the body of the request was in an unknown format");
      const auto asked = spec_of_body();
      if (!asked.is_object()) return status_answer(400, "the body is not a JSON object with a spec");
      status = target.resource->name == "tokenreviews" ? token_status(asked) : access_status(asked);
    }
    return json_answer({{"kind", target.resource->kind},
                        {"apiVersion", target.version->name()},
                        {"metadata", Json::object()},
                        {"spec", Json::object()},  // never what was asked: it may be a token
                        {"status", std::move(status)}},
                       201);
  }

  Json spec_of_body() const {
    constexpr int kDepth = 16;
    int deepest = 0;
    const auto watch = [&](int depth, Json::parse_event_t, const Json&) {
      deepest = std::max(deepest, depth);
      return depth <= kDepth;
    };
    const auto body = Json::parse(request_.body, watch, false);
    if (deepest > kDepth || !body.is_object() || !body.contains("spec")) return nullptr;
    return body["spec"];
  }

  static std::string text_at(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  Json token_status(const Json& spec) const {
    const auto token = text_at(spec, "token");
    const auto identity = cluster_.authenticate(token.empty() ? std::nullopt : std::optional<std::string_view>(token));
    if (!identity) return {{"authenticated", false}, {"error", identity.error().reason}};
    return {{"authenticated", true}, {"user", user_info(*identity)}, {"audiences", Json::array({kTokenIssuer})}};
  }

  Json access_status(const Json& spec) const {
    bool allowed = false;
    if (const auto wanted = spec.find("resourceAttributes"); wanted != spec.end() && wanted->is_object()) {
      auto resource = text_at(*wanted, "resource");
      if (const auto sub = text_at(*wanted, "subresource"); !sub.empty()) resource += "/" + sub;
      allowed = cluster_.may(identity_, text_at(*wanted, "verb"), resource, text_at(*wanted, "namespace"));
    } else if (const auto url = spec.find("nonResourceAttributes"); url != spec.end() && url->is_object()) {
      allowed = cluster_.may(identity_, text_at(*url, "verb"), text_at(*url, "path"), "");
    }
    return {{"allowed", allowed}};
  }

  const HttpRequest& request_;
  ControlPlane& cluster_;
  Identity identity_;
};

}  // namespace

HttpAnswer status_answer(int code, std::string_view message) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"code", code}};
  if (const auto reason = reason_of(code); !reason.empty()) status["reason"] = reason;
  return json_answer(status, code);
}

ApiAnswer answer(const HttpRequest& request, ControlPlane& cluster) { return Handler(request, cluster).handle(); }

}  // namespace entryproof::cluster
