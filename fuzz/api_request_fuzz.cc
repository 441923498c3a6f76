// Any bytes as what a client sends to the API server on one connection: every request is answered or refused, each answer is one that a
// client can read, and nothing that is kept as evidence was written by the client. "TOKEN" in the bytes stands for a token that counts.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/targets.h"
#include "simulator/base/clock.h"
#include "simulator/cluster/api_routes.h"
#include "simulator/cluster/service_account.h"

namespace entryproof::fuzz {

void api_request(std::string_view input) {
  using namespace cluster;  // NOLINT: a target of one folder
  static constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;
  static constexpr std::string_view kPlaceholder = "TOKEN";
  // The token of the first is the token of all: a signature for each input would be most of the work.
  static const std::string kToken = ServiceAccount(std::make_shared<ControlPlane>(7, [] { return kNow; }), kNow).current().token;
  ControlPlane plane(7, [] { return kNow; });
  plane.record(kToken, 1);

  std::string bytes(input);
  for (auto at = bytes.find(kPlaceholder); at != std::string::npos; at = bytes.find(kPlaceholder, at + kToken.size()))
    bytes.replace(at, kPlaceholder.size(), kToken);
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto read = read_request(rest);
    if (read.progress == HttpProgress::kMore) {
      demand(read.needs > rest.size());
      break;
    }
    HttpAnswer http;
    if (read.progress == HttpProgress::kRefused) {
      http = status_answer(read.status, read.reason);
    } else {
      demand(read.used > 0 && read.used <= rest.size());
      auto answered = answer(read.request, plane);
      demand(answered.what.find(kToken) == std::string::npos);
      http = std::move(answered.http);
    }
    const auto back = read_answer(to_bytes(http, true), false, {.body_bytes = 64U << 20});
    demand(back.progress == HttpProgress::kWhole && back.status == http.status && back.body == http.body);
    if (read.progress == HttpProgress::kRefused) break;
    rest.remove_prefix(read.used);
  }
}

}  // namespace entryproof::fuzz
