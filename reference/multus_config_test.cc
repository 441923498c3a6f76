#include "reference/multus_config.h"

#include <gtest/gtest.h>

#include "reference/manual_config.h"

namespace reference {
namespace {

const HostPaths& paths() {
  static const HostPaths kPaths({"/host/etc/cni/net.d", "/host/opt/cni/bin"}, "/etc/cni/net.d/multus.d/multus.kubeconfig", "");
  return kPaths;
}

Primary primary(const std::string& text) {
  auto judged = judge_primary("/p", FileStatus{}, text, Shape::kEither);
  if (!judged) throw std::logic_error(judged.error().text);
  return std::move(*judged);
}

const std::string kFlannel = R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel","capabilities":{"portMappings":true}})";

TEST(MultusConfig, HasUpstreamsForm) {
  const auto config = render_multus_config(Options{}, paths(), primary(kFlannel));
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->file_name, "00-multus.conf");
  EXPECT_EQ(config->text,
            "{\n"
            "        \"cniVersion\": \"0.3.1\",\n"
            "        \"name\": \"multus-cni-network\",\n"
            "        \"type\": \"multus\",\n"
            "        \"capabilities\": {\"portMappings\":true},\n"
            "        \"kubeconfig\": \"/etc/cni/net.d/multus.d/multus.kubeconfig\",\n"
            "        \"delegates\": [\n"
            "                " +
                kFlannel +
                "\n"
                "        ]\n"
                "}\n");
}

TEST(MultusConfig, FromVersionOneOnItIsAList) {  // D-9
  for (const std::string version : {"1.0.0", "1.1.0", "2.0.0"}) {
    const auto config = render_multus_config(Options{}, paths(), primary(R"({"cniVersion":")" + version + R"(","name":"n","type":"x"})"));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->file_name, "00-multus.conflist");
    const auto document = json::Document::parse(config->text);
    ASSERT_TRUE(document) << config->text;
    EXPECT_EQ(document->root().find("cniVersion")->text(), version);
    EXPECT_EQ(document->root().find("plugins")->items()[0].find("type")->text(), "multus");
    EXPECT_FALSE(document->root().find("type"));
  }
}

TEST(MultusConfig, DelegatesLosslessly) {  // D-14
  const std::string odd = R"({"z":9007199254740993,"cniVersion":"0.3.1","a":[1.0,1e3,"<>&\u2028 * x"],"type":"x"})";
  const auto config = render_multus_config(Options{}, paths(), primary(odd));
  ASSERT_TRUE(config);
  EXPECT_NE(config->text.find(odd), std::string::npos);
}

TEST(MultusConfig, CarriesEveryOption) {
  Options options;
  options.namespace_isolation = true;
  options.global_namespaces = "a,b";
  options.multus_log_to_stderr = false;
  options.multus_log_level = "debug";
  options.multus_log_file = "/var/log/\"multus\"\x07.log";
  options.additional_bin_dir = "/opt/more";
  options.multus_cni_conf_dir = "/host/etc/cni/multus/net.d";
  options.readiness_indicator_file = "/host/run/ready";
  options.override_network_name = true;
  const auto config = render_multus_config(options, paths(), primary(kFlannel));
  ASSERT_TRUE(config) << config.error().text;
  const auto document = json::Document::parse(config->text);
  ASSERT_TRUE(document) << config->text;
  std::string keys;
  for (const auto& [key, value] : document->root().members()) keys += key + " ";
  EXPECT_EQ(keys,
            "cniVersion name type capabilities namespaceIsolation globalNamespaces logToStderr logLevel logFile binDir cniConf "
            "readinessindicatorfile kubeconfig delegates ");
  EXPECT_EQ(document->root().find("name")->text(), "cbr0");
  EXPECT_EQ(document->root().find("logFile")->text(), options.multus_log_file);  // D-13
  // CONF-34: the host reads this, and it has no /host.
  EXPECT_EQ(document->root().find("cniConf")->text(), "/etc/cni/multus/net.d");
  EXPECT_EQ(document->root().find("readinessindicatorfile")->text(), "/run/ready");
}

