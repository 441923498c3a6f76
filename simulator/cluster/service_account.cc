#include "simulator/cluster/service_account.h"

#include <fmt/format.h>

#include <utility>

#include "simulator/cluster/authority.h"
#include "simulator/cluster/seeded.h"

namespace entryproof::cluster {
namespace {

// Name of the n-th Pod of the DaemonSet: five characters such as Kubernetes draws.
std::string pod_name(std::uint64_t seed, std::uint64_t number) {
  if (number == 0) return Pod{}.name;
  static constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";
  std::string name = "kube-multus-ds-";
  for (std::uint64_t i = 0; i < 5; ++i) name += kLetters[scramble(seed + scramble(number * 8 + i)) % kLetters.size()];
  return name;
}

}  // namespace

ServiceAccount::ServiceAccount(std::shared_ptr<ControlPlane> control, std::int64_t wall_ns, TokenOptions options)
    : control_(std::move(control)), options_(std::move(options)) {
  pod_ = control_->pod("kube-system", pod_.name).value_or(pod_);
  Generation first;
  first.id = 1;
  first.ca_pem = bundle();
  issue(first, wall_ns);
  generations_.push_back(std::move(first));
}

ServiceAccount::ServiceAccount(std::uint64_t seed, std::int64_t wall_ns)
    : ServiceAccount(std::make_shared<ControlPlane>(seed, [wall_ns] { return wall_ns; }), wall_ns) {}

void ServiceAccount::issue(Generation& next, std::int64_t wall_ns) {
  TokenRequest request;
  request.seed = control_->seed();
  request.generation = tokens_++;
  request.wall_ns = wall_ns + options_.skew_seconds * 1'000'000'000;
  request.pod_name = pod_.name;
  request.pod_uid = pod_.uid;
  request.key = control_->signing_key();
  request.life_seconds = options_.life_seconds;
  request.stretched = options_.stretched;
  request.expires = options_.expires;
  request.legacy = options_.legacy;
  request.account = options_.account;
  request.audience = options_.audience;
  next.token = issue_token(request);
  next.issued_at = request.wall_ns / 1'000'000'000;
  next.expires.reset();
  if (!options_.legacy) {
    const auto life = options_.stretched ? kStretchedLifeSeconds : options_.life_seconds;
    next.expires = options_.expires.value_or(next.issued_at + life);
  }
  next.life_seconds = options_.life_seconds;
  control_->record(next.token, next.id);
}

std::string ServiceAccount::bundle() const {
  std::string pem;
  for (const auto authority : authorities_) pem += Authority::pooled(authority).certificate_pem();
  return pem;
}

const Generation& ServiceAccount::rotate(bool token, bool ca, std::int64_t wall_ns) {
  if (!token && !ca) return current();
  Generation next = current();
  ++next.id;
  if (ca) {
    authorities_ = {++newest_authority_};
    auto plan = control_->serving_plan();
    plan.authority = newest_authority_;
    control_->serve(std::move(plan));
    next.ca_pem = bundle();
  }
  if (token) issue(next, wall_ns);
  generations_.push_back(std::move(next));
  return current();
}

const Generation& ServiceAccount::rotate_ca(CaStep step, std::int64_t wall_ns) {
  switch (step) {
    case CaStep::kReplace:
      return rotate(false, true, wall_ns);
    case CaStep::kAdd:
      authorities_.push_back(++newest_authority_);
      break;
    case CaStep::kSwitch: {
      auto plan = control_->serving_plan();
      plan.authority = newest_authority_;
      control_->serve(std::move(plan));
      return current();
    }
    case CaStep::kDropOld:
      authorities_ = {newest_authority_};
      break;
  }
  Generation next = current();
  next.ca_pem = bundle();
  if (next.ca_pem == current().ca_pem) return current();
  ++next.id;
  generations_.push_back(std::move(next));
  return current();
}

const Generation& ServiceAccount::rotate_signing_key(bool keep_old, std::int64_t wall_ns, KeyType type) {
  control_->rotate_signing_key(keep_old, type);
  return rotate(true, false, wall_ns);
}

const Generation& ServiceAccount::replace_pod(std::int64_t wall_ns) {
  control_->delete_pod(pod_.name_space, pod_.name);
  pod_.name = pod_name(control_->seed(), ++pods_);
  pod_.uid.clear();
  pod_.uid = control_->create_pod(pod_);
  return rotate(true, false, wall_ns);
}

Payload ServiceAccount::files(const Generation& generation) {
  return {{"token", generation.token}, {"ca.crt", generation.ca_pem}, {"namespace", "kube-system"}};
}

}  // namespace entryproof::cluster
