#include "simulator/subjects/mutants/edits.h"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace entryproof::subjects {
namespace {

using Json = nlohmann::ordered_json;

// The value of the line "  <key>: <value>", as a place in the text.
struct Span {
  std::size_t begin = 0;
  std::size_t size = 0;
};

std::optional<Span> find_value(const std::string& text, std::string_view key) {
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    const std::size_t word = std::min(text.find_first_not_of(' ', line), end);
    const std::string_view rest = std::string_view(text).substr(word, end - word);
    if (rest.starts_with(key) && rest.substr(key.size()).starts_with(": ")) {
      const std::size_t begin = word + key.size() + 2;
      return Span{begin, end - begin};
    }
    line = end + 1;
  }
  return std::nullopt;
}

template <class Change>
std::string change_value(std::string text, std::string_view key, Change change) {
  if (const auto span = find_value(text, key)) text.replace(span->begin, span->size, change(text.substr(span->begin, span->size)));
  return text;
}

std::string value_of_the_old_file(const Scene& scene, std::string text, std::string_view key) {
  const std::string old = read_whole(scene.host, scene.target);
  const auto span = find_value(old, key);
  if (!span) return text;
  return change_value(std::move(text), key, [&](const std::string&) { return old.substr(span->begin, span->size); });
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t i) -> unsigned { return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U; };
    const unsigned group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    for (unsigned digit = 0; digit < 4; ++digit) text += at + digit <= bytes.size() ? kDigits[(group >> (18 - 6 * digit)) & 63U] : '=';
  }
  return text;
}

Json parse(const std::string& text) { return Json::parse(text, nullptr, false); }

// Multus' own object of a generated configuration is the document itself or the first plugin of its list.
template <class Change>
std::string change_configuration(std::string text, Change change) {
  Json document = parse(text);
  if (!document.is_object()) return text;
  const auto plugins = document.find("plugins");
  Json& own = plugins != document.end() && plugins->is_array() && !plugins->empty() ? plugins->front() : document;
  if (!own.is_object()) return text;
  change(document, own);
  return document.dump(4) + "\n";
}

bool is_configuration(std::string_view name) { return name.ends_with(".conf") || name.ends_with(".conflist") || name.ends_with(".json"); }

}  // namespace

std::string read_whole(reference::Host& host, const std::string& path) {
  const auto file = host.open(path, O_RDONLY | O_NONBLOCK, 0);
  if (!file) return {};
  std::string bytes;
  std::vector<char> buffer(64 * 1024);
  while (true) {
    const auto got = host.read(*file, buffer.data(), buffer.size());
    if (!got || *got == 0) break;
    bytes.append(buffer.data(), *got);
  }
  static_cast<void>(host.close(*file));
  return bytes;
}

bool is_json_object(const std::string& text) { return parse(text).is_object(); }

// --- kubeconfig ---

std::string brackets_around_every_host(const Scene&, std::string text) {
  return change_value(std::move(text), "server", [](std::string url) {
    const std::size_t host = url.find("://");
    const std::size_t port = url.rfind(':');
    if (host == std::string::npos || port <= host || url.find('[') != std::string::npos) return url;
    return url.insert(port, "]").insert(host + 3, "[");
  });
}

std::string no_brackets(const Scene&, std::string text) {
  return change_value(std::move(text), "server", [](std::string url) {
    std::erase_if(url, [](char c) { return c == '[' || c == ']'; });
    return url;
  });
}

std::string plain_http(const Scene&, std::string text) {
  return change_value(std::move(text), "server", [](std::string url) { return url.starts_with("https:") ? url.erase(4, 1) : url; });
}

std::string token_of_the_old_file(const Scene& scene, std::string text) { return value_of_the_old_file(scene, std::move(text), "token"); }

std::string authority_of_the_old_file(const Scene& scene, std::string text) {
  return value_of_the_old_file(scene, std::move(text), "certificate-authority-data");
}

