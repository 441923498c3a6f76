#include "simulator/cluster/control_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "simulator/cluster/seeded.h"

namespace entryproof::cluster {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::string_view kNamespace = "kube-system";  // where all accounts of ours live

std::unexpected<Unauthenticated> refuse(TokenFault fault, std::string reason, std::uint64_t generation = 0) {
  return std::unexpected(Unauthenticated{fault, std::move(reason), generation});
}

// What every authenticated user may do: look at the server and ask who they are.
const std::vector<Rule>& everybodys_rules() {
  static const std::vector<Rule> rules = {
      {{"get"}, {"/version", "/version/", "/readyz", "/livez", "/healthz", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"}},
      {{"create"}, {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}},
  };
  return rules;
}

bool names(const std::set<std::string, std::less<>>& set, std::string_view word) {
  if (set.contains(word) || set.contains("*")) return true;
  // "/apis/*" stands for every path below; resources have no such form.
  return word.starts_with('/') && std::any_of(set.begin(), set.end(), [&](const std::string& one) {
           return one.ends_with("/*") && word.starts_with(std::string_view(one).substr(0, one.size() - 1));
         });
}

bool allowed(const std::vector<Rule>& rules, std::string_view verb, std::string_view resource) {
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return names(rule.verbs, verb) && names(rule.resources, resource); });
}

}  // namespace

ServingRequest usual_serving_request() {
  return {{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "control-plane-1"},
          {std::string(kServiceAddress), std::string(kServiceAddress6)}};
}

std::vector<Rule> multus_rules() {
  return {
      {{"get", "list", "watch"}, {"pods", "pods/status"}},
      {{"patch", "update"}, {"pods/status"}},
      {{"get", "list", "watch"}, {"network-attachment-definitions"}},
      {{"create", "patch", "update"}, {"events"}},
  };
}

