// For tests that need a harness: one per test binary, entered before main, while there is one thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "simulator/subjects/harness.h"

namespace entryproof::subjects {

inline std::string probe_path() { return std::string(ENTRYPROOF_BIN_DIR) + "/sandbox_probe"; }

// The harness of this test binary, or the reason why there is none. Where a machine allows no sandbox the tests say so and are skipped.
class HarnessEnvironment : public ::testing::Environment {
 public:
  HarnessEnvironment() { instance() = this; }
  static HarnessEnvironment*& instance() {
    static HarnessEnvironment* environment = nullptr;
    return environment;
  }
  void SetUp() override {
    auto entered = Harness::enter();
    if (entered) harness = std::move(*entered);
    if (!entered) reason = entered.error().line();
  }
  void TearDown() override { harness.reset(); }
  std::unique_ptr<Harness> harness;
  std::string reason;
};

// Waits for a condition, a little at a time; false after ten seconds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class SandboxFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto* environment = HarnessEnvironment::instance();
    if (environment->harness == nullptr) GTEST_SKIP() << "no sandbox here: " << environment->reason;
  }
  static Harness& harness() { return *HarnessEnvironment::instance()->harness; }

  // The static probe with these arguments.
  static SandboxSpec probe(const std::vector<std::string>& arguments) {
    SandboxSpec spec;
    spec.executable = {probe_path(), "/probe"};
    spec.argv = {"/probe"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return spec;
  }
  static SandboxSpec bash(const std::string& script) {
    SandboxSpec spec;
    spec.executable = {"/bin/bash", "/shell"};
    spec.argv = {"/shell", "-c", script};
    spec.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return spec;
  }

  struct Ran {
    ExitStatus status;
    std::string out;
    std::string err;
    std::vector<Excess> excesses;
  };
  // Runs to the end; fails the test after a minute.
  static Ran run(const SandboxSpec& spec) {
    auto spawned = harness().launcher().spawn(spec);
    if (!spawned) {
      ADD_FAILURE() << spawned.error().line();
      return {};
    }
    const auto status = (*spawned)->wait_for(std::chrono::minutes(1));
    if (!status) {
      ADD_FAILURE() << "still running after a minute";
      return {};
    }
    auto output = (*spawned)->output();
    return {*status, std::move(output.out), std::move(output.err), (*spawned)->excesses()};
  }
};

}  // namespace entryproof::subjects
