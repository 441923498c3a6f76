#include "simulator/oracles/certificates.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <mutex>
#include <unordered_map>
#include <utility>

#include "simulator/base/digest.h"

namespace entryproof::oracles {
namespace {

bool decodes(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  ERR_set_mark();
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  ERR_pop_to_mark();
  X509_free(certificate);
  return certificate != nullptr && at == end;  // Go refuses what trails a certificate
}

// Decoding one takes a third of a millisecond, and all worlds of a process see the same few. Bounded, since anybody may write any bytes.
bool is_certificate(const std::string& der) {
  constexpr std::size_t kMost = 256;
  constexpr std::size_t kLongest = 16U << 10;
  static std::mutex mutex;
  static std::unordered_map<std::string, bool> known;
  if (der.size() > kLongest) return decodes(der);
  {
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(der); found != known.end()) return found->second;
  }
  const bool good = decodes(der);
  const std::lock_guard lock(mutex);
  if (known.size() == kMost) known.clear();
  known.emplace(der, good);
  return good;
}

}  // namespace

std::vector<std::string> certificates_of(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> certificates;
  for (auto begin = pem.find(kBegin); begin != std::string_view::npos; begin = pem.find(kBegin, begin)) {
    const bool at_line_start = begin == 0 || pem[begin - 1] == '\n';
    begin += kBegin.size();
    const auto end = pem.find("-----", begin);  // no base64 has one
    if (end == std::string_view::npos) break;
    if (at_line_start && pem.substr(end).starts_with(kEnd)) {
      std::string body(pem.substr(begin, end - begin));
      std::erase_if(body, [](char c) { return c == '\r' || c == '\n' || c == ' ' || c == '\t'; });
      auto der = base64_decode(body);
      if (der && is_certificate(*der)) certificates.push_back(std::move(*der));
    }
    begin = end;
  }
  return certificates;
}

}  // namespace entryproof::oracles
