// Health: the heartbeat that others can look at, and the look itself.
//
// A small JSON file on a volume of its own, replaced whole: when everything was last looked at, when the kubeconfig was last published,
// when its token expires, and what is wrong, if something is. `thin_entrypoint status` reads it; a liveness probe needs no more. Its age is
// measured by the monotonic clock, which nobody sets.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "reference/host.h"
#include "reference/log.h"
#include "reference/options.h"

namespace reference {

struct Pulse {
  bool in_place = false;
  std::string problem;                        // empty: none; never a byte of a token
  std::optional<std::int64_t> published;      // the kubeconfig, in seconds since 1970
  std::optional<std::int64_t> token_expires;  // likewise; of the published token

  bool operator==(const Pulse&) const = default;
};

class Health {
 public:
  Health(Host& host, const Options& options, Log& log) : host_(host), options_(options), log_(log) {}

  // A turn has come around. Written when something is different, and every few seconds.
  void beat(const Pulse& pulse);

 private:
  static constexpr std::chrono::seconds kEvery{5};

  Outcome<> write(const std::string& text);

  Host& host_;
  const Options& options_;
  Log& log_;
  std::optional<Pulse> last_;
  std::chrono::nanoseconds written_{};
};

// The subcommand: says one line, and gives 0 if the running instance lives (and, with --ready, everything is in place).
int report_health(Host& host, const Options& options);

}  // namespace reference
