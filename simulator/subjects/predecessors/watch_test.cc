// Facts about the watch loops: what a release notices once it is up, and what a passing error costs.
#include <gtest/gtest.h>

#include <filesystem>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

const std::vector<std::string> kWatchers = {"4.1.4", "4.2.2", "4.3.0"};
const std::string kChanged = R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"changed"}]})";

Start watching(const std::string& version, std::vector<std::string> more = {}) {
  more.emplace_back("--cleanup-config-on-exit=true");
  return {.version = version, .flags = automatic(version, more)};
}

std::function<void(Pod&)> put(const std::string& path, const std::string& text) {
  return [=](Pod& pod) { pod.put(path, text); };
}

std::function<void(Pod&)> removing(const std::string& path) {
  return [=](Pod& pod) { pod.remove(path); };
}

std::function<bool(Pod&)> conf_says(const std::string& text) {
  return [=](Pod& pod) { return pod.read(kConf).value_or("").find(text) != std::string::npos && pod.process().running(); };
}

std::function<bool(Pod&)> said(const std::string& text) {
  return [=](Pod& pod) { return pod.said(text) && pod.process().running(); };
}

std::function<bool(Pod&)> ends_without_conf(int code, const std::string& kubeconfig_has = "tok-AAA") {
  return [=](Pod& pod) {
    return pod.process().exit_code() == code && !pod.exists(kConf) &&
           pod.read(kKubeconfig).value_or("").find(kubeconfig_has) != std::string::npos;
  };
}

const std::string kEarlier = std::string(kNetDir) + "/05-earlier.conf";
const std::string kLaterFile = std::string(kNetDir) + "/90-later.conf";
const std::string kEarlierText = R"({"cniVersion":"0.3.1","name":"e","type":"earlier"})";
const std::string kTokenLink = std::string(kAccount) + "/token";
const std::string kCaLink = std::string(kAccount) + "/ca.crt";

void remember_and_remove(Pod& pod) {
  pod.put("/tmp/copy", pod.read(kMaster).value_or(""));
  pod.remove(kMaster);
}

void restore(Pod& pod) { pod.put(kMaster, pod.read("/tmp/copy").value_or("")); }

void touch(Pod& pod) { std::filesystem::last_write_time(pod.outside(kMaster), std::filesystem::file_time_type::clock::now()); }

TEST(Watch, Notices) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories;
  const auto deleted = said("Master plugin @ \"/host/etc/cni/net.d/10-flannel.conflist\" has been deleted. waiting for its restoration...");
  for (const std::string& version : kWatchers) {
    const Start start = watching(version);
    stories.push_back({"content changed", start, {{put(kMaster, kChanged), Step::Wait::kBecomes, conf_says("\"changed\"")}}});
    stories.push_back({"earlier name", start, {{put(kEarlier, kEarlierText), Step::Wait::kBecomes, conf_says("\"earlier\"")}}});
    stories.push_back(
        {"restored changed",
         start,
         {{removing(kMaster), Step::Wait::kBecomes, deleted}, {put(kMaster, kChanged), Step::Wait::kBecomes, conf_says("\"changed\"")}}});
    stories.push_back({"restored the same",
                       start,
                       {{remember_and_remove, Step::Wait::kBecomes, deleted},
                        {restore, Step::Wait::kBecomes, said("was restored. Regenerating given configuration.")},
                        {{}, Step::Wait::kStays, [](Pod& pod) { return !pod.said("recreating multus config"); }}}});
    stories.push_back(
        {"kubeconfig deleted, until the next rotation",
         start,
         {{removing(kKubeconfig), Step::Wait::kStays, [](Pod& pod) { return !pod.exists(kKubeconfig); }},
          {[](Pod& pod) { pod.rotate("tok-BBB", "CA-AAA\n"); }, Step::Wait::kBecomes, [](Pod& pod) { return pod.exists(kKubeconfig); }}}});
    stories.push_back({"multus.d removed, then rotation",
                       start,
                       {{[](Pod& pod) {
                           pod.remove(std::string(kNetDir) + "/multus.d");
                           pod.rotate("tok-BBB", "CA-AAA\n");
                         },
                         Step::Wait::kBecomes, [](Pod& pod) { return pod.exists(kKubeconfig); }}}});
  }
  play(stories);
}

