#include "simulator/subjects/predecessors/kubeconfig.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace entryproof::subjects::predecessor {
namespace {

std::string base64(const std::string& bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8U) | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j > bytes.size() ? '=' : kAlphabet[(group >> static_cast<unsigned>(18 - 6 * j)) & 0x3fU];
    }
  }
  return out;
}

std::string server(const Traits& traits) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  const bool brackets = traits.brackets_any_host || host.find(':') != std::string::npos;
  return fmt::format("{}://{}:{}", environment("KUBERNETES_SERVICE_PROTOCOL", "https"), brackets ? "[" + host + "]" : host,
                     environment("KUBERNETES_SERVICE_PORT"));
}

Outcome<std::string> read_one(const Traits& traits, std::string_view what, const char* path) {
  if (!exists(path)) {
    const std::string cause = describe("stat", path, errno);
    if (traits.token_before_ca) return fail(fmt::format("service account {} is not found: {}", what, cause));
    return fail(fmt::format("file {} not found: {}", path, cause));
  }
  return read_file(path);
}

}  // namespace

std::string environment(const char* name, const std::string& fallback) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? fallback : value;
}

std::string ca_line(const std::string& ca) { return "certificate-authority-data: " + base64(ca); }

std::string render_kubeconfig(const Traits& traits, const std::string& tls_line, const std::string& token) {
  return fmt::format(
      "# Kubeconfig file for Multus CNI plugin.\n"
      "apiVersion: v1\n"
      "kind: Config\n"
      "clusters:\n"
      "- name: local\n"
      "  cluster:\n"
      "    server: {}\n"
      "    {}\n"
      "users:\n"
      "- name: multus\n"
      "  user:\n"
      "    token: \"{}\"\n"
      "contexts:\n"
      "- name: multus-context\n"
      "  context:\n"
      "    cluster: local\n"
      "    user: multus\n"
      "current-context: multus-context\n",
      server(traits), tls_line, token);
}

Outcome<Credentials> read_credentials(const Traits& traits) {
  Credentials credentials;
  const auto ca = [&]() -> Outcome<> {
    auto text = read_one(traits, "ca", kCaFile);
    if (!text) return std::unexpected(text.error());
    credentials.ca = std::move(*text);
    return {};
  };
  const auto token = [&]() -> Outcome<> {
    auto text = read_one(traits, "token", kTokenFile);
    if (!text) return std::unexpected(text.error());
    credentials.token = std::move(*text);
    return {};
  };
  if (auto read = traits.token_before_ca ? token() : ca(); !read) return std::unexpected(read.error());
  if (auto read = traits.token_before_ca ? ca() : token(); !read) return std::unexpected(read.error());
  return credentials;
}

Outcome<Credentials> create_kubeconfig(const Traits& traits, const Options& options) {
  const std::string directory = options.cni_conf_dir + "/multus.d";
  const auto make = [&](const std::string& path, std::string_view what) {
    return prefixed(make_directories(path, 0755), fmt::format("cannot create {} directory: ", what));
  };
  if (!traits.knows_cni_conf_dir) {
    if (auto made = make(directory, "multus.d"); !made) return std::unexpected(made.error());
  }
  auto credentials = read_credentials(traits);
  if (!credentials) return credentials;
  if (traits.knows_cni_conf_dir) {
    if (auto made = make(directory, "multus.d"); !made) return std::unexpected(made.error());
    if (auto made = make(options.multus_cni_conf_dir, "multus-cni-conf-dir"); !made) return std::unexpected(made.error());
  }

  const std::string target = directory + "/multus.kubeconfig";
  const std::string temporary = target + ".new";
  const File file = open_file(temporary, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!file.is_open()) return fail("cannot create kubeconfig temp file: " + describe("open", temporary, errno));
  const std::string tls = options.skip_tls_verify ? "insecure-skip-tls-verify: true" : ca_line(credentials->ca);
  if (const int error = write_lines(file.fd(), render_kubeconfig(traits, tls, credentials->token))) {
    return fail("cannot create kubeconfig: " + describe("write", temporary, error));
  }
  if (::fsync(file.fd()) != 0) return fail("cannot create kubeconfig: " + describe("sync", temporary, errno));
  if (std::rename(temporary.c_str(), target.c_str()) != 0) {
    const std::string cause = describe("rename", temporary + " " + target, errno);
    return fail(fmt::format("cannot replace \"{}\" with temp file \"{}\": {}", target, temporary, cause));
  }
  say("kubeconfig is created in " + target);
  return credentials;
}

}  // namespace entryproof::subjects::predecessor
