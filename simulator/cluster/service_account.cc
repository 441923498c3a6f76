#include "simulator/cluster/service_account.h"

#include "simulator/cluster/authority.h"
#include "simulator/cluster/tokens.h"

namespace entryproof::cluster {
namespace {

std::string new_token(std::uint64_t seed, std::uint64_t number, std::int64_t wall_ns) {
  TokenRequest request;
  request.seed = seed;
  request.generation = number;
  request.wall_ns = wall_ns;
  return issue_token(request);
}

}  // namespace

ServiceAccount::ServiceAccount(std::uint64_t seed, std::int64_t wall_ns) : seed_(seed) {
  generations_.push_back({1, new_token(seed_, tokens_, wall_ns), Authority::pooled(authorities_).certificate_pem()});
}

const Generation& ServiceAccount::rotate(bool token, bool ca, std::int64_t wall_ns) {
  if (!token && !ca) return current();
  Generation next = current();
  ++next.id;
  if (token) next.token = new_token(seed_, ++tokens_, wall_ns);
  if (ca) next.ca_pem = Authority::pooled(++authorities_).certificate_pem();
  generations_.push_back(std::move(next));
  return current();
}

Payload ServiceAccount::files(const Generation& generation) {
  return {{"token", generation.token}, {"ca.crt", generation.ca_pem}, {"namespace", "kube-system"}};
}

}  // namespace entryproof::cluster
