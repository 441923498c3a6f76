// Author: which entrypoint wrote what lies on a node, by the marks that each leaves, and how sure that is.
//
// No build signs its files. 3.9.3 writes its configuration on one line; 4.1 and later always name a cniConf; to 4.2.2 every host stands in
// brackets; the reference keeps its directory at 0700. Where two could have written the same bytes, that is said.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/kubeconfig.h"

namespace entryproof::audit {

struct Traces {
  std::string config_file;  // name; "" = none
  std::string_view config;  // its bytes
  bool self_delegating = false;
  std::string_view kubeconfig;  // its bytes
  const oracles::KubeconfigFacts* facts = nullptr;
  std::optional<mode_t> directory_mode;  // of multus.d
};

struct Author {
  enum class Who : std::uint8_t { kUnknown, kSomebodyElse, k3, k40, k41, kUpstream, kReference };
  enum class Refresh : std::uint8_t { kUnknown, kNever, kWithCleanup, kAlways };
  Who who = Who::kUnknown;
  bool generated = false;  // the configuration, too: automatic mode
  std::string name;        // "4.1 to 4.2.2"
  std::string confidence;  // "sure", "likely", "a guess"; "" when unknown
  std::string why;

  // Whether it renews the kubeconfig while it runs.
  Refresh refresh() const;
};

Author author_of(const Traces& traces);

}  // namespace entryproof::audit
