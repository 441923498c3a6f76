// Facts about starts on a node that is not as it should be: missing, read-only or full directories, leftovers of an earlier kill, odd
// modes.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

std::string net(const std::string& name) { return std::string(kNetDir) + "/" + name; }
std::string bin(const std::string& name) { return std::string(kBinDir) + "/" + name; }

const std::string kNew = std::string(kKubeconfig) + ".new";
const std::string kConfNew = std::string(kConf) + ".new";
const std::string kBinary(100000, 'm');

std::function<void(Pod&)> full(const std::string& mount, std::size_t pages) {
  return [=](Pod& pod) { pod.leave_pages(mount, pages); };
}

std::function<void(Pod&)> file(const std::string& path, const std::string& text, mode_t mode = 0644) {
  return [=](Pod& pod) {
    pod.make_directory(path.substr(0, path.rfind('/')));
    pod.put(path, text, mode);
  };
}

std::function<void(Pod&)> directory(const std::string& path) {
  return [=](Pod& pod) { pod.make_directory(path); };
}

std::function<void(Pod&)> holds(const std::string& path, const std::string& text) {
  return
      [=](Pod& pod) { EXPECT_TRUE(pod.read(path) == text) << path << " has " << pod.read(path).value_or("(missing)").size() << " bytes"; };
}

std::function<void(Pod&)> mode_is(const std::string& path, mode_t mode) {
  return [=](Pod& pod) { EXPECT_EQ(pod.mode(path), mode) << path; };
}

std::function<void(Pod&)> counts(const std::string& directory, const std::string& prefix, std::size_t count) {
  return [=](Pod& pod) { EXPECT_EQ(pod.count(directory, prefix), count) << prefix; };
}

std::vector<Row> missing_places() {
  std::vector<Row> rows;
  struct Place {
    std::string name;
    std::string flag;
    std::string message;
  };
  const std::vector<Place> places = {
      {"conf dir", "--cni-conf-dir=/nowhere", "cni-conf-dir is not found: stat /nowhere: no such file or directory"},
      {"bin dir", "--cni-bin-dir=/nowhere", "cni-bin-dir is not found: stat /nowhere: no such file or directory"},
      {"manual conf", "--multus-conf-file=/nowhere", "multus-conf-file is not found: stat /nowhere: no such"},
      {"empty manual conf", "--multus-conf-file=", "multus-conf-file is not found: stat "}};
  for (const Place& place : places) {
    const auto nothing_done = missing(net("multus.d"));
    rows.push_back({"no " + place.name, kShellOnly, {}, in_auto({place.flag}), "exit 1", [=](Pod& pod) {
                      nothing_done(pod);
                      EXPECT_TRUE(pod.said("WARN: {Location "));
                    }});
    rows.push_back({"no " + place.name, kThinOnes, {}, in_auto({place.flag}), "exit 0", [=](Pod& pod) {
                      nothing_done(pod);
                      EXPECT_NE(pod.process().err().find(place.message), std::string::npos) << pod.process().err();
                    }});
  }
  const auto no_binary = [](Pod& pod) { pod.remove("/usr/src/multus-cni/bin/multus"); };
  rows.push_back({"no binary", kShellOnly, no_binary, in_auto(), "exit 1", missing(kKubeconfig)});
  rows.push_back({"no binary", kThinOnes, no_binary, in_auto(), "exit 0", missing(kKubeconfig)});
  rows.push_back(
      {"no binary and none wanted", kShellOnly, no_binary, in_auto({"--skip-multus-binary-copy=true"}), "exit 1", missing(kKubeconfig)});
  rows.push_back(
      {"no binary and none wanted", kThinOnes, no_binary, in_auto({"--skip-multus-binary-copy"}), "exit 0", missing(kKubeconfig)});
  rows.push_back({"binary not wanted", kAllVersions, {}, in_auto({"--skip-multus-binary-copy=true"}), "runs", missing(bin("multus"))});
  return rows;
}

