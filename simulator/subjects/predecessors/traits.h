// Traits: what tells one upstream release from another, as a table.
//
// The predecessors are models of released Multus entrypoints, written from what those releases were seen to do and not from their sources.
// Everything in which two releases of the 4.x line differ is one field here; the bodies (thin.cc, watch.cc) read the field and never the
// version. 3.9.3 is a shell script with another temper altogether; its body is shell.cc.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace entryproof::subjects::predecessor {

// When the generated configuration is a list (00-multus.conflist) and not a single plugin (00-multus.conf).
enum class ListRule {
  kNever,         // 3.9.3
  kExactlyOneOh,  // only for a master at "1.0.0", so that 1.1.0 gives a .conf that no runtime takes
  kFromOneOh,     // for a master at 1.0.0 or later
};

struct Traits {
  std::string_view version;
  bool shell = false;                  // 3.9.3: bash and its habits
  bool manual_kubeconfig = true;       // false: a manual configuration gets no kubeconfig, which is the regression this project is about
  bool brackets_any_host = false;      // the API server's address is always put in brackets, IPv6 or not
  bool delegates_to_itself = false;    // 00-multus.conf is not left out when the master is looked for
  bool panics_without_master = false;  // no master to delegate to: a panic and not an error
  bool token_before_ca = false;        // in which order the service account's files are looked for
  bool honours_master_name = true;     // --multus-master-cni-file-name
  bool knows_cni_conf_dir = true;      // --multus-cni-conf-dir, the directory it makes and the "cniConf" line
  bool watches_politely = true;        // one turn a second and only changes are written; false: a busy loop that rewrites
  bool handles_signals = true;         // TERM and INT end with exit 0, after cleaning up if asked
  bool usage_error_last = false;       // an unknown flag is named after the usage text, and only on stderr
  ListRule list_rule = ListRule::kFromOneOh;
};

// The releases modelled, oldest first.
std::span<const Traits> all_traits();

// The row of one release; nothing if it is not modelled.
std::optional<Traits> find_traits(std::string_view version);

}  // namespace entryproof::subjects::predecessor
