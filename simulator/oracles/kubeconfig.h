// Kubeconfig: what the CNI plugin would make of a kubeconfig, from its bytes (O-plugin of clauses.md, section 0).
//
// Read as client-go reads it (YAML, typed, one current context, its cluster and its user), and stricter where a mistake would be silent.
// Any bytes may come; none crash it, and no reason quotes the document, for it may hold a token. `valid` is everything except the bracket
// form of the URL's host, which belongs to FRESH-18 alone: for every other check a bracketed IPv4 or DNS host is valid.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/tree.h"
#include "simulator/oracles/facts.h"

namespace entryproof::oracles {

enum class HostKind : std::uint8_t { kIpv4, kIpv6, kDns };
std::string_view to_string(HostKind);  // "an IPv4 address", "an IPv6 address", "a DNS name"

struct ServerUrl {
  std::string scheme;
  std::string host;  // without brackets; an IPv6 zone stays, decoded
  std::string port;  // as written; "" = none
  HostKind kind = HostKind::kDns;
  bool bracketed = false;
  // Why the form is wrong (FRESH-18): "an IPv4 address in brackets", "an IPv6 address without brackets"; empty if right.
  std::string form_defect;
};

// Parses an absolute URL of an API server. Gives the URL, or fills `reason`.
std::optional<ServerUrl> parse_server_url(std::string_view text, bool http_allowed, std::string& reason);

struct KubeconfigFacts {
  bool valid = false;
  std::string reason;      // one line: why not; empty if valid
  bool whole = false;      // the document parses and its context, cluster and user are there: what remains wrong are values
  std::string server;      // as written
  ServerUrl url;           // meaningful once `server` was accepted
  std::string token;       // inline token, as a client would send it
  std::string token_file;  // a file of the host instead
  std::string ca_pem;      // decoded certificate-authority-data
  std::string ca_file;     // a file of the host instead
  std::size_t certificates = 0;
  bool insecure = false;
  std::string tls_server_name;  // the name that the server's certificate is to bear, instead of the URL's host; "" = the host

  bool form_right() const { return url.form_defect.empty(); }
};

// How many X.509 certificates a PEM text holds (blocks that are none are passed over, as Go does).
std::size_t count_certificates(std::string_view pem);

// Pure: files that the document names are not read (see read_kubeconfig), so that a document with tokenFile has an empty token.
KubeconfigFacts parse_kubeconfig(std::string_view bytes, bool http_allowed);

// parse_kubeconfig with a memory of the last documents, keyed by their bytes; bounded. All readers of a thread share it, since explorers
// make many worlds in which the same is written.
class KubeconfigReader {
 public:
  explicit KubeconfigReader(bool http_allowed = false) : http_allowed_(http_allowed) {}
  std::shared_ptr<const KubeconfigFacts> read(std::string_view bytes) const;

 private:
  bool http_allowed_;
};

// A kubeconfig in its place on the node.
struct PlacedKubeconfig {
  enum class State : std::uint8_t { kAbsent, kInvalid, kValid };
  State state = State::kAbsent;
  std::string reason;  // why absent or invalid
  node::InodeId inode = 0;
  mode_t mode = 0;
  uid_t uid = 0;
  std::shared_ptr<const KubeconfigFacts> facts;  // tokenFile and certificate-authority read from the host; null if absent
};
PlacedKubeconfig read_kubeconfig(const node::Tree& tree, std::string_view host_path, KubeconfigReader& reader);

// Where a kubeconfig's credentials come from.
enum class Standing : std::uint8_t {
  kCurrent,  // token and CA are the newest generation's (with the insecure flag the CA does not matter)
  kStale,    // of one older generation
  kMixed,    // token and CA of different generations
  kUnknown,  // the cluster never issued this token or CA
};
Standing standing(const KubeconfigFacts& facts, const ClusterFacts& cluster);
std::string_view to_string(Standing);

}  // namespace entryproof::oracles