std::vector<Row> no_room() {
  const auto read_only = [](const char* mount) { return [mount](Pod& pod) { pod.make_read_only(mount); }; };
  const auto over_old_files = [](Pod& pod) {
    file(kKubeconfig, "old")(pod);
    file(kConf, "old")(pod);
    pod.leave_pages(kNetDir, 0);
  };
  const auto partial_beside_old = [](Pod& pod) {
    pod.put(bin("multus"), "old binary");
    pod.leave_pages(kBinDir, 4);
  };
  const std::function<void(Pod&)> one_more_each_time = [](Pod& pod) {
    counts(kBinDir, "_multus", 1)(pod);
    EXPECT_EQ(pod.run({.version = "4.3.0", .flags = automatic("4.3.0")}), "exit 0");
    counts(kBinDir, "_multus", 2)(pod);
  };
  return {
      {"conf dir read only", kShellOnly, read_only(kNetDir), in_auto(), "exit 1", {}},
      {"conf dir read only", kThinOnes, read_only(kNetDir), in_auto(), "exit 0", {}},
      {"bin dir read only", kShellOnly, read_only(kBinDir), in_auto(), "exit 1", {}},
      {"bin dir read only", kThinOnes, read_only(kBinDir), in_auto(), "exit 0", missing(kKubeconfig)},
      {"conf dir full", kShellOnly, full(kNetDir, 0), in_auto(), "exit 1", holds(kKubeconfig, "")},
      {"conf dir full", kThinOnes, full(kNetDir, 0), in_auto(), "exit 0", all_of({holds(kNew, ""), missing(kKubeconfig)})},
      {"room for kubeconfig", kShellOnly, full(kNetDir, 1), in_auto(), "exit 1", all_of({says(kKubeconfig, "token"), holds(kConf, "")})},
      {"room for kubeconfig", kThinOnes, full(kNetDir, 1), in_auto(), "exit 0",
       all_of({says(kKubeconfig, "token"), holds(kConfNew, ""), missing(kConf)})},
      {"conf dir full manual", kShellOnly, full(kNetDir, 0), in_manual(), "exit 1", holds(kManualCopy, "")},
      {"conf dir full manual", kFirst, full(kNetDir, 0), in_manual(), "exit 0",
       all_of({missing(kManualCopy), counts(kNetDir, "70-multus.conf.temp", 1)})},
      {"conf dir full manual", kLater, full(kNetDir, 0), in_manual(), "exit 0", missing(kManualCopy)},
      {"full over old files", kLater, over_old_files, in_auto(), "exit 0", all_of({holds(kKubeconfig, "old"), holds(kConf, "old")})},
      {"bin dir small", kShellOnly, partial_beside_old, in_auto(), "exit 1",
       all_of({holds(bin("multus"), "old binary"), counts(kBinDir, "_multus", 1)})},
      {"bin dir small", kThinOnes, partial_beside_old, in_auto(), "exit 0", holds(bin("multus"), "old binary")},
      {"bin dir small and again", {"4.3.0"}, partial_beside_old, in_auto(), "exit 0", one_more_each_time},
  };
}

