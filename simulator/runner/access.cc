#include "simulator/runner/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "simulator/oracles/redact.h"

namespace entryproof::runner {

namespace {

using cluster::Experience;

constexpr std::int64_t kSecond = 1'000'000'000;

std::uint16_t port_of(const oracles::ServerUrl& url) {
  std::uint16_t port = 0;
  const auto* end = url.port.data() + url.port.size();
  const bool read = std::from_chars(url.port.data(), end, port).ptr == end;
  if (read && port != 0) return port;
  return url.scheme == "http" ? 80 : 443;
}

}  // namespace

cluster::ClientConfig client_of(const oracles::KubeconfigFacts& facts) {
  cluster::ClientConfig client;
  client.scheme = facts.url.scheme;
  client.host = facts.url.host;
  client.port = port_of(facts.url);
  client.ca_pem = facts.ca_pem;
  client.insecure = facts.insecure;
  client.tls_server_name = facts.tls_server_name;
  client.token = facts.token;
  return client;
}

Experience Access::of(const std::shared_ptr<const oracles::KubeconfigFacts>& facts) {
  const auto& control = account_.control();
  const auto version = control.version();
  const auto second = control.wall_ns() / kSecond;
  if (!last_ || last_->facts != facts || last_->version != version || last_->second != second) {
    last_ = Answer{facts, version, second, ask_(client_of(*facts))};
  }
  return last_->experience;
}

std::optional<Duration> Access::margin(std::string_view token) const {
  const auto* generation = generation_of(token);
  if (generation == nullptr || !generation->expires) return margin_;
  const Duration left(*generation->expires * kSecond - account_.control().wall_ns());
  return margin_ ? std::min(*margin_, left) : left;
}

void Access::heard(const Publication& publication, std::int64_t wall_ns) {
  if (published_ && publication.actor == node::Actor::kBuild) {
    const auto& before = *published_->facts;
    const auto& after = *publication.facts;
    const auto refused = of(publication.facts);
    if (refused.kind != Experience::Kind::kAuthenticated && of(published_->facts).kind == Experience::Kind::kAuthenticated) {
      report(kRefused, "the cluster accepts what the build publishes in place of what it accepts",
             fmt::format("{}: {} ({}), where the file before it is accepted still", publication.operation, to_string(refused.kind),
                         refused.cause),
             publication.place);
    }
    const auto* replaced = generation_of(before.token);
    if (replaced != nullptr && replaced->expires && before.token != after.token) {
      const Duration left(*replaced->expires * kSecond - wall_ns);
      margin_ = margin_ ? std::min(*margin_, left) : left;
    }
  }
  published_ = publication;
}

void Access::died(const cluster::Generation& generation, std::string_view projected, std::optional<std::int64_t> alive_ns,
                  std::int64_t now_ns) {
  if (!published_ || published_->facts->token != generation.token) return;
  const auto* successor = generation_of(projected);
  // Only what the build could have known for long enough is its affair.
  const std::int64_t known_since = now_ns - kGrace.count();
  if (successor == nullptr || successor->token == generation.token || successor->issued_at * kSecond > known_since) return;
  if (!alive_ns || *alive_ns > known_since) return;
  const auto experience = of(published_->facts);
  if (experience.kind != Experience::Kind::kUnauthorized) return;
  report(
      kDead, "the published token is replaced before it dies, as the projected one was",
      fmt::format("it has died: {}; its successor had been projected for {} s", experience.cause, now_ns / kSecond - successor->issued_at),
      published_->place);
}

void Access::report(std::string_view check, std::string expected, std::string actual, oracles::Place place) {
  const bool known = std::ranges::any_of(findings_, [&](const auto& finding) { return finding.check == check; });
  if (!known) findings_.push_back({std::string(check), oracles::printable(expected), oracles::printable(actual), std::move(place)});
}

const cluster::Generation* Access::generation_of(std::string_view token) const {
  const auto& generations = account_.generations();
  const auto found = std::ranges::find(generations, token, &cluster::Generation::token);
  return found == generations.end() ? nullptr : &*found;
}

}  // namespace entryproof::runner