TEST(Watch, EndsOfPassingErrors) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories;
  const auto rotate_on_full_disk = [](Pod& pod) {
    pod.leave_pages(kNetDir, 0);
    pod.rotate("tok-BBB", "CA-AAA\n");
  };
  const auto empty_new_left = [](Pod& pod) { return ends_without_conf(0)(pod) && pod.read(std::string(kKubeconfig) + ".new") == ""; };
  for (const std::string& version : kWatchers) {
    const auto ends = [&](const std::string& name, const std::function<void(Pod&)>& act, int code) {
      stories.push_back({name, watching(version), {{act, Step::Wait::kBecomes, ends_without_conf(code)}}});
    };
    ends("master invalid", put(kMaster, "{"), 0);
    ends("master empty", put(kMaster, ""), 0);
    ends("capability not a boolean", put(kMaster, R"({"cniVersion":"0.3.1","type":"t","capabilities":{"a":1}})"), 2);
    ends("version changed", put(kMaster, R"({"cniVersion":"1.0.0","type":"t"})"), 0);
    ends("token missing", removing(kTokenLink), 0);
    stories.push_back(
        {"no ca, no TLS", watching(version, {"--skip-tls-verify"}), {{removing(kCaLink), Step::Wait::kBecomes, ends_without_conf(0)}}});
    stories.push_back({"disk full at rotation", watching(version), {{rotate_on_full_disk, Step::Wait::kBecomes, empty_new_left}}});
  }
  stories.push_back({"4.0.x keeps the conf", watching("4.0.2"), {{removing(kTokenLink), Step::Wait::kBecomes, [](Pod& pod) {
                                                                    return pod.process().exit_code() == 0 && pod.exists(kConf);
                                                                  }}}});
  play(stories);
}

TEST(Watch, DoesNotNotice) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  std::vector<Story> stories;
  for (const std::string& version : {std::string("4.1.4"), std::string("4.3.0"), std::string("3.9.3")}) {
    const auto stays = [&](const std::string& name, const std::function<void(Pod&)>& act, const std::function<bool(Pod&)>& holds) {
      stories.push_back(
          {name, watching(version), {{act, Step::Wait::kStays, [=](Pod& pod) { return holds(pod) && pod.process().running(); }}}});
    };
    stays("mtime only", touch, [](Pod& pod) { return !pod.said("recreating multus config"); });
    stays("conf deleted", removing(kConf), [](Pod& pod) { return !pod.exists(kConf); });
    stays("conf overwritten", put(kConf, "x"), [](Pod& pod) { return pod.read(kConf) == "x"; });
    stays("binary deleted", removing("/host/opt/cni/bin/multus"), [](Pod& pod) { return !pod.exists("/host/opt/cni/bin/multus"); });
    stays("master deleted, none left", removing(kMaster), conf_says("flannel"));
    stays(
        "master deleted, another there",
        [](Pod& pod) {
          pod.put(kLaterFile, kEarlierText);
          pod.remove(kMaster);
        },
        conf_says("flannel"));
  }
  const auto not_noticed = [&](const std::string& name, const std::function<void(Pod&)>& act) {
    const auto as_before = [](Pod& pod) {
      return conf_says("flannel")(pod) && pod.read(kKubeconfig).value_or("").find("tok-AAA") != std::string::npos;
    };
    stories.push_back({name, watching("3.9.3"), {{act, Step::Wait::kStays, as_before}}});
  };
  not_noticed("content changed", put(kMaster, kChanged));
  not_noticed("earlier name", put(kEarlier, kEarlierText));
  not_noticed("master invalid", put(kMaster, "{"));
  not_noticed("version changed", put(kMaster, R"({"cniVersion":"1.0.0","type":"t"})"));
  not_noticed("token missing", removing(kTokenLink));
  stories.push_back(
      {"3.9.3 mourns its master",
       watching("3.9.3"),
       {{removing(kMaster), Step::Wait::kBecomes,
         said("Master plugin @ /host/etc/cni/net.d/10-flannel.conflist has been deleted. Allowing 45 seconds for its restoration...")}}});
  stories.push_back({"3.9.3 mourns an empty path",
                     {.version = "3.9.3", .flags = manual({"--cleanup-config-on-exit=true"})},
                     {{{}, Step::Wait::kBecomes, said("Master plugin @  has been deleted. Allowing 45 seconds")}}});
  play(stories);
}

// 4.0.x: turn upon turn, each delegating to what the one before it wrote.
TEST(Watch, BusyLoopWrapsItself) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  const auto many_levels = [](Pod& pod) {
    const std::string text = pod.read(kConf).value_or("");
    std::size_t levels = 0;
    for (std::size_t at = text.find("delegates"); at != text.npos; at = text.find("delegates", at + 1)) ++levels;
    return levels > 20 && pod.said("kubeconfig is same, not copy");
  };
  play({{"self-delegation", watching("4.0.2"), {{{}, Step::Wait::kBecomes, many_levels}}}});
}

// ... until the JSON is too deep to be read again.
TEST(Watch, BusyLoopEndsOfDepth) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  Pod pod;
  const std::string nested = std::string(9960, '[') + std::string(9960, ']');
  pod.put(kConf, R"({"cniVersion":"0.3.1","type":"t","n":)" + nested + "}");
  pod.run(watching("4.0.2"));
  EXPECT_EQ(pod.process().wait(), 0);
  EXPECT_TRUE(pod.exists(kConf));
  EXPECT_NE(pod.process().err().find("exceeded max depth"), std::string::npos) << pod.process().err();
}

}  // namespace
}  // namespace entryproof::subjects::predecessor
