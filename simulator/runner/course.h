// Course: how the cluster goes on while a case is played: kubelet refreshes, tokens die, and what is published is heard of.
//
// Time passes through it: it wakes up where something is due in the cluster, and asks about publications between two looks at the node, on
// the thread that drives the world. Without a cluster it is World::pass and nothing else. All times are the cluster's, whatever a scenario
// does to the node's clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/runner/access.h"
#include "simulator/runner/credentials.h"
#include "simulator/runner/live_judge.h"
#include "simulator/runner/world.h"

namespace entryproof::runner {

class Course {
 public:
  // `wall_ns`: the time before there is a world.
  Course(const Given& given, const Site& site, std::uint64_t seed, std::int64_t wall_ns, LiveJudge& judge);

  // The world in which it all happens; once. `running`: whether the build lives.
  void begin(World& world, std::function<bool()> running);
  std::int64_t wall_ns() const;

  Credentials& credentials() { return credentials_; }
  const Credentials& credentials() const { return credentials_; }
  // Null where there is no cluster to be asked.
  Access* access() { return access_ ? &*access_ : nullptr; }

  // As World::pass. kCancelled when the cluster could not go on; trouble() says why.
  Woke pass(Moment deadline, const std::function<bool()>& done, std::optional<Duration> rest);
  const std::string& trouble() const { return trouble_; }
  // Asks about what was published since the last time: before anything changes that it was published for.
  void hear();

  void build_starts() { build_since_ = wall_ns(); }
  // A swap of the volume; with `torn` another one as soon as the build has read one file of it. Gives the changes to be made now.
  Result<std::vector<cluster::Change>> rotate(const RotateStep& step);
  Result<> set_clock_forward(Duration by);

 private:
  std::optional<Moment> next_event() const;
  void happen();
  std::string projected_token();
  void make(const std::vector<cluster::Change>& changes, const char* what);

  const std::int64_t begun_ns_;
  const std::string token_path_;
  LiveJudge& judge_;
  std::atomic<const Clock*> clock_{nullptr};  // the world's; asked by the API server's thread, too
  Duration clock_error_{};                    // how much it runs ahead of the cluster's; only in memory worlds, which have one thread
  World* world_ = nullptr;
  std::function<bool()> running_;
  Credentials credentials_;
  std::optional<Access> access_;
  std::set<std::uint64_t> buried_;           // generations whose tokens have died
  std::optional<std::int64_t> build_since_;  // of the build's last start
  bool armed_ = false;                       // a swap waits for the build's next read
  std::atomic<bool> torn_{false};            // it has come
  std::string trouble_;
};

}  // namespace entryproof::runner
