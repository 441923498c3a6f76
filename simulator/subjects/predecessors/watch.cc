// The watch loops of 4.x, entered only for a generated configuration with clean-up on exit.
#include <fmt/core.h>

#include "simulator/subjects/predecessors/signals.h"
#include "simulator/subjects/predecessors/thin.h"
#include "simulator/subjects/predecessors/thin_config.h"

namespace entryproof::subjects::predecessor {

// From 4.1.0: one turn a second. Any failure of a turn, also a passing one, ends the process (and its configuration, see Thin::run).
Outcome<> Thin::watch() {
  while (!termination_requested()) {
    sleep_seconds(1);
    if (termination_requested()) break;
    if (auto turn = watch_turn(); !turn) return turn;
  }
  return {};
}

Outcome<> Thin::watch_turn() {
  if (auto refreshed = refresh_kubeconfig(); !refreshed) return refreshed;

  if (!exists(master_path_)) {
    if (!master_is_gone_) say(fmt::format("Master plugin @ \"{}\" has been deleted. waiting for its restoration...", master_path_));
    master_is_gone_ = true;
    return {};  // and no other file is looked for
  }
  if (master_is_gone_) say(fmt::format("Master plugin @ \"{}\" was restored. Regenerating given configuration.", master_path_));
  master_is_gone_ = false;

  const auto path = find_master(traits_, options_);
  if (!path) return prefixed(Outcome<>(std::unexpected(path.error())), "failed to create multus config: ");
  const auto text = read_file(*path);
  if (!text) return prefixed(Outcome<>(std::unexpected(text.error())), "failed to create multus config: ");
  if (*path == master_path_ && *text == master_text_) return {};
  say("master config changed - recreating multus config");
  return create_config();
}

// Compares with what was last written, not with what is in the file: a deleted kubeconfig stays deleted until the next rotation.
Outcome<> Thin::refresh_kubeconfig() {
  const auto failed = [](const Failure& failure) {
    return prefixed(Outcome<>(std::unexpected(failure)), "failed to update multus kubeconfig: ");
  };
  const auto now = read_credentials(traits_);
  if (!now) return failed(now.error());
  const bool ca_changed = now->ca != credentials_.ca && !options_.skip_tls_verify;
  const bool token_changed = now->token != credentials_.token;
  if (!ca_changed && !token_changed) return {};
  say(fmt::format("CA ({}) or SA token ({}) changed - recreating kubeconfig", ca_changed, token_changed));
  auto created = create_kubeconfig(traits_, options_);
  if (!created) return failed(created.error());
  credentials_ = std::move(*created);
  return {};
}

// 4.0.x: turn after turn without a pause. The configuration written in one turn is the first file found in the next.
Outcome<> Thin::busy_loop() {
  while (true) {
    const auto now = read_credentials(traits_);
    if (!now) return prefixed(Outcome<>(std::unexpected(now.error())), "failed to update multus kubeconfig: ");
    if (*now == credentials_) {
      say("kubeconfig is same, not copy");
    } else {
      auto created = create_kubeconfig(traits_, options_);
      if (!created) return prefixed(Outcome<>(std::unexpected(created.error())), "failed to update multus kubeconfig: ");
      credentials_ = std::move(*created);
    }
    if (auto created = create_config(); !created) return created;
  }
}

}  // namespace entryproof::subjects::predecessor
