#include "reference/kubeconfig.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "reference/certificate.h"
#include "reference/service_account.h"

namespace reference {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_ipv4(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// Labels of letters, digits, hyphens and underscores; one dot at the end is allowed.
bool is_dns_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  while (true) {
    const std::size_t dot = std::min(host.find('.'), host.size());
    const std::string_view label = host.substr(0, dot);
    const bool known = std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
    if (label.empty() || label.size() > 63 || !known || label.front() == '-' || label.back() == '-') return false;
    // A name whose last label is a number is a wrong IPv4 address to everybody who reads it.
    if (dot == host.size()) return !std::ranges::all_of(label, is_digit);
    host.remove_prefix(dot + 1);
  }
}

std::expected<std::uint16_t, std::string> judge_port(std::string_view text) {
  std::uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty()) return std::unexpected("is empty");
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    return std::unexpected("must be a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

Result<std::string> judge_protocol(std::string_view text, std::string_view source) {
  if (text == "https" || text == "http") return std::string(text);
  return refuse(kExitConfiguration, std::string(source) + " must be https or http");
}

// "https://host:port/", "host:port", "[::1]:443" or a bare host.
Result<Endpoint> parse_api_server(std::string_view text) {
  const auto no = [](std::string_view why) { return refuse(kExitConfiguration, "--api-server " + std::string(why)); };
  Endpoint endpoint{.protocol = "https", .host = {}, .port = 443};
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    auto protocol = judge_protocol(text.substr(0, scheme), "the protocol of --api-server");
    if (!protocol) return std::unexpected(protocol.error());
    endpoint.protocol = std::move(*protocol);
    endpoint.port = endpoint.protocol == "http" ? 80 : 443;
    text.remove_prefix(scheme + 3);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  std::string_view port;
  bool has_port = false;
  const std::size_t colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  // A bare IPv6 address is full of colons, and none of them begins a port.
  if (colon != std::string_view::npos && (bracketed ? text.substr(0, colon).ends_with(']') : text.find(':') == colon)) {
    port = text.substr(colon + 1);
    has_port = true;
    text = text.substr(0, colon);
  }
  auto host = judge_host(text);
  if (!host) return no("has a host that " + host.error());
  endpoint.host = std::move(*host);
  if (has_port) {
    const auto number = judge_port(port);
    if (!number) return no("has a port that " + number.error());
    endpoint.port = *number;
  }
  return endpoint;
}

// The inside of a YAML double-quoted scalar; the token is printable ASCII by now.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

}  // namespace

std::string Endpoint::url() const {
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return protocol + "://" + shown + ":" + std::to_string(port);
}

std::expected<std::string, std::string> judge_host(std::string_view host) {
  if (host.empty()) return std::unexpected("is empty");
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string bare(bracketed ? host.substr(1, host.size() - 2) : host);
  if (bare.find('%') != std::string::npos) return std::unexpected("has a zone, which means nothing to another process");
  if (bare.find('\0') != std::string::npos) return std::unexpected("has a NUL inside");
  if (is_ipv6(bare)) return bare;
  if (!bracketed && (is_ipv4(bare) || is_dns_name(bare))) return bare;
  return std::unexpected("is neither an IP address nor a DNS name");
}

Result<Endpoint> find_endpoint(const Options& options) {
  if (!options.api_server.empty()) return parse_api_server(options.api_server);
  const auto no = [](std::string_view variable, const std::string& why) {
    return refuse(kExitConfiguration, std::string(variable) + " " + why + "; kubelet sets it for every Pod, or give --api-server");
  };
  auto host = judge_host(options.service_host);
  if (!host) return no("KUBERNETES_SERVICE_HOST", host.error());
  const auto port = judge_port(options.service_port);
  if (!port) return no("KUBERNETES_SERVICE_PORT", port.error());
  auto protocol = judge_protocol(options.service_protocol, "KUBERNETES_SERVICE_PROTOCOL");
  if (!protocol) return std::unexpected(protocol.error());
  return Endpoint{.protocol = std::move(*protocol), .host = std::move(*host), .port = *port};
}

bool is_generated_kubeconfig(std::string_view text) {
  // What follows these beginnings of lines is free; every other line is as it always is.
  constexpr std::array<std::string_view, 4> kValues{
      "    server: ", "    certificate-authority-data: ", "    insecure-skip-tls-verify: ", "    token: "};
  const auto outline = [&](std::string_view document) {
    std::string lines;
    while (!document.empty()) {
      const std::size_t end = std::min(document.find('\n'), document.size() - 1);
      const std::string_view line = document.substr(0, end + 1);
      const auto* value = std::ranges::find_if(kValues, [&](std::string_view begin) { return line.starts_with(begin); });
      // The trust is said in one of two ways.
      const bool trust = value == &kValues[1] || value == &kValues[2];
      if (value == kValues.end()) {
        lines += line;
      } else {
        lines += trust ? kValues[1] : *value;
      }
      document.remove_prefix(end + 1);
    }
    return lines;
  };
  return outline(text) == outline(render_kubeconfig({.protocol = "https", .host = "h", .port = 1}, "t", ""));
}

std::optional<KubeconfigContent> read_kubeconfig(std::string_view text) {
  if (!is_generated_kubeconfig(text)) return std::nullopt;
  const auto value = [&](std::string_view name) {
    const std::size_t at = text.find(name);
    if (at == std::string_view::npos) return std::string_view{};
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find('\n'));
  };
  auto endpoint = parse_api_server(value("\n    server: "));
  std::string_view shown = value("\n    token: ");
  if (!endpoint || shown.size() < 3 || shown.front() != '"' || shown.back() != '"') return std::nullopt;
  std::string token;
  for (shown = shown.substr(1, shown.size() - 2); !shown.empty(); shown.remove_prefix(1)) {
    if (shown.front() == '\\' && shown.size() > 1) shown.remove_prefix(1);
    token += shown.front();
  }
  const bool verified = value("\n    insecure-skip-tls-verify: ") != "true";
  const auto ca = decode_base64(value("\n    certificate-authority-data: "));
  if (!why_no_token(token).empty() || (verified && (!ca || !why_no_certificates(*ca).empty()))) return std::nullopt;
  return KubeconfigContent{.endpoint = std::move(*endpoint), .token = std::move(token)};
}

std::string render_kubeconfig(const Endpoint& endpoint, std::string_view token, std::string_view ca) {
  const std::string trust = ca.empty() ? std::string("insecure-skip-tls-verify: true") : "certificate-authority-data: " + encode_base64(ca);
  return "# Kubeconfig file for Multus CNI plugin.\n"
         "apiVersion: v1\n"
         "kind: Config\n"
         "clusters:\n"
         "- name: local\n"
         "  cluster:\n"
         "    server: " +
         endpoint.url() +
         "\n"
         "    " +
         trust +
         "\n"
         "users:\n"
         "- name: multus\n"
         "  user:\n"
         "    token: " +
         quoted(token) +
         "\n"
         "contexts:\n"
         "- name: multus-context\n"
         "  context:\n"
         "    cluster: local\n"
         "    user: multus\n"
         "current-context: multus-context\n";
}

}  // namespace reference