TEST(MultusConfig, VersionFlag) {  // CONF-32
  Options options;
  options.cni_version = "0.3.1";
  EXPECT_TRUE(render_multus_config(options, paths(), primary(kFlannel)));
  options.cni_version = "1.0.0";
  EXPECT_FALSE(render_multus_config(options, paths(), primary(kFlannel)));
  options.force_cni_version = true;
  const auto forced = render_multus_config(options, paths(), primary(kFlannel));
  ASSERT_TRUE(forced);
  EXPECT_EQ(forced->file_name, "00-multus.conflist");
  options = Options{};
  options.override_network_name = true;
  EXPECT_FALSE(render_multus_config(options, paths(), primary(R"({"cniVersion":"0.3.1","type":"x"})")));
}

TEST(ManualConfig, ExtensionAndContentAgree) {  // CONF-36
  const std::string kubeconfig = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
  const std::string plugin = R"("type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig")";
  const std::string single = R"({"cniVersion":"0.3.1","name":"m",)" + plugin + "}";
  const std::string list = R"({"cniVersion":"1.0.0","name":"m","plugins":[{)" + plugin + "}]}";
  const auto judge = [&](const std::string& name, const std::string& text) {
    return judge_manual_config(name, text, paths(), kubeconfig).has_value();
  };
  EXPECT_TRUE(judge("/m/70-multus.conf", single));
  EXPECT_TRUE(judge("/m/70-multus.json", single));
  EXPECT_TRUE(judge("/m/70-multus.conflist", list));
  EXPECT_FALSE(judge("/m/70-multus.conf", list));
  EXPECT_FALSE(judge("/m/70-multus.conflist", single));
  EXPECT_FALSE(judge("/m/70-multus.txt", single));
}

TEST(ManualConfig, RefusesGarbage) {  // MANUAL-50
  const std::string kubeconfig = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
  const std::string path = R"("kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig")";
  const auto why = [&](const std::string& text) {
    const auto judged = judge_manual_config("/m/70-multus.conf", text, paths(), kubeconfig);
    return judged ? "" : judged.error().text;
  };
  EXPECT_EQ(why(R"({"name":"m","type":"multus",)" + path + "}"), "");  // no cniVersion: the oldest is meant
  EXPECT_EQ(why(R"({"name":"b","type":"bridge"})"), "");
  for (const std::string& text : std::initializer_list<std::string>{
           "", "{", "[]", "{}", R"({"name":"m"})", R"({"type":"multus",)" + path + "}", R"({"name":"","type":"multus",)" + path + "}",
           R"({"name":"m","type":"multus"})", R"({"name":"m","type":"multus","kubeconfig":5})", R"({"name":"m","type":5,)" + path + "}",
           R"({"name":"m","cniVersion":5,"type":"multus",)" + path + "}", R"({"name":"m","cniVersion":"new","type":"multus",)" + path + "}",
           R"({"name":"m","type":"multus","kubeconfig":"/etc/kubernetes/admin.conf"})",
           R"({"name":"m","type":"multus",)" + path + R"(,"delegates":[{"type":"bridge","delegate":{"type":"multus"}}]})",  // CONF-30
           R"({"name":"m","type":"multus","kubeconfig":"/etc/cni/net.d/other.kubeconfig"})"}) {
    EXPECT_NE(why(text), "") << text;
    EXPECT_NE(why(text).find("/m/70-multus.conf"), std::string::npos);
  }
}

TEST(MultusConfig, FindsItsDelegateAgain) {
  const std::string spaced = R"({ "cniVersion": "1.0.0", "name": "c", "mtu": 9007199254740993, "plugins": [ { "type": "calico" } ] })";
  for (const std::string& text : {kFlannel, spaced}) {
    const Primary one = primary(text);
    EXPECT_EQ(delegate_of(render_multus_config(Options{}, paths(), one)->text), one.document.root().compact());
  }
  for (const char* text : {"", "{", R"({"type":"multus","delegates":[]})", R"({"type":"multus","delegates":5})", R"({"type":"bridge"})"})
    EXPECT_EQ(delegate_of(text), "") << text;
}

TEST(ManualConfig, KnowsWhatAnEntrypointGenerated) {
  EXPECT_TRUE(is_generated(R"({"type":"multus","delegates":[]})"));
  EXPECT_TRUE(is_generated(R"({"plugins":[{"type":"multus","delegates":[]}]})"));
  EXPECT_TRUE(is_generated(render_multus_config(Options{}, paths(), primary(kFlannel))->text));
  for (const char* text :
       {"", "{", "[]", R"({"type":"bridge"})", R"({"type":"multus"})", R"({"plugins":[{"type":"multus","delegates":[]},{"type":"x"}]})"}) {
    EXPECT_FALSE(is_generated(text)) << text;
  }
}

}  // namespace
}  // namespace reference
