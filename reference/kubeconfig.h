// Kubeconfig: the document that the plugin reads, rendered from values that have been judged first.
//
// The form is that of upstream, key for key, since tools out there look into it; but every value stands in quotes where YAML would need
// them, and nothing that a client cannot use is ever rendered.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "reference/options.h"
#include "reference/problem.h"

namespace reference {

struct Endpoint {
  std::string protocol;  // https, or http where that was asked for
  std::string host;      // without brackets
  std::uint16_t port = 0;

  std::string url() const;  // brackets if and only if the host is an IPv6 literal
};

// From --api-server, or else from the three environment variables. The problem names the flag or variable.
Result<Endpoint> find_endpoint(const Options& options);

// `host` may be an IPv4 address, a DNS name, or an IPv6 address in or without brackets. Gives it without brackets; the error is a reason.
std::expected<std::string, std::string> judge_host(std::string_view host);

// Has this text the very form of render_kubeconfig, which is upstream's, too? Then an entrypoint wrote it, and another may replace it.
bool is_generated_kubeconfig(std::string_view text);

struct KubeconfigContent {
  Endpoint endpoint;
  std::string token;
};
// What a text of that form says, if a client could use it: a server, a token, and certificates unless they are done without.
std::optional<KubeconfigContent> read_kubeconfig(std::string_view text);

// `token` and `ca` as read_credentials gives them. `ca` empty: the API server is not verified.
std::string render_kubeconfig(const Endpoint& endpoint, std::string_view token, std::string_view ca);

}  // namespace reference
