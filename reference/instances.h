// Instances: who else lives on this volume. During a rolling update two entrypoints run side by side, with tokens of their own.
//
// The newest one is in charge: what it has put in place stays, and an older one neither rewrites it nor takes it along when it leaves. Once
// the newest has gone the one before it takes over, since a token dies with the Pod that it was given to. Each instance holds a mark on the
// directory of configurations, numbered by the time of its start; the kernel removes it with the process, however that ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reference/files.h"
#include "reference/host.h"

namespace reference {

class Instances {
 public:
  explicit Instances(Host& host) : host_(host), number_(host.monotonic().count()) {}

  // Shows others that we live here. To be called again and again, as the directory may be replaced.
  void appear(const std::string& directory);
  // Does a newer instance live here? Nothing if this machine cannot tell.
  std::optional<bool> newer() const;

 private:
  Host& host_;
  const std::int64_t number_;
  std::optional<Handle> directory_;
  FileStatus status_;
  bool unsupported_ = false;
};

}  // namespace reference
