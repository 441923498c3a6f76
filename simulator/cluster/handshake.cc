#include "simulator/cluster/handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/cluster/chain.h"

namespace entryproof::cluster {
namespace {

using Kind = Experience::Kind;

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Why the client does not reach the server; "" if it does.
std::string obstacle(const ClientConfig& client, const ControlPlane& cluster) {
  const auto address = canonical_address(client.host);
  if (!address) return "no such host: nothing resolves names here";
  const auto endpoints = cluster.endpoints();
  const auto same_address = [&](const Endpoint& endpoint) { return canonical_address(endpoint.address) == address; };
  if (std::none_of(endpoints.begin(), endpoints.end(), same_address)) return "no route to this address: the API server has another";
  if (std::none_of(endpoints.begin(), endpoints.end(),
                   [&](const Endpoint& endpoint) { return same_address(endpoint) && endpoint.port == client.port; })) {
    return "connection refused: the API server listens on another port";
  }
  const auto availability = cluster.availability();
  switch (availability.mode) {
    case Availability::Mode::kUp:
      return "";
    case Availability::Mode::kDown:
      return "connection refused: the API server is down";
    case Availability::Mode::kResetting:
      return "connection reset by the API server";
    case Availability::Mode::kSlow:
      return availability.latency >= client.timeout ? "no answer in time: the API server is slow" : "";
  }
  return "";
}

}  // namespace

std::string_view to_string(Experience::Kind kind) {
  switch (kind) {
    case Kind::kAuthenticated:
      return "authenticated";
    case Kind::kForbidden:
      return "forbidden";
    case Kind::kUnauthorized:
      return "unauthorized";
    case Kind::kUntrusted:
      return "untrusted";
    case Kind::kUnreachable:
      return "unreachable";
    case Kind::kMalformed:
      return "malformed";
  }
  return "";
}

std::string own_defect(const ClientConfig& client) {
  if (client.scheme != "https" && client.scheme != "http") return "the scheme is neither https nor http";
  if (client.host.empty()) return "the server's host is empty";
  if (client.port == 0) return "port 0 cannot be connected to";
  if (client.scheme == "https" && client.insecure && !client.ca_pem.empty())
    return "specifying a root certificates file with the insecure flag is not allowed";
  if (client.scheme == "https" && !client.ca_pem.empty() && certificates_in(client.ca_pem) == 0)
    return "unable to load root certificates: no certificate in the PEM text";
  if (std::any_of(client.token.begin(), client.token.end(), is_control)) return "the token holds a control character, which no header may";
  return "";
}

Experience attempt(const ClientConfig& client, const ControlPlane& cluster, const Question& question) {
  if (auto defect = own_defect(client); !defect.empty()) return {Kind::kMalformed, std::move(defect)};
  if (auto why = obstacle(client, cluster); !why.empty()) return {Kind::kUnreachable, std::move(why)};
  if (client.scheme == "http") return {Kind::kMalformed, "the API server speaks TLS only"};
  if (!client.insecure) {
    const auto serving = cluster.serving();
    const auto& name = client.tls_server_name.empty() ? client.host : client.tls_server_name;
    if (auto defect = chain_defect(client.ca_pem, serving.certificate->chain_pem, name, cluster.wall_ns()))
      return {Kind::kUntrusted, std::move(*defect)};
  }
  std::optional<std::string_view> bearer;
  const std::string header = "Bearer " + client.token;
  if (!client.token.empty()) bearer = bearer_of(header);
  const auto identity = cluster.authenticate(bearer);
  if (!identity) return {Kind::kUnauthorized, identity.error().reason, identity.error().fault};
  if (!cluster.may(*identity, question.verb, question.resource, question.name_space)) {
    return {Kind::kForbidden, fmt::format("{} cannot {} {}", identity->username, question.verb, question.resource), {}, *identity};
  }
  return {Kind::kAuthenticated, "", {}, *identity};
}

}  // namespace entryproof::cluster
