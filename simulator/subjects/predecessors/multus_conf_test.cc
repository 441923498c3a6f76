// Facts about the generated configuration of each release: its name and version, the choice of the master, flags that end in it, exact
// formats.
#include <gtest/gtest.h>

#include "simulator/subjects/predecessors/table_for_test.h"

namespace entryproof::subjects::predecessor {
namespace {

std::string net(const std::string& name) { return std::string(kNetDir) + "/" + name; }

// Instead of the default primary: these files, each a plugin of its own name.
std::function<void(Pod&)> primaries(const std::vector<std::string>& names) {
  return [=](Pod& pod) {
    pod.remove(kMaster);
    for (const std::string& name : names) pod.put(net(name), R"({"cniVersion":"0.3.1","name":"n","type":")" + name + "\"}");
  };
}

std::function<void(Pod&)> at_version(const std::string& version) {
  return [=](Pod& pod) { pod.put(kMaster, R"({"cniVersion":")" + version + R"(","name":"cbr0","plugins":[{"type":"flannel"}]})"); };
}

std::function<void(Pod&)> delegates_to(const std::string& name) {
  return [=](Pod& pod) {
    const std::string text = pod.read(kConf).value_or("(missing)");
    EXPECT_TRUE(text.find("\"type\":\"" + name + "\"") != text.npos) << text;
  };
}

std::function<void(Pod&)> is_text(const std::string& path, const std::string& expected) {
  return [=](Pod& pod) { EXPECT_EQ(pod.read(path).value_or("(missing)"), expected); };
}

std::function<void(Pod&)> complains(const std::string& text) {
  return [=](Pod& pod) { EXPECT_NE(pod.process().err().find(text), std::string::npos) << pod.process().err(); };
}

const std::vector<std::string> kNotFirst = {"3.9.3", "4.1.4", "4.2.2", "4.2.3", "4.3.0"};

std::vector<Row> outputs() {
  const auto no_list = missing(kConflist);
  const auto no_conf = missing(kConf);
  const std::string one_oh = R"("cniVersion": "1.0.0")";
  const auto single_one_oh = [](Pod& pod) { pod.put(kMaster, R"({"cniVersion":"1.0.0","name":"cbr0","type":"bridge"})"); };
  return {
      {"0.x", kAllVersions, {}, in_auto(), "runs", all_of({says(kConf, R"("cniVersion": "0.3.1")"), no_list})},
      {"1.0.0", kShellOnly, at_version("1.0.0"), in_auto(), "runs", all_of({says(kConf, R"("cniVersion": "0.3.1")"), no_list})},
      {"1.0.0", kThinOnes, at_version("1.0.0"), in_auto(), "runs", all_of({says(kConflist, one_oh), no_conf})},
      {"1.0.0 single", kShellOnly, single_one_oh, in_auto(), "runs", no_list},
      {"1.0.0 single", kThinOnes, single_one_oh, in_auto(), "runs", all_of({says(kConflist, one_oh), no_conf})},
      {"1.1.0", kShellOnly, at_version("1.1.0"), in_auto(), "runs", no_list},
      {"1.1.0",
       {"4.0.2", "4.1.4", "4.2.2", "4.2.3"},
       at_version("1.1.0"),
       in_auto(),
       "runs",
       all_of({says(kConf, R"("cniVersion": "1.1.0")"), no_list})},
      {"1.1.0", {"4.2.4", "4.3.0"}, at_version("1.1.0"), in_auto(), "runs", all_of({says(kConflist, R"("cniVersion": "1.1.0")"), no_conf})},
      {"versions differ",
       kThinOnes,
       {},
       in_auto({"--cni-version=0.3.0"}),
       "exit 0",
       all_of({no_conf, complains(R"(Multus cni version is "0.3.0" while master plugin cni version is "0.3.1")")})},
      {"versions differ a little", kShellOnly, {}, in_auto({"--cni-version=0.3.0"}), "runs", says(kConf, R"("cniVersion": "0.3.0")")},
      {"versions differ across 0.4.0",
       kShellOnly,
       {},
       in_auto({"--cni-version=0.4.0"}),
       "exit 1",
       [](Pod& pod) { EXPECT_TRUE(pod.said("ERR:  {Multus cni version is 0.4.0 while master plugin cni version is 0.3.1}")); }},
      {"no version flag", kShellOnly, {}, in_auto({"--cni-version="}), "exit 1", all_of({says(kKubeconfig, "token"), no_conf})},
      {"forced version",
       kThinOnes,
       {},
       in_auto({"--force-cni-version", "--cni-version", "0.4.0"}),
       "runs",
       says(kConf, R"("cniVersion": "0.4.0")")},
      {"forced to nothing", kThinOnes, {}, in_auto({"--force-cni-version"}), "runs", says(kConf, R"("cniVersion": "")")},
      {"0600", kAllVersions, {}, in_auto(), "runs", [](Pod& pod) { EXPECT_EQ(pod.mode(kConf), 0600U); }},
  };
}

std::vector<Row> choices() {
  const auto directory_first = [](Pod& pod) { pod.make_directory(net("05-x.conf")); };
  const auto dangling_first = [](Pod& pod) { pod.link("nowhere", net("05-x.conf")); };
  const auto own_first = [](Pod& pod) { pod.put(kConf, R"({"cniVersion":"0.3.1","name":"old","type":"old-multus"})"); };
  const auto named = in_auto({"--multus-master-cni-file-name=20-b.conf"});
  const auto named_json = in_auto({"--multus-master-cni-file-name=../net.d/x.json"});
  const auto elsewhere = in_auto({"--multus-autoconfig-dir=/nowhere"});
  return {
      {"named master", kNotFirst, primaries({"10-a.conf", "20-b.conf"}), named, "runs", delegates_to("20-b.conf")},
      {"named master is ignored", kFirst, primaries({"10-a.conf", "20-b.conf"}), named, "runs", delegates_to("10-a.conf")},
      {"named master with any name", kLater, primaries({"10-a.conf", "x.json"}), named_json, "runs", delegates_to("x.json")},
      {"named master missing", kLater, {}, named, "exit 0", complains("file /host/etc/cni/net.d/20-b.conf not found: stat ")},
      {"named master missing", kShellOnly, {}, named, "exit 1", missing(kConf)},
      {"own file left out", kNotFirst, own_first, in_auto(), "runs", delegates_to("flannel")},
      {"own file taken", kFirst, own_first, in_auto(), "runs", delegates_to("old-multus")},
      {"dotfile is not eligible", kShellOnly, primaries({".hidden.conf", "10-a.conf"}), in_auto(), "runs", delegates_to("10-a.conf")},
      {"dotfile is eligible", kThinOnes, primaries({".hidden.conf", "10-a.conf"}), in_auto(), "runs", delegates_to(".hidden.conf")},
      {"json is not eligible", kAllVersions, primaries({"05-a.json", "10-a.conf"}), in_auto(), "runs", delegates_to("10-a.conf")},
      {"upper case first", kAllVersions, primaries({"a.conf", "B.conf"}), in_auto(), "runs", delegates_to("B.conf")},
      {"digits by byte", kAllVersions, primaries({"9-a.conf", "10_a.conf", "10-a.conf"}), in_auto(), "runs", delegates_to("10-a.conf")},
      {"conf before conflist", kAllVersions, primaries({"10-a.conflist", "10-a.conf"}), in_auto(), "runs", delegates_to("10-a.conf")},
      {"directory is chosen", kShellOnly, directory_first, in_auto(), "exit 1", missing(kConf)},
      {"directory is skipped", kThinOnes, directory_first, in_auto(), "runs", delegates_to("flannel")},
      {"dangling link", kShellOnly, dangling_first, in_auto(), "exit 1", missing(kConf)},
      {"dangling link", kThinOnes, dangling_first, in_auto(), "exit 0", missing(kConf)},
      {"blank in name", kShellOnly, primaries({"10 a.conf"}), in_auto(), "exit 1", missing(kConf)},
      {"blank in name", kThinOnes, primaries({"10 a.conf"}), in_auto(), "runs", delegates_to("10 a.conf")},
      {"70-multus conf is chosen", kAllVersions, primaries({"70-multus.conf", "80-a.conf"}), in_auto(), "runs",
       delegates_to("70-multus.conf")},
      {"no master", kShellOnly, primaries({}), in_auto(), "waits", says(kKubeconfig, "token")},
      {"no master", kFirst, primaries({}), in_auto(), "exit 2", says(kKubeconfig, "token")},
      {"no master", kLater, primaries({}), in_auto(), "exit 0",
       complains(R"(cannot find valid master CNI config in "/host/etc/cni/net.d")")},
      {"no autoconfig dir", kShellOnly, {}, elsewhere, "waits", says(kKubeconfig, "token")},
      {"no autoconfig dir", kFirst, {}, elsewhere, "exit 2", missing(kConf)},
      {"no autoconfig dir", kLater, {}, elsewhere, "exit 0", missing(kConf)},
  };
}

const char* const kPlainFirst =
    "{\n        \"cniVersion\": \"0.3.1\",\n        \"name\": \"multus-cni-network\",\n        \"type\": \"multus\",\n"
    "        \"capabilities\": {\"portMappings\":true},\n"
    "        \"kubeconfig\": \"/etc/cni/net.d/multus.d/multus.kubeconfig\",\n        \"delegates\": [\n"
    "                "
    "{\"cniVersion\":\"0.3.1\",\"name\":\"cbr0\",\"plugins\":[{\"type\":\"flannel\"},{\"capabilities\":{\"portMappings\":true},"
    "\"type\":\"portmap\"}]}\n        ]\n}\n";

const char* const kListLater =
    "{\n    \"cniVersion\": \"1.0.0\",\n    \"name\": \"multus-cni-network\",\n    \"plugins\": [ {\n        \"type\": \"multus\",\n"
    "        \"cniConf\": \"/host/etc/cni/multus/net.d\",\n        \"kubeconfig\": \"/etc/cni/net.d/multus.d/multus.kubeconfig\",\n"
    "        \"delegates\": [\n            {\"cniVersion\":\"1.0.0\",\"name\":\"cbr0\",\"plugins\":[{\"type\":\"flannel\"}]}\n        ]\n  "
    "  }]\n}\n";

const char* const kAllLines =
    "        \"namespaceIsolation\": true,\n        \"globalNamespaces\": \"a,b\",\n        \"logToStderr\": false,\n"
    "        \"logLevel\": \"verbose\",\n        \"logFile\": \"/var/log/m.log\",\n        \"binDir\": \"/opt/bin\",\n"
    "        \"cniConf\": \"/host/etc/cni/multus/net.d\",\n        \"readinessindicatorfile\": \"/run/r\",\n        \"kubeconfig\": "
    "\"/k\",\n";

const char* const kOneLine =
    "{ \"cniVersion\": \"0.3.1\", \"name\": \"multus-cni-network\", \"type\": \"multus\", \"capabilities\": {\"portMappings\": true}, "
    "\"namespaceIsolation\": true, \"globalNamespaces\": \"a,b\", \"logToStderr\": false, \"logLevel\": \"verbose\", "
    "\"logFile\": \"/var/log/m.log\", \"binDir\": \"/opt/bin\", \"readinessindicatorfile\": \"/run/r\", \"kubeconfig\": \"/k\", "
    "\"delegates\": [ "
    "{\"cniVersion\":\"0.3.1\",\"name\":\"cbr0\",\"plugins\":[{\"type\":\"flannel\"},{\"type\":\"portmap\",\"capabilities\":"
    "{\"portMappings\":true}}]} ] }\n";

const std::vector<std::string> kEveryFlag = {"--namespace-isolation=true",        "--global-namespaces=a,b",
                                             "--multus-log-to-stderr=false",      "--multus-log-level=verbose",
                                             "--multus-log-file=/var/log/m.log",  "--additional-bin-dir=/opt/bin",
                                             "--readiness-indicator-file=/run/r", "--multus-kubeconfig-file-host=/k"};

std::vector<Row> formats() {
  const auto renamed = all_of({missing(kMaster), says(net("10-flannel.conflist.old"), "flannel"), says(kConf, "flannel")});
  const auto lines_4x = [](Pod& pod) {
    EXPECT_EQ(pod.process().out(),
              "kubeconfig is created in /host/etc/cni/net.d/multus.d/multus.kubeconfig\nkubeconfig file is created.\n"
              "master capabilities is get from conflist\nmultus config file is created.\n");
    EXPECT_EQ(pod.process().err(), "");
  };
  return {
      {"whole conf", kFirst, {}, in_auto(), "runs", is_text(kConf, kPlainFirst)},
      {"whole conflist", {"4.1.4", "4.3.0"}, at_version("1.0.0"), in_auto(), "runs", is_text(kConflist, kListLater)},
      {"all optional lines", kLater, {}, in_auto(kEveryFlag), "runs", says(kConf, kAllLines)},
      {"all optional fields", kShellOnly, {}, in_auto(kEveryFlag), "runs", is_text(kConf, kOneLine)},
      {"log level in capitals", kThinOnes, {}, in_auto({"--multus-log-level=DEBUG"}), "runs", says(kConf, R"("logLevel": "debug")")},
      {"log level in capitals", kShellOnly, {}, in_auto({"--multus-log-level=DEBUG"}), "exit 1", missing(kConf)},
      {"log level unknown", kThinOnes, {}, in_auto({"--multus-log-level=info"}), "exit 0", complains("did not understand: \"info\"")},
      {"override name", kAllVersions, {}, in_auto({"--override-network-name=true"}), "runs", says(kConf, R"("name": "cbr0")")},
      {"control character quoted", kThinOnes, {}, in_auto({"--multus-log-file=a\x07\x7f"}), "runs", says(kConf, R"("logFile": "a\a\x7f")")},
      {"private character quoted", kThinOnes, {}, in_auto({"--multus-log-file=\xf3\xa0\x80\x81"}), "runs", says(kConf, R"("\U000e0001")")},
      {"raw kubeconfig path",
       kThinOnes,
       {},
       in_auto({"--multus-kubeconfig-file-host=a\"b"}),
       "runs",
       says(kConf, R"("kubeconfig": "a"b")")},
      {"empty cni conf dir", kLater, {}, in_auto({"--multus-cni-conf-dir="}), "exit 0", missing(kConf)},
      {"renamed master", kAllVersions, {}, in_auto({"--rename-conf-file=true"}), "runs", renamed},
      {"stdout", kThinOnes, {}, in_auto(), "runs", lines_4x},
      {"unknown flag",
       kShellOnly,
       {},
       in_auto({"--no-such-flag"}),
       "runs",
       [](Pod& pod) { EXPECT_TRUE(pod.said("WARN: {unknown parameter \"--no-such-flag\"}")); }},
      {"unknown flag", kThinOnes, {}, in_auto({"--restart-crio"}), "exit 2", complains("unknown flag: --restart-crio")},
      {"bad boolean",
       kThinOnes,
       {},
       in_auto({"--namespace-isolation=yes"}),
       "exit 2",
       complains(R"(invalid argument "yes" for "--namespace-isolation" flag: )")},
      {"boolean without value",
       kShellOnly,
       {},
       in_auto({"--namespace-isolation"}),
       "runs",
       [](Pod& pod) { EXPECT_EQ(pod.read(kConf).value_or("").find("namespaceIsolation"), std::string::npos); }},
      {"second equals sign", kShellOnly, {}, in_auto({"--global-namespaces=a=b"}), "runs", says(kConf, R"("globalNamespaces": "a",)")},
      {"help", kThinOnes, {}, in_auto({"--help"}), "exit 1", complains("Usage")},
      {"help", kShellOnly, {}, in_auto({"--help"}), "exit 0", [](Pod& pod) { EXPECT_TRUE(pod.said("Usage")); }},
  };
}

class MultusConf : public testing::TestWithParam<Row> {};
TEST_P(MultusConf, Fact) { play(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Outputs, MultusConf, testing::ValuesIn(outputs()), row_name);
INSTANTIATE_TEST_SUITE_P(Choices, MultusConf, testing::ValuesIn(choices()), row_name);
INSTANTIATE_TEST_SUITE_P(Formats, MultusConf, testing::ValuesIn(formats()), row_name);

}  // namespace
}  // namespace entryproof::subjects::predecessor
