// LiveOracle: judges the node after every operation, by what a reader would see at that instant.
//
// Charging (clauses.md): a finding needs a good state before and an operation of the build. What a stage or the world does moves the state
// and is never charged. Whether an operation was wrong is sometimes known only later, and the finding then names the earlier operation:
//  - missing: the build took away a good file AND put it back in the same session. One that stays away was removed on purpose (clean-up) or
//    is absent at a deadline (EXIST-01).
//  - partial: a good file was changed in place into a bad one; or a bad file appeared and was completed in place. Bad content that a rename
//    brings in whole is not partial: its values belong to other clauses (FRESH-19, FRESH-21, ATOM-27).
//  - order: a configuration appeared while its kubeconfig or the binary was not there (or torn), and that one came later, by the same
//    session.
// A kubeconfig or binary that is torn on its first appearance counts only while a configuration is there that leads to it.
// Each check is reported once per case, for its first operation.
//
// For the engine: these checks are core, but odd inputs of higher profiles may trip them as well (a stale temp, a 05-multus.conf). A
// finding in a scenario whose own checks all lie above core counts for the scenario's lowest profile, not for core.
//
// Cost: an operation that touches nothing watched is a handful of comparisons.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/node/journal.h"
#include "simulator/node/tree.h"
#include "simulator/oracles/attach.h"
#include "simulator/oracles/check.h"
#include "simulator/oracles/facts.h"

namespace entryproof::oracles {

class LiveOracle {
 public:
  // `http_allowed`: the Pod's KUBERNETES_SERVICE_PROTOCOL is http.
  explicit LiveOracle(Layout layout, bool http_allowed = false);
  ~LiveOracle();
  LiveOracle(LiveOracle&&) noexcept;
  LiveOracle& operator=(LiveOracle&&) noexcept;

  // The ids it can report; the catalogue marks the same ones as live.
  static const std::vector<std::string_view>& checks();

  // Looks at the tree afresh: to begin with, and after the tree was replaced (a reboot). What it finds is inherited.
  void reset(const node::Tree& tree);
  // Another node: what was found, published and begun on the one before is forgotten. What is known of contents stays.
  void restart(const node::Tree& tree);
  // After each successful counted operation, in order. Findings' `at.world` is left to the caller.
  std::vector<Finding> judge(const node::Operation& operation, const node::Tree& now);
  // The Multus configuration that the build published last (a name in net.d); "" if none.
  const std::string& published() const;
  // The kubeconfig that the plugin would read now: the one that configuration names, else the layout's; null unless it is valid. The same
  // pointer as long as the bytes are the same.
  std::shared_ptr<const KubeconfigFacts> kubeconfig() const;
  // The layout's kubeconfig mode, where a scenario asks for another.
  void expect_kubeconfig_mode(mode_t mode);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace entryproof::oracles