std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = authorization.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return std::nullopt;
  authorization = authorization.substr(begin, authorization.find_last_not_of(kSpace) - begin + 1);
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto scheme = authorization.substr(0, space);
  const bool bearer = std::equal(scheme.begin(), scheme.end(), std::string_view("bearer").begin(), std::string_view("bearer").end(),
                                 [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
  auto token = authorization.substr(space + 1);
  token = token.substr(0, token.find(' '));
  if (!bearer || token.empty()) return std::nullopt;
  return token;
}

ControlPlane::ControlPlane(std::uint64_t seed, std::function<std::int64_t()> wall_ns)
    : seed_(seed),
      wall_ns_(std::move(wall_ns)),
      keys_{SigningKey{}},
      endpoints_{{std::string(kServiceAddress)}, {std::string(kServiceAddress6)}} {
  create_pod(Pod{});
  create_account("multus", multus_rules());
}

// --- judging requests ---

std::expected<Identity, Unauthenticated> ControlPlane::authenticate(std::optional<std::string_view> bearer) const {
  if (!bearer || bearer->empty()) return refuse(TokenFault::kMissing, "no bearer token was sent");
  const auto claims = verify_token(*bearer);
  const std::scoped_lock lock(mutex_);
  const auto recorded = generations_.find(std::string(*bearer));
  const std::uint64_t generation = recorded == generations_.end() ? 0 : recorded->second;
  if (!claims) {
    const bool jwt = std::count(bearer->begin(), bearer->end(), '.') == 2;
    return refuse(jwt ? TokenFault::kForeign : TokenFault::kMalformed, claims.error().message, generation);
  }
  return judge(*claims, generation);
}

std::expected<Identity, Unauthenticated> ControlPlane::judge(const Claims& claims, std::uint64_t generation) const {
  const auto no = [&](TokenFault fault, std::string reason) { return refuse(fault, std::move(reason), generation); };
  if (dropped_.contains(claims.key))
    return no(TokenFault::kKeyDropped, "the signing key was rotated and the old one is not believed any more");
  if (std::find(keys_.begin(), keys_.end(), claims.key) == keys_.end())
    return no(TokenFault::kForeign, "the token is signed by a key that is not this cluster's");
  if (claims.issuer != (claims.legacy() ? kLegacyTokenIssuer : kTokenIssuer))
    return no(TokenFault::kIssuer, "the token's issuer is another one");
  if (!claims.legacy()) {
    if (std::find(claims.audiences.begin(), claims.audiences.end(), kTokenIssuer) == claims.audiences.end())
      return no(TokenFault::kAudience, "the token is meant for another audience");
    const std::int64_t now = wall_ns_();
    const auto later_than_now = [&](std::int64_t seconds) { return seconds * kSecond > now; };
    if (claims.expires && now > *claims.expires * kSecond) return no(TokenFault::kExpired, "the token has expired");
    if (later_than_now(claims.not_before) || later_than_now(claims.issued_at))
      return no(TokenFault::kNotYet, "the token's time of issue lies in the future");
    const auto pod = pods_.find(PodKey(claims.name_space, claims.pod_name));
    if (pod == pods_.end()) return no(TokenFault::kPodGone, "the Pod that the token is bound to is gone");
    if (pod->second != claims.pod_uid) return no(TokenFault::kPodGone, "the Pod that the token is bound to was replaced by another one");
  } else if (lost_secrets_.contains(claims.account)) {
    return no(TokenFault::kAccountGone, "the Secret of this legacy token was deleted");
  }
  if (claims.name_space != kNamespace || !accounts_.contains(claims.account) || claims.account_uid != account_uid_of(seed_, claims.account))
    return no(TokenFault::kAccountGone, "the token's service account does not exist");
  return Identity{
      claims.subject,  claims.account_uid, {"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
      claims.pod_name, claims.pod_uid,     generation};
}

bool ControlPlane::may(const Identity& identity, std::string_view verb, std::string_view resource, std::string_view) const {
  if (allowed(everybodys_rules(), verb, resource)) return true;
  constexpr std::string_view kPrefix = "system:serviceaccount:kube-system:";
  const std::string_view user = identity.username;
  if (!user.starts_with(kPrefix)) return false;
  const std::scoped_lock lock(mutex_);
  const auto account = accounts_.find(user.substr(kPrefix.size()));
  return account != accounts_.end() && allowed(account->second, verb, resource);
}

// --- tokens ---

void ControlPlane::record(std::string_view token, std::uint64_t generation) {
  const std::scoped_lock lock(mutex_);
  generations_.insert_or_assign(std::string(token), generation);
}

SigningKey ControlPlane::signing_key() const {
  const std::scoped_lock lock(mutex_);
  return keys_.back();
}

SigningKey ControlPlane::rotate_signing_key(bool keep_old, KeyType type) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  const SigningKey fresh{keys_.back().number + 1, type};
  if (!keep_old) {
    dropped_.insert(keys_.begin(), keys_.end());
    keys_.clear();
  }
  keys_.push_back(fresh);
  return fresh;
}

void ControlPlane::drop_old_signing_keys() {
  const std::scoped_lock lock(mutex_);
  ++version_;
  dropped_.insert(keys_.begin(), keys_.end() - 1);
  keys_.erase(keys_.begin(), keys_.end() - 1);
}

// --- Pods and accounts ---

std::string ControlPlane::create_pod(const Pod& pod) {
  std::string uid = pod.uid.empty() ? pod_uid_of(seed_, pod.name) : pod.uid;
  const std::scoped_lock lock(mutex_);
  ++version_;
  const PodKey key(pod.name_space, pod.name);
  objects_.erase({"pods", pod.name_space, pod.name});
  undescribed_.insert(key);
  pods_.insert_or_assign(key, uid);
  return uid;
}

bool ControlPlane::delete_pod(std::string_view name_space, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  const PodKey key(name_space, name);
  undescribed_.erase(key);
  objects_.erase({"pods", key.first, key.second});
  return pods_.erase(key) > 0;
}

std::optional<Pod> ControlPlane::pod(std::string_view name_space, std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = pods_.find(PodKey(name_space, name));
  if (found == pods_.end()) return std::nullopt;
  return Pod{found->first.first, found->first.second, found->second};
}

void ControlPlane::create_account(const std::string& account, std::vector<Rule> rules) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  accounts_.insert_or_assign(account, std::move(rules));
}