std::vector<Row> leftovers() {
  const std::string long_text(5000, 'x');
  const auto linked = [](const std::string& path) {
    return [path](Pod& pod) {
      pod.make_directory(net("multus.d"));
      pod.put("/tmp/target", "");
      pod.link("/tmp/target", path);
    };
  };
  const auto tail = [](Pod& pod) {
    const std::string text = pod.read(kConf).value_or("");
    EXPECT_EQ(text.size(), 5000U);
    EXPECT_TRUE(text.starts_with("{\n") && text.ends_with("xxx"));
    EXPECT_EQ(pod.mode(kConf), 0644U);
  };
  const auto is_link = [](const std::string& path) {
    return [path](Pod& pod) { EXPECT_NE(pod.read("/tmp/target").value_or(""), "") << path; };
  };
  const auto full_directory = file(bin("_multus") + "/inside", "x");
  return {
      {"new is a directory", kShellOnly, directory(kNew), in_auto(), "runs", says(kKubeconfig, "token")},
      {"new is a directory", kThinOnes, directory(kNew), in_auto(), "exit 0", missing(kKubeconfig)},
      {"new is a link", kShellOnly, linked(kNew), in_auto(), "runs", holds("/tmp/target", "")},
      {"new is a link", kThinOnes, linked(kNew), in_auto(), "runs", all_of({says("/tmp/target", "tok-AAA"), missing(kNew)})},
      {"kubeconfig is a directory", kShellOnly, directory(kKubeconfig), in_auto(), "runs", counts(kKubeconfig, "tmp.", 1)},
      {"kubeconfig is a directory", kThinOnes, directory(kKubeconfig), in_auto(), "exit 0", missing(kConf)},
      {"multus.d is a file", kShellOnly, file(net("multus.d"), "x"), in_auto(), "exit 1", missing(kConf)},
      {"multus.d is a file", kThinOnes, file(net("multus.d"), "x"), in_auto(), "exit 0", missing(kConf)},
      {"staged binary 0644", kShellOnly, file(bin("_multus"), "old"), in_auto(), "runs",
       all_of({holds(bin("multus"), kBinary), mode_is(bin("multus"), 0644)})},
      {"staged binary 0644", kThinOnes, file(bin("_multus"), "old"), in_auto(), "runs",
       all_of({holds(bin("multus"), kBinary), mode_is(bin("multus"), 0755), missing(bin("_multus"))})},
      {"numbered leftover", kAllVersions, file(bin("_multus123"), "old"), in_auto(), "runs", holds(bin("_multus123"), "old")},
      {"staged is a full directory", kShellOnly, full_directory, in_auto(), "runs", holds(bin("multus/inside"), "x")},
      {"staged is a full directory", kThinOnes, full_directory, in_auto(), "exit 0", missing(bin("multus"))},
      {"binary is a directory", kShellOnly, directory(bin("multus")), in_auto(), "runs", holds(bin("multus/_multus"), kBinary)},
      {"binary is a directory", kThinOnes, directory(bin("multus")), in_auto(), "exit 0", counts(kBinDir, "_multus", 1)},
      {"long new conf", kShellOnly, file(kConfNew, long_text), in_auto(), "runs",
       all_of({says(kConf, "] }\n"), holds(kConfNew, long_text)})},
      {"long new conf", kThinOnes, file(kConfNew, long_text), in_auto(), "runs", tail},
      {"new conf is a link", kThinOnes, linked(kConfNew), in_auto(), "runs", all_of({is_link(kConf), missing(kConfNew)})},
      {"new conf is a directory", kThinOnes, directory(kConfNew), in_auto(), "exit 0", missing(kConf)},
      {"failed start keeps old conf", kLater, all_of({file(kConf, "old"), file(kMaster, "{")}), in_auto({"--cleanup-config-on-exit=true"}),
       "exit 0", holds(kConf, "old")},
  };
}

std::vector<Row> manual_sources() {
  const auto source = [](const std::string& text, mode_t mode) { return [=](Pod& pod) { pod.put(kManualSource, text, mode); }; };
  const std::function<void(Pod&)> changed_later = [](Pod& pod) {
    pod.put(kManualSource, "{}");
    EXPECT_NE(pod.read(kManualCopy), "{}");
  };
  return {
      {"mode 0400", kAllVersions, source("{}", 0400), in_manual(), "runs", mode_is(kManualCopy, 0400)},
      {"mode 0644", kAllVersions, source("{}", 0644), in_manual(), "runs", mode_is(kManualCopy, 0644)},
      {"invalid", kAllVersions, source("{\"a", 0644), in_manual(), "runs", holds(kManualCopy, "{\"a")},
      {"empty", kAllVersions, source("", 0644), in_manual(), "runs", holds(kManualCopy, "")},
      {"changed later", kAllVersions, {}, in_manual(), "runs", changed_later},
  };
}

class Filesystem : public testing::TestWithParam<Row> {};
TEST_P(Filesystem, Fact) { play(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Missing, Filesystem, testing::ValuesIn(missing_places()), row_name);
INSTANTIATE_TEST_SUITE_P(NoRoom, Filesystem, testing::ValuesIn(no_room()), row_name);
INSTANTIATE_TEST_SUITE_P(Leftovers, Filesystem, testing::ValuesIn(leftovers()), row_name);
INSTANTIATE_TEST_SUITE_P(Manual, Filesystem, testing::ValuesIn(manual_sources()), row_name);

}  // namespace
}  // namespace entryproof::subjects::predecessor
