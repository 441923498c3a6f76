// The kubeconfig of the predecessors: the document, which all of them wrote byte for byte alike but for the server's address, and what 4.x
// did to put it in its place.
#pragma once

#include <string>

#include "simulator/subjects/predecessors/files.h"
#include "simulator/subjects/predecessors/flags.h"
#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::subjects::predecessor {

inline constexpr const char* kTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token";
inline constexpr const char* kCaFile = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

// What a kubeconfig is made of, as read from the service account's volume.
struct Credentials {
  std::string ca;
  std::string token;
  bool operator==(const Credentials&) const = default;
};

// The environment's variable, or `fallback` where it is not set or empty.
std::string environment(const char* name, const std::string& fallback = {});

// The line "certificate-authority-data: ..." for the bytes of a CA file; nothing else of it is looked at.
std::string ca_line(const std::string& ca);

// The whole document. The server's address comes from the environment; the token is copied between the quotes as it is.
std::string render_kubeconfig(const Traits& traits, const std::string& tls_line, const std::string& token);

// 4.x: both files, in the order in which the release missed them.
Outcome<Credentials> read_credentials(const Traits& traits);

// 4.x: makes multus.d (and from 4.1.0 the multus-cni-conf-dir), writes multus.kubeconfig.new beside the target, syncs it and renames it.
// A leftover of that name is used again, with its mode, and followed if it is a link.
Outcome<Credentials> create_kubeconfig(const Traits& traits, const Options& options);

}  // namespace entryproof::subjects::predecessor
