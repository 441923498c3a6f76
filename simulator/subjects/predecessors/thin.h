// The 4.x predecessors: a start from flags to steady state, and the two watch loops.
//
// The order of what a reader of the node sees is the release's: binary, kubeconfig (where the release has one), configuration. A failure of
// the start is an exit code, mostly 0. From 4.1.0 a signal, or a failure of the watch loop, removes the configuration if clean-up was asked
// for.
#pragma once

#include <string>

#include "simulator/subjects/predecessors/files.h"
#include "simulator/subjects/predecessors/flags.h"
#include "simulator/subjects/predecessors/kubeconfig.h"
#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::subjects::predecessor {

class Thin {
 public:
  Thin(const Traits& traits, Options options) : traits_(traits), options_(std::move(options)) {}

  // Runs until a signal or a failure ends it; the exit code.
  int run();

 private:
  Outcome<> start();
  Outcome<> check_locations() const;
  Outcome<> install_binary() const;
  Outcome<> copy_manual_config() const;
  Outcome<> create_config();  // finds, reads, generates and publishes; remembers what it read

  Outcome<> steady_state();
  Outcome<> watch();
  Outcome<> watch_turn();
  Outcome<> refresh_kubeconfig();
  Outcome<> busy_loop();
  void clean_up() const;

  Traits traits_;
  Options options_;
  Credentials credentials_;      // as last written
  std::string master_path_;      // as last used
  std::string master_text_;      // as last used
  bool master_is_gone_ = false;  // the watch has said so
};

}  // namespace entryproof::subjects::predecessor
