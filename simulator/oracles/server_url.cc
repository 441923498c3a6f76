// The URL of an API server, as Go's net/url and client-go would take it, and the form of its host (FRESH-18).
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "simulator/oracles/kubeconfig.h"

namespace entryproof::oracles {
namespace {

bool is_address(int family, std::string_view text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (text.find('\0') != std::string_view::npos) return false;
  return inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}

// Letters, digits, hyphens and underscores in labels, of any case; one trailing dot. Go's resolver takes nothing else.
bool is_dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!letter || ++label > 63) return false;
  }
  return label > 0;
}

// "fe80::1%25eth0" (RFC 6874): the zone must be percent-encoded within a URL.
bool is_ipv6_with_zone(std::string_view text) {
  const auto percent = text.find('%');
  if (percent == std::string_view::npos) return is_address(AF_INET6, text);
  const std::string_view zone = text.substr(percent);
  return zone.starts_with("%25") && zone.size() > 3 && is_dns_name(zone.substr(3)) && is_address(AF_INET6, text.substr(0, percent));
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// Splits "host:port"; the brackets stay with the host. False if there is something that no port can be.
bool split(std::string_view authority, std::string_view& host, std::optional<std::string_view>& port) {
  std::size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const auto bracket = authority.rfind(']');
    if (bracket == std::string_view::npos) return false;
    colon = bracket + 1;
    if (colon == authority.size()) colon = std::string_view::npos;
    if (colon != std::string_view::npos && authority[colon] != ':') return false;
  }
  host = authority.substr(0, colon);
  if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  return true;
}

}  // namespace

std::string_view to_string(HostKind kind) {
  switch (kind) {
    case HostKind::kIpv4:
      return "an IPv4 address";
    case HostKind::kIpv6:
      return "an IPv6 address";
    case HostKind::kDns:
      return "a DNS name";
  }
  return "?";
}

std::optional<ServerUrl> parse_server_url(std::string_view text, bool http_allowed, std::string& reason) {
  const auto refuse = [&reason](std::string why) {
    reason = std::move(why);
    return std::nullopt;
  };
  ServerUrl url;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("the server is no absolute URL");
  url.scheme = text.substr(0, colon);
  std::ranges::transform(url.scheme, url.scheme.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (url.scheme != "https" && !(url.scheme == "http" && http_allowed)) return refuse("the server's scheme is not https");
  std::string_view authority = text.substr(colon + 3);
  if (const auto end = authority.find_first_of("/?#"); end != std::string_view::npos) {
    if (authority.find_first_of("?#") != std::string_view::npos) return refuse("the server's URL has a query or a fragment");
    authority = authority.substr(0, end);
  }
  if (authority.find('@') != std::string_view::npos) return refuse("the server's URL has user information");

  std::string_view host;
  std::optional<std::string_view> port;
  if (!split(authority, host, port)) return refuse("the server's host and port cannot be told apart");
  if (port && port->empty()) return refuse("the server's port is empty");
  if (port && !is_port(*port)) return refuse("the server's port is not a number from 1 to 65535");
  if (port) url.port = *port;

  url.bracketed = host.size() >= 2 && host.starts_with('[') && host.ends_with(']');
  if (url.bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return refuse("the server's host is empty");
  if (is_address(AF_INET, host)) {
    url.kind = HostKind::kIpv4;
  } else if (is_ipv6_with_zone(host)) {
    url.kind = HostKind::kIpv6;
  } else if (is_dns_name(host)) {
    url.kind = HostKind::kDns;
  } else {
    return refuse("the server's host is neither an address nor a name");
  }
  url.host = host;
  if (const auto zone = url.host.find("%25"); zone != std::string::npos) url.host.replace(zone, 3, "%");
  if (url.bracketed != (url.kind == HostKind::kIpv6)) {
    url.form_defect = fmt::format("{} {} brackets", to_string(url.kind), url.bracketed ? "in" : "without");
  }
  return url;
}

}  // namespace entryproof::oracles
