#include "simulator/explore/odd_grammar.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace entryproof::explore {

namespace {

using Words = std::vector<std::string>;

const Words& scalars() {
  static const Words kScalars = {"0",
                                 "1500",
                                 "-1",
                                 "1.0",
                                 "1.50",
                                 "0.1",
                                 "1e3",
                                 "1E+2",
                                 "-0",
                                 "-0.0",
                                 "9007199254740993",
                                 "18446744073709551615",
                                 "123456789012345678901234",
                                 "1e300",
                                 "5e-324",
                                 "true",
                                 "false",
                                 "null",
                                 R"("")",
                                 R"("bridge")",
                                 R"("10.244.0.0/16")",
                                 R"("a b  c")",
                                 R"("* ? [a-z]")",
                                 R"("<a&b>")",
                                 R"("\u00e9\u2028")",
                                 R"("Grüße 世界 😀")",
                                 R"("\"q\" \\ \/ \n\t")",
                                 R"("$(id) `id` ${HOME} %s")",
                                 R"("'single'")",
                                 R"("line1\nline2")",
                                 R"("-----BEGIN CERTIFICATE-----")",
                                 R"("/etc/cni/net.d/multus.d/multus.kubeconfig")"};
  return kScalars;
}

const Words& keys() {
  static const Words kKeys = {"bridge",      "mtu",  "note",   "weight",     "delegate",  "routes",         "list",
                              "a.b",         "c d",  "",       "true",       "ключ",      "mtu2",           "isGateway",
                              "hairpinMode", "vlan", "policy", "kubernetes", "log_level", "datastore_type", "nodename"};
  return kKeys;
}

// What a document may have that somebody could trip over.
const Words& trouble() {
  static const Words kTrouble = {"{",
                                 "}",
                                 "[",
                                 "]",
                                 ",",
                                 ":",
                                 "\"",
                                 "\\",
                                 "\n",
                                 "\t",
                                 "\xef\xbb\xbf",
                                 "//",
                                 "/*",
                                 "#",
                                 "'",
                                 "NaN",
                                 "Infinity",
                                 "1e999",
                                 "01",
                                 "+1",
                                 ".5",
                                 "1.",
                                 "-",
                                 "\xff",
                                 "\xc3",
                                 std::string(1, '\0'),
                                 "\"\\ud800\"",
                                 "\"\\u0000\"",
                                 "\"multus\"",
                                 "\"multus-shim\"",
                                 "\"type\"",
                                 "\"TYPE\"",
                                 "\"plugins\"",
                                 "\"delegates\"",
                                 "\"name\"",
                                 "\"cniVersion\"",
                                 "\"capabilities\"",
                                 "\"ipam\"",
                                 "\"dns\"",
                                 "null",
                                 "true",
                                 "0",
                                 "\"\"",
                                 "{}",
                                 "[]",
                                 "[null]",
                                 "{\"type\":\"multus\"}",
                                 "\"1.0.0\"",
                                 "\"0.3.1\"",
                                 "\"9.9.9\"",
                                 "[[[[[[[[[[[[[[[[",
                                 "\r\n",
                                 "---\n",
                                 "&a",
                                 "*a"};
  return kTrouble;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '+' || c == '_'; }

const Words& versions() {
  static const Words kVersions = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.3.1", "0.4.0", "1.0.0", "1.0.0", "1.1.0"};
  return kVersions;
}

}  // namespace

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
    } else if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    } else if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) != 0) ++end;
    }
    tokens.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

std::string OddGrammar::value(std::size_t depth) {
  if (depth == 0 || one_in(2)) return any(scalars());
  if (one_in(2)) return "{" + members(below(4), depth - 1) + "}";
  std::string items;
  for (std::size_t count = below(4); count > 0; --count) items += (items.empty() ? "" : ",") + value(depth - 1);
  return "[" + items + "]";
}

std::string OddGrammar::members(std::size_t count, std::size_t depth) {
  std::string text;
  std::vector<std::string> used;
  for (; count > 0; --count) {
    const auto& key = any(keys());
    if (std::ranges::find(used, key) != used.end() && !one_in(20)) continue;
    used.push_back(key);
    text += (text.empty() ? "\"" : ",\"") + key + "\":" + value(depth);
  }
  return text;
}