std::string token_with_newline(const Scene&, std::string text) {
  return change_value(std::move(text), "token", [](std::string token) { return token.insert(token.size() - token.ends_with('"'), "\\n"); });
}

std::string empty_authority(const Scene&, std::string text) {
  return change_value(std::move(text), "certificate-authority-data", [](const std::string&) { return std::string("\"\""); });
}

std::string unknown_context(const Scene&, std::string text) {
  return change_value(std::move(text), "current-context", [](const std::string&) { return std::string("default"); });
}

std::string first_certificate(const Scene& scene, std::string text) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::string bundle = read_whole(scene.host, scene.options.ca_file);
  const std::size_t end = bundle.find(kEnd);
  if (end == std::string::npos) return text;
  bundle.resize(end + kEnd.size());
  return change_value(std::move(text), "certificate-authority-data", [&](const std::string&) { return base64(bundle + "\n"); });
}

// --- configuration ---

std::string kubeconfig_elsewhere(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json&, Json& own) { own["kubeconfig"] = "/etc/kubernetes/multus.kubeconfig"; });
}

std::string delegate_to_itself(const Scene& scene, std::string text) {
  const Json old = parse(read_whole(scene.host, scene.target));
  if (!old.is_object()) return text;
  return change_configuration(std::move(text), [&](Json&, Json& own) { own["delegates"] = Json::array({old}); });
}

std::string delegate_to_the_last(const Scene& scene, std::string text) {
  const auto entries = scene.host.list(scene.options.multus_autoconfig_dir);
  if (!entries) return text;
  std::string last;
  for (const auto& entry : *entries) {
    if (is_configuration(entry.name) && entry.name.find("multus") == std::string::npos) last = std::max(last, entry.name);
  }
  const Json delegate = parse(read_whole(scene.host, scene.options.multus_autoconfig_dir + "/" + last));
  if (!delegate.is_object()) return text;
  return change_configuration(std::move(text), [&](Json&, Json& own) { own["delegates"] = Json::array({delegate}); });
}

// Forgets what is deepest: the last member of the last plugin.
std::string lossy_delegate(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json&, Json& own) {
    const auto delegates = own.find("delegates");
    if (delegates == own.end() || !delegates->is_array() || delegates->empty()) return;
    Json* victim = &delegates->front();
    if (victim->contains("plugins") && (*victim)["plugins"].is_array() && !(*victim)["plugins"].empty())
      victim = &(*victim)["plugins"].back();
    if (victim->is_object() && victim->size() > 1) victim->erase(std::prev(victim->end()));
  });
}

std::string stamped(const Scene& scene, std::string text) {
  return change_configuration(std::move(text), [&](Json&, Json& own) { own["generation"] = scene.host.random() % 1'000'000'000; });
}

std::string fixed_name(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json& document, Json&) { document["name"] = "multus-cni-network"; });
}

// As a reader does that knows one kind of number.
Json through_float(const Json& value) {
  if (value.is_number()) return value.get<double>();
  Json made = value;
  if (made.is_structured()) {
    for (auto& member : made) member = through_float(member);
  }
  return made;
}

std::string integers_through_float(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json&, Json& own) {
    if (own.contains("delegates")) own["delegates"] = through_float(own["delegates"]);
  });
}

std::string path_of_the_container(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json&, Json& own) { own["cniConf"] = "/host/etc/cni/multus/net.d"; });
}

std::string single_at_1_1(const Scene&, std::string text) {
  return change_configuration(std::move(text), [](Json& document, Json& own) {
    if (document.value("cniVersion", "") != "1.1.0" || &document == &own) return;
    Json single = own;
    single["cniVersion"] = "1.1.0";
    single["name"] = document.value("name", "");
    document = std::move(single);
  });
}

std::string first_half(const Scene&, std::string bytes) {
  bytes.resize(bytes.size() / 2);
  return bytes;
}

}  // namespace entryproof::subjects
