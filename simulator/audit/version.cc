#include "simulator/audit/version.h"

#include <algorithm>
#include <charconv>

namespace entryproof::audit {
namespace {

constexpr std::array kFlags{
    //          name                            text   3      4.0    4.1    ref
    KnownFlag{"--additional-bin-dir", true, true, true, true, true, ""},
    KnownFlag{"--api-server", true, false, false, false, true, ""},
    KnownFlag{"--ca-file", true, false, false, false, true, ""},
    KnownFlag{"--cleanup-config-on-exit", false, true, true, true, true, "false"},
    KnownFlag{"--cni-bin-dir", true, true, true, true, true, "/host/opt/cni/bin"},
    KnownFlag{"--cni-conf-dir", true, true, true, true, true, "/host/etc/cni/net.d"},
    KnownFlag{"--cni-version", true, true, true, true, true, ""},
    KnownFlag{"--force-cni-version", false, false, true, true, true, "false"},
    KnownFlag{"--global-namespaces", true, true, true, true, true, ""},
    KnownFlag{"--health-file", true, false, false, false, true, ""},
    KnownFlag{"--help", false, true, true, true, true, "false"},
    KnownFlag{"--kubeconfig-policy", true, false, false, false, true, "always"},
    KnownFlag{"--log-format", true, false, false, false, true, "text"},
    KnownFlag{"--multus-autoconfig-dir", true, true, true, true, true, "/host/etc/cni/net.d"},
    KnownFlag{"--multus-bin-file", true, false, true, true, true, "/usr/src/multus-cni/bin/multus"},
    KnownFlag{"--multus-cni-conf-dir", true, false, false, true, true, "/host/etc/cni/multus/net.d"},
    KnownFlag{"--multus-conf-file", true, true, true, true, true, "auto"},
    KnownFlag{"--multus-kubeconfig-file-host", true, true, true, true, true, "/etc/cni/net.d/multus.d/multus.kubeconfig"},
    KnownFlag{"--multus-log-file", true, true, true, true, true, ""},
    KnownFlag{"--multus-log-level", true, true, true, true, true, ""},
    KnownFlag{"--multus-log-to-stderr", false, true, true, true, true, "true"},
    KnownFlag{"--multus-master-cni-file-name", true, true, true, true, true, ""},
    KnownFlag{"--namespace-isolation", false, true, true, true, true, "false"},
    KnownFlag{"--once", false, false, false, false, true, "false"},
    KnownFlag{"--override-network-name", false, true, true, true, true, "false"},
    KnownFlag{"--poll-interval", true, false, false, false, true, "1s"},
    KnownFlag{"--readiness-indicator-file", true, true, true, true, true, ""},
    KnownFlag{"--rename-conf-file", false, true, true, true, true, "false"},
    KnownFlag{"--restart-crio", false, true, false, false, true, "false"},
    KnownFlag{"--skip-config-watch", false, false, false, true, true, "false"},
    KnownFlag{"--skip-multus-binary-copy", false, true, true, true, true, "false"},
    KnownFlag{"--skip-tls-verify", false, false, true, true, true, "false"},
    KnownFlag{"--token-file", true, false, false, false, true, ""},
};

// The image's name without registry and tag, and its tag.
std::pair<std::string_view, std::string_view> parts_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  std::string_view name = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const auto colon = name.find(':');
  return {name.substr(0, colon), colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1)};
}

// A flag that no other entrypoint has ever had.
bool has_reference_flag(const Container& container) {
  for (const auto* words : {&container.command, &container.args}) {
    for (const Text& word : *words) {
      const KnownFlag* flag = find_flag(std::string_view(word.value).substr(0, word.value.find('=')));
      if (flag != nullptr && flag->in_reference && !flag->in_3 && !flag->in_41) return true;
    }
  }
  return false;
}

bool mentions(const Container& container, std::string_view word) {
  const auto holds = [word](const Text& text) { return text.value.find(word) != std::string::npos; };
  return std::ranges::any_of(container.command, holds) || std::ranges::any_of(container.args, holds);
}

}  // namespace

Version version_of_tag(std::string_view tag) {
  if (tag.starts_with('v')) tag.remove_prefix(1);
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = tag.data() + tag.size();
  auto [rest, error] = std::from_chars(tag.data(), end, major);
  if (error != std::errc{} || (rest != end && *rest != '.')) return {Family::kUnknown, "unknown"};
  bool known_minor = false;
  if (rest != end) {
    const auto [after, bad] = std::from_chars(rest + 1, end, minor);
    known_minor = bad == std::errc{};
    rest = after;
  }
  while (rest != end && (*rest == '.' || (*rest >= '0' && *rest <= '9'))) ++rest;  // the patch; what follows is somebody's build
  const std::string text(tag.data(), static_cast<std::size_t>(rest - tag.data()));
  if (major == 3) return {Family::k3, text};
  if (major == 4 && !known_minor) return {Family::k4, "4.x"};
  if (major == 4) return {minor == 0 ? Family::k40 : Family::k41, text};
  return {Family::kUnknown, "unknown"};
}

Version version_of(const Container& container) {
  const auto [name, tag] = parts_of(container.image.value);
  if (tag.ends_with("-thick") || mentions(container, "multus-daemon")) return {Family::kThick, "thick"};
  if (name.starts_with("thin-entrypoint") || has_reference_flag(container)) return {Family::kReference, "the reference"};
  const bool multus = name.find("multus") != std::string_view::npos;
  if (multus) {
    if (Version version = version_of_tag(tag); version.family != Family::kUnknown) return version;
    if (mentions(container, "thin_entrypoint")) return {Family::k4, "4.x"};
    if (mentions(container, "entrypoint.sh")) return {Family::k3, "3.x"};
  }
  return {Family::kUnknown, "unknown"};
}

std::span<const KnownFlag> known_flags() { return kFlags; }

const KnownFlag* find_flag(std::string_view name) {
  if (name == "-h") name = "--help";
  const auto found = std::ranges::find(kFlags, name, [](const KnownFlag& flag) { return std::string_view(flag.name); });
  return found == kFlags.end() ? nullptr : &*found;
}

bool understands(Family family, const KnownFlag& flag) {
  switch (family) {
    case Family::k3:
      return flag.in_3;
    case Family::k40:
      return flag.in_40;
    case Family::k4:
    case Family::k41:
      return flag.in_41;
    case Family::kReference:
      return flag.in_reference;
    case Family::kUnknown:
    case Family::kThick:
      break;
  }
  return true;
}

}  // namespace entryproof::audit