std::string OddGrammar::document(bool list) {
  const std::string blank = one_in(4) ? "\n  " : "";
  const auto more = [&](std::size_t count, std::size_t depth) {
    const auto text = members(count, depth);
    return text.empty() ? text : "," + blank + text;
  };
  const std::size_t depth = one_in(8) ? 12 : below(4);
  std::string text = "{" + blank + "\"cniVersion\":\"" + any(versions()) + "\"," + blank + "\"name\":\"" +
                     any(Words{"cbr0", "k8s-pod-network", "n", "my.net_1"}) + "\"";
  const auto plugin = [&](bool capable) {
    std::string made = "\"type\":\"" + any(Words{"bridge", "flannel", "calico", "ptp", "portmap"}) + "\"";
    if (capable && one_in(2)) made += one_in(2) ? ",\"capabilities\":{\"portMappings\":true}" : ",\"capabilities\":{\"bandwidth\":false}";
    return made + more(below(5), depth);
  };
  if (!list) return text + "," + blank + plugin(true) + "}" + (one_in(4) ? "\n" : "");
  text += more(below(3), depth) + "," + blank + "\"plugins\":[";
  const std::size_t count = 1 + below(3);
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "{" : ",{") + plugin(i > 0) + "}";
  text += "]}";
  // A big one now and then: more than a page, more than a pipe.
  if (one_in(40)) text.insert(1, "\"padding\":\"" + std::string(1000 + below(50'000), 'p') + "\",");
  return text;
}

std::string OddGrammar::manual() {
  const auto more = members(below(3), 2);
  return R"({"cniVersion":"0.3.1","name":"multus-cni-network","type":"multus",)" + (more.empty() ? more : more + ",") +
         R"("kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","delegates":[{"cniVersion":"0.3.1","name":"cbr0","type":"bridge")" +
         (one_in(2) ? "," + std::string(R"("mtu":)") + any(scalars()) : "") + "}]}";
}

std::string OddGrammar::edited(std::string text, std::size_t edits) {
  for (; edits > 0; --edits) {
    auto tokens = tokens_of(text);
    if (tokens.empty()) return any(trouble());
    const std::size_t at = below(tokens.size());
    const auto place = tokens.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(6)) {
      case 0:
        tokens.erase(place);
        break;
      case 1:
        tokens.insert(place, *place);
        break;
      case 2:
        *place = any(trouble());
        break;
      case 3:
        tokens.insert(place, any(trouble()));
        break;
      case 4:
        std::swap(*place, tokens[below(tokens.size())]);
        break;
      default:
        *place = any(scalars());
        break;
    }
    text.clear();
    for (const auto& token : tokens) text += token;
  }
  if (one_in(10)) text.resize(below(text.size() + 1));
  return text;
}

std::string OddGrammar::bytes_like(const std::string& good) {
  switch (below(10)) {
    case 0:
      return "";
    case 1:
      return any(Words{"\n", " ", "\r\n\r\n", std::string(3, '\0'), "null", "\"\"", "{}"});
    case 2:
      return good.substr(0, below(good.size()));
    case 3:
      return good + any(Words{"\n", "\r\n", " ", "\t\n", "\n\n"});
    case 4:
      return good + good;
    case 5:
      return good + "\n" + good;
    default:
      break;
  }
  std::string text = good;
  for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
    const std::string piece = any(Words{"\"",
                                        "\\",
                                        "\n",
                                        "\r",
                                        ":",
                                        "#",
                                        " #",
                                        "'",
                                        "\t",
                                        "{",
                                        "&",
                                        "*",
                                        "%",
                                        "é",
                                        "\xff",
                                        std::string(1, '\0'),
                                        "\x7f",
                                        "-",
                                        "=",
                                        "/",
                                        "",
                                        "\n-----END CERTIFICATE-----\n",
                                        "\n  token: x"});
    text.replace(below(text.size() + 1), below(4), piece);
  }
  return text;
}

