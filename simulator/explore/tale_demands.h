// What a tale demands of a node: when everything is in order, and while something is not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/runner/scenario.h"

namespace entryproof::explore {

// For each published thing the check that speaks of what happened to it last.
struct About {
  std::string kubeconfig = "EXIST-01/auto-fresh-node";
  std::string configuration = "CONF-30/delegates-to-primary";
  std::string plugin = "LIFE-59/installed";
  std::string own_files = "UPGRADE-M7/one-own-configuration";
  std::string names = "UPGRADE-M8/no-litter";

  // The build starts: for the first time (""), after a "restart", a "kill", a "boot" or a "power-cut".
  void started(bool manual, std::string_view after, bool other_credentials);
  void configuration_started(bool list, bool manual);
  void rotated(bool manual, runner::RotateStep::What what, bool torn);

 private:
  std::optional<bool> list_;
};

// A node that must be in order, now that it is left alone.
struct State {
  bool manual = false;
  Duration within{};
  About about{};
  std::string server{};  // the URL; empty: not asked for
  std::string server_check{};
  std::string manual_text{};  // what must be published in manual mode
  std::string delegate{};     // in automatic mode; empty where it is not certain
  std::string primary{};      // its path
  bool brought = false;       // the kubeconfig is somebody else's, and that is how it shall be
  bool one_own_file = false;
  bool own_modes = false;  // the build itself made everything
  std::map<std::string, std::string> foreign{};
  std::string names_since{};  // remembered when the same names lay there; empty: never
};
std::vector<runner::ExpectStep> demands_of(const State& state);

// What stays as it was published, although something is broken.
struct Held {
  std::string check;
  bool same_kubeconfig = false;  // the very file
  bool same_manual = false;      // the copy of the manual configuration
  bool same_plugin = false;
  bool running = false;  // and the build does not end
};
// `calm`: what the node was remembered as before it broke. `delegate`: empty where it is not certain.
runner::ExpectStep expect_held(const Held& held, const std::string& calm, bool manual, const std::string& delegate);

runner::KubeconfigExpectation kubeconfig_that_is(std::string state);
runner::ExpectStep expect_running(std::string check, bool running, std::optional<Duration> within);
runner::ExpectStep expect_no_false_success();                           // it runs, or it has ended with another status than 0
runner::ExpectStep expect_success(std::string check);                   // it has ended, with status 0
runner::ExpectStep expect_failure(std::string check, Duration within);  // it ends, with another status than 0
runner::ExpectStep expect_no_dangling_name();                           // of a kubeconfig, in a configuration that a power cut has left
runner::ExpectStep expect_no_secret();

}  // namespace entryproof::explore