void ControlPlane::delete_account(std::string_view account) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  if (const auto found = accounts_.find(account); found != accounts_.end()) accounts_.erase(found);
}

void ControlPlane::set_rules(std::string_view account, std::vector<Rule> rules) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  if (const auto found = accounts_.find(account); found != accounts_.end()) found->second = std::move(rules);
}

void ControlPlane::set_legacy_secret(std::string_view account, bool exists) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  if (!exists) lost_secrets_.emplace(account);
  if (const auto found = lost_secrets_.find(account); exists && found != lost_secrets_.end()) lost_secrets_.erase(found);
}

// --- serving ---

ServingPlan ControlPlane::serving_plan() const {
  const std::scoped_lock lock(mutex_);
  return plan_;
}

void ControlPlane::serve(ServingPlan plan) {
  const std::scoped_lock lock(mutex_);
  if (plan == plan_) return;
  ++version_;
  ++serving_generation_;
  plan_ = std::move(plan);
  certificate_.reset();
}

ControlPlane::Serving ControlPlane::serving() const {
  const std::scoped_lock lock(mutex_);
  if (!certificate_) {
    const Authority& root = plan_.root();
    certificate_ = (plan_.through_intermediate ? root.intermediate() : root).serving(plan_.request);
  }
  return {certificate_, serving_generation_};
}

std::uint64_t ControlPlane::serving_generation() const {
  const std::scoped_lock lock(mutex_);
  return serving_generation_;
}

std::vector<Endpoint> ControlPlane::endpoints() const {
  const std::scoped_lock lock(mutex_);
  return endpoints_;
}

void ControlPlane::set_endpoints(std::vector<Endpoint> endpoints) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  endpoints_ = std::move(endpoints);
}

Availability ControlPlane::availability() const {
  const std::scoped_lock lock(mutex_);
  return availability_;
}

void ControlPlane::set_availability(Availability availability) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  availability_ = availability;
}

// --- objects ---

void ControlPlane::describe_pods() const {
  for (const auto& key : undescribed_) {
    const auto& [name_space, name] = key;
    const auto json = fmt::format(
        R"({{"apiVersion":"v1","kind":"Pod","metadata":{{"uid":"{}","labels":{{"app":"multus"}}}},)"
        R"("spec":{{"nodeName":"node-1","serviceAccountName":"multus","containers":[{{"name":"kube-multus","image":"multus"}}]}},)"
        R"("status":{{"phase":"Running"}}}})",
        pods_.at(key));
    (void)objects_.put({"pods", name_space, name}, json);  // names are ours: it is JSON
  }
  undescribed_.clear();
}

std::optional<std::string> ControlPlane::get(const ObjectKey& key) const {
  const std::scoped_lock lock(mutex_);
  describe_pods();
  return objects_.get(key);
}

std::vector<std::string> ControlPlane::list(std::string_view resource, std::string_view name_space) const {
  const std::scoped_lock lock(mutex_);
  describe_pods();
  return objects_.list(resource, name_space);
}

std::expected<void, Refusal> ControlPlane::put(const ObjectKey& key, std::string_view json) {
  const std::scoped_lock lock(mutex_);
  describe_pods();
  return objects_.put(key, json);
}

std::expected<std::string, Refusal> ControlPlane::patch(const ObjectKey& key, std::string_view subresource, std::string_view content_type,
                                                        std::string_view body) {
  const std::scoped_lock lock(mutex_);
  describe_pods();
  return objects_.patch(key, subresource, content_type, body);
}

std::uint64_t ControlPlane::resource_version() const {
  const std::scoped_lock lock(mutex_);
  return objects_.resource_version();
}

std::uint64_t ControlPlane::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

}  // namespace entryproof::cluster