std::map<std::string, std::string> OddGrammar::environment() {
  static const Words kHosts = {"",
                               " ",
                               "10.96.0.1",
                               "[10.96.0.1]",
                               "fd00::1",
                               "[fd00::1]",
                               "FD00::1",
                               "::ffff:10.0.0.1",
                               "fe80::1%eth0",
                               "kubernetes.default.svc",
                               "Api.Example.ORG.",
                               "localhost",
                               "10.96.0.1:443",
                               "https://10.96.0.1",
                               "10.96.0.1/x",
                               "a b",
                               "a\"b",
                               "a\nb",
                               "10.96.0.256",
                               "::",
                               "0",
                               "-",
                               "例え.jp",
                               "$(id)",
                               "a\\b",
                               "#"};
  static const Words kPorts = {
      "", "443", "6443", "0", "65535", "65536", "-1", "https", "4 43", "443\n", "0443", "+443", "443.0", "tcp://10.96.0.1:443", "١"};
  static const Words kProtocols = {"https", "http", "", "HTTPS", "tcp", "https://", "ftp", "\"", "h\nt"};
  std::map<std::string, std::string> made;
  if (!one_in(3)) made["KUBERNETES_SERVICE_HOST"] = any(kHosts);
  if (one_in(2)) made["KUBERNETES_SERVICE_PORT"] = any(kPorts);
  if (one_in(3)) made["KUBERNETES_SERVICE_PROTOCOL"] = any(kProtocols);
  if (one_in(6)) made["HOME"] = any(kHosts);
  if (one_in(6)) made["LC_ALL"] = any(Words{"", "C", "tr_TR.UTF-8", "x"});
  if (one_in(6)) made["KUBERNETES_SERVICE_PORT_HTTPS"] = any(kPorts);
  if (made.empty()) made["KUBERNETES_SERVICE_HOST"] = any(kHosts);
  return made;
}

std::string OddGrammar::flag() {
  static const Words kNames = {"namespace-isolation",
                               "global-namespaces",
                               "multus-log-level",
                               "multus-log-file",
                               "multus-log-to-stderr",
                               "override-network-name",
                               "force-cni-version",
                               "readiness-indicator-file",
                               "additional-bin-dir",
                               "multus-kubeconfig-file-host",
                               "multus-master-cni-file-name",
                               "multus-autoconfig-dir",
                               "skip-tls-verify",
                               "cni-version",
                               "cni-conf-dir",
                               "cni-bin-dir",
                               "multus-bin-file",
                               "multus-conf-file",
                               "rename-conf-file",
                               "multus-cni-conf-dir",
                               "no-such-flag"};
  static const Words kValues = {"",
                                "true",
                                "false",
                                "yes",
                                "1",
                                "0",
                                "debug",
                                "DEBUG",
                                "loud",
                                "auto",
                                "/",
                                "/nowhere",
                                "relative/x",
                                "/etc/cni/net.d/x.kubeconfig",
                                "/host/etc/cni/net.d",
                                "../..",
                                "a,b",
                                "a b",
                                "\"",
                                "'",
                                "\\",
                                "$(id)",
                                "a\nb",
                                "é",
                                "0.3.1",
                                "1.0.0",
                                "9.9",
                                "10-flannel.conflist"};
  return "--" + any(kNames) + (one_in(8) ? "" : "=" + (one_in(50) ? std::string(3900, 'x') : any(kValues)));
}

OddInput OddGrammar::make(OddPart part) {
  OddInput input;
  input.part = part;
  switch (part) {
    case OddPart::kPrimary:
      input.list = one_in(2);
      input.over = one_in(4);
      input.bytes = one_in(3) ? any(input.list ? material_.lists : material_.singles) : document(input.list);
      if (one_in(2)) input.bytes = edited(std::move(input.bytes), 1 + below(3));
      break;
    case OddPart::kManual:
      input.list = one_in(8);
      input.bytes = manual();
      if (one_in(2)) input.bytes = edited(std::move(input.bytes), 1 + below(3));
      break;
    case OddPart::kToken:
      input.bytes = bytes_like(material_.token);
      break;
    case OddPart::kCa:
      input.bytes = bytes_like(material_.ca);
      break;
    case OddPart::kEnvironment:
      input.environment = environment();
      break;
    case OddPart::kFlags:
      for (std::size_t count = 1 + below(3); count > 0; --count) input.flags.push_back(flag());
      break;
  }
  return input;
}

OddInput OddGrammar::vary(const OddInput& input) {
  OddInput other = input;
  switch (input.part) {
    case OddPart::kPrimary:
    case OddPart::kManual:
      other.bytes = edited(std::move(other.bytes), 1 + below(2));
      break;
    case OddPart::kToken:
    case OddPart::kCa:
      other.bytes = bytes_like(other.bytes.empty() ? material_.token : other.bytes);
      if (other.bytes.size() > (64U << 10)) other.bytes.resize(64U << 10);
      break;
    case OddPart::kEnvironment:
      for (auto& [name, value] : environment()) other.environment[name] = value;
      break;
    case OddPart::kFlags:
      if (!other.flags.empty() && one_in(2))
        other.flags.erase(other.flags.begin() + static_cast<std::ptrdiff_t>(below(other.flags.size())));
      if (other.flags.size() < 8) other.flags.push_back(flag());
      break;
  }
  return other;
}

}  // namespace entryproof::explore
