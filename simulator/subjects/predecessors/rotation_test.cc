// Facts about a new token or CA while a release is running: which modes follow it, and which never do.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

constexpr const char* kCleanup = "--cleanup-config-on-exit=true";
constexpr const char* kSkipWatch = "--skip-config-watch";

Start in_mode(const std::string& version, std::vector<std::string> flags, bool by_hand = false) {
  return {.version = version, .flags = by_hand ? manual(flags) : automatic(version, flags)};
}

void rotate_both(Pod& pod) { pod.rotate("tok-BBB", "CA-BBB\n"); }

bool has_token(Pod& pod, const std::string& token) {
  return pod.read(kKubeconfig).value_or("").find("token: \"" + token + "\"") != std::string::npos && pod.process().running();
}

bool has_old_token(Pod& pod) { return has_token(pod, "tok-AAA"); }
bool has_new_token(Pod& pod) { return has_token(pod, "tok-BBB"); }
bool has_new_ca(Pod& pod) { return pod.read(kKubeconfig).value_or("").find("Q0EtQkJCCg==") != std::string::npos; }
bool has_no_kubeconfig(Pod& pod) { return !pod.exists(kKubeconfig); }

TEST(Rotation, IsNeverFollowed) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories;
  const auto never = [&stories](const std::string& name, const Start& start) {
    stories.push_back({name, start, {{rotate_both, Step::Wait::kStays, has_old_token}}});
  };
  for (const char* version : {"3.9.3", "4.0.2", "4.1.4", "4.3.0"}) never("auto", in_mode(version, {}));
  never("auto, clean up", in_mode("3.9.3", {kCleanup}));
  never("auto, clean up, skip", in_mode("3.9.3", {kCleanup, kSkipWatch}));
  never("manual", in_mode("3.9.3", {}, true));
  never("manual, clean up", in_mode("3.9.3", {kCleanup}, true));
  for (const char* version : {"4.1.4", "4.3.0"}) {
    never("auto, clean up, skip", in_mode(version, {kCleanup, kSkipWatch}));
    never("auto, skip", in_mode(version, {kSkipWatch}));
    never("manual", in_mode(version, {}, true));
    never("manual, clean up", in_mode(version, {kCleanup}, true));
    never("manual, clean up, skip", in_mode(version, {kCleanup, kSkipWatch}, true));
  }
  for (const auto& flags : {std::vector<std::string>{}, {kCleanup}}) {
    stories.push_back({"manual", in_mode("4.0.2", flags, true), {{rotate_both, Step::Wait::kStays, has_no_kubeconfig}}});
  }
  stories.push_back(
      {"only the CA, without TLS",
       in_mode("4.3.0", {kCleanup, "--skip-tls-verify"}),
       {{[](Pod& pod) { pod.rotate("tok-AAA", "CA-BBB\n"); }, Step::Wait::kStays, [](Pod& pod) { return !pod.said("changed"); }}}});
  play(stories);
}

TEST(Rotation, IsFollowed) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories;
  const auto both = [](Pod& pod) { return has_new_token(pod) && has_new_ca(pod); };
  for (const char* version : {"4.0.2", "4.1.4", "4.2.2", "4.2.3", "4.3.0"}) {
    stories.push_back({"auto, clean up", in_mode(version, {kCleanup}), {{rotate_both, Step::Wait::kBecomes, both}}});
  }
  const Start start = in_mode("4.3.0", {kCleanup});
  stories.push_back({"only the CA",
                     start,
                     {{[](Pod& pod) { pod.rotate("tok-AAA", "CA-BBB\n"); }, Step::Wait::kBecomes,
                       [](Pod& pod) { return has_new_ca(pod) && pod.said("CA (true) or SA token (false) changed"); }}}});
  stories.push_back({"while the master is missing",
                     start,
                     {{[](Pod& pod) { pod.remove(kMaster); }, Step::Wait::kBecomes, [](Pod& pod) { return pod.said("has been deleted"); }},
                      {rotate_both, Step::Wait::kBecomes, both}}});
  stories.push_back({"empty token",
                     start,
                     {{[](Pod& pod) { pod.rotate("", "CA-AAA\n"); }, Step::Wait::kBecomes, [](Pod& pod) { return has_token(pod, ""); }}}});
  stories.push_back({"many in a row",
                     start,
                     {{[](Pod& pod) {
                         for (int i = 1; i < 6; ++i) pod.rotate("tok-" + std::to_string(i), "CA-AAA\n");
                         rotate_both(pod);
                       },
                       Step::Wait::kBecomes, both}}});
  play(stories);
}

class RotationFlags : public testing::TestWithParam<Row> {};
TEST_P(RotationFlags, Fact) { play(GetParam()); }
INSTANTIATE_TEST_SUITE_P(
    Unknown, RotationFlags,
    testing::Values(Row{"skip watch", kFirst, {}, in_auto({kSkipWatch}), "exit 2", missing(kKubeconfig)},
                    Row{"skip watch manual", kFirst, {}, in_manual({kCleanup, kSkipWatch}), "exit 2", missing(kManualCopy)}),
    row_name);

}  // namespace
}  // namespace entryproof::subjects::predecessor
