#include "reference/service_account.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "reference/certificate.h"
#include "reference/files.h"

namespace reference {
namespace {

constexpr std::size_t kTokenCap = 64 * 1024;  // HTTP servers take no more in a header
constexpr std::size_t kCaCap = 1024 * 1024;
constexpr int kAttempts = 8;  // a swap between two looks is rare, eight in a row do not happen
constexpr std::string_view kBlank = " \t\r\n\v\f";

// Where `..data` beside this file points to; empty if the file lies plainly.
std::string generation(Host& host, const std::string& file) { return host.readlink(join(directory_of(file), "..data")).value_or(""); }

std::string inside(const std::string& file, const std::string& target) {
  if (target.empty()) return file;
  const std::string directory = target.starts_with('/') ? target : join(directory_of(file), target);
  return join(directory, name_of(file));
}

// A file that is not in the generation's directory was put there by other means, and is found under its own name.
Result<FileContent> read_in(Host& host, const std::string& file, const std::string& target, std::size_t cap) {
  auto content = read_file(host, inside(file, target), cap);
  if (!content && !target.empty() && content.error().error == Errno{ENOENT}) return read_file(host, file, cap);
  return content;
}

Problem with_advice(Problem problem, std::string_view what, const std::string& file) {
  if (problem.exit_code != kExitNoInput) return problem;
  const Problem missing = system_problem("read the " + std::string(what), file, problem.error, kExitNoInput);
  problem.text = missing.text +
                 "; set automountServiceAccountToken: true for the Pod, or give --token-file, --ca-file and --api-server"
                 " (a static Pod has no service account)";
  return problem;
}

struct Pair {
  Result<FileContent> token;
  Result<FileContent> ca;
};

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string why_no_token(std::string_view token) {
  if (token.empty()) return "it is empty";
  if (std::ranges::all_of(token, [](char c) { return c > 0x20 && c < 0x7f; })) return "";
  const bool blank = token.find_first_of(kBlank) != std::string_view::npos;
  return blank ? "it has white space inside" : "it has characters that are no printable ASCII";
}

Result<Credentials> read_credentials(Host& host, const std::string& token_file, const std::string& ca_file, const Credentials& known) {
  const bool wants_ca = !ca_file.empty();
  Pair pair;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::string token_target = generation(host, token_file);
    const std::string ca_target = wants_ca ? generation(host, ca_file) : "";
    pair.token = read_in(host, token_file, token_target, kTokenCap);
    if (wants_ca) pair.ca = read_in(host, ca_file, ca_target, kCaCap);
    const bool moved = generation(host, token_file) != token_target || (wants_ca && generation(host, ca_file) != ca_target);
    if (!moved) break;
    if (attempt + 1 == kAttempts) return refuse(kExitNoInput, "cannot read " + token_file + ": its directory changes all the time");
  }
  const auto status = pair.token || !wants_ca ? Outcome<FileStatus>{} : host.stat(token_file);
  const bool replaced = !pair.token && wants_ca && status && !S_ISREG(status->mode);
  if (!pair.token && !replaced) return std::unexpected(with_advice(pair.token.error(), "service account's token", token_file));
  if (wants_ca && !pair.ca) return std::unexpected(with_advice(pair.ca.error(), "API server's certificates", ca_file));

  Credentials credentials;
  if (replaced) credentials.no_token = pair.token.error();
  if (!replaced) credentials.token = trimmed(pair.token->bytes);
  if (!replaced && (credentials.token.empty() || credentials.token != known.token)) {
    const std::string why = why_no_token(credentials.token);
    if (!why.empty()) return refuse(kExitBadInput, "cannot use the token in " + token_file + ": " + why);
  }
  if (!wants_ca) return credentials;
  credentials.ca = std::move(pair.ca->bytes);
  if (credentials.ca.empty() || credentials.ca != known.ca) {
    const std::string why = why_no_certificates(credentials.ca);
    if (!why.empty()) return refuse(kExitBadInput, "cannot use the certificates in " + ca_file + ": " + why);
  }
  return credentials;
}

}  // namespace reference
