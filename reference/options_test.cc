#include "reference/options.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace reference {
namespace {

using namespace std::chrono_literals;
using Environment = std::map<std::string, std::string>;

std::expected<Options, UsageError> parse(std::vector<std::string> args, const Environment& environment = {}) {
  return parse_options(args, environment);
}

// UPGRADE-47: what stands in manifests out there must go on working.
TEST(Options, ParsesCommandLinesOf393) {
  const auto options =
      parse({"--multus-conf-file=/usr/src/multus-cni/images/70-multus.conf", "--cni-conf-dir=/host/etc/cni/net.d",
             "--cni-bin-dir=/host/opt/cni/bin", "--restart-crio=false", "--namespace-isolation=true",
             "--multus-kubeconfig-file-host=/etc/cni/net.d/multus.d/multus.kubeconfig", "--additional-bin-dir=/opt/multus/bin",
             "--skip-multus-binary-copy=true", "--rename-conf-file=false", "--cleanup-config-on-exit=true", "--override-network-name=true",
             "--cni-version=0.3.1", "--multus-log-level=DEBUG"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->multus_conf_file, "/usr/src/multus-cni/images/70-multus.conf");
  EXPECT_FALSE(options->automatic());
  EXPECT_TRUE(options->namespace_isolation && options->skip_multus_binary_copy && options->cleanup_config_on_exit);
  EXPECT_FALSE(options->rename_conf_file);
  EXPECT_EQ(options->multus_log_level, "debug");
  ASSERT_EQ(options->warnings.size(), 1U);
  EXPECT_NE(options->warnings[0].find("--restart-crio"), std::string::npos);
}

TEST(Options, ParsesCommandLinesOf40) {
  const auto options =
      parse({"--multus-conf-file", "auto", "--multus-autoconfig-dir", "/host/etc/cni/net.d/", "--force-cni-version", "--cni-version",
             "1.0.0", "--multus-log-to-stderr=F", "--global-namespaces", "default,kube-system", "--skip-tls-verify=1"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(options->automatic());
  EXPECT_EQ(options->multus_autoconfig_dir, "/host/etc/cni/net.d");
  EXPECT_TRUE(options->force_cni_version && options->skip_tls_verify);
  EXPECT_FALSE(options->multus_log_to_stderr);
  EXPECT_EQ(options->global_namespaces, "default,kube-system");
}

TEST(Options, ParsesCommandLinesOf41AndLater) {
  const auto options =
      parse({"--multus-cni-conf-dir=/etc/cni/multus/net.d", "--skip-config-watch", "--multus-master-cni-file-name=10-calico.conflist",
             "--readiness-indicator-file=/run/cni/ready", "--multus-bin-file=/bin/multus", "--multus-log-file=/var/log/a=b.log"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_TRUE(options->skip_config_watch);
  EXPECT_EQ(options->multus_master_cni_file_name, "10-calico.conflist");
  EXPECT_EQ(options->multus_log_file, "/var/log/a=b.log");  // only the first equals sign parts name and value
}

TEST(Options, DefaultsAreUpstreams) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->automatic());
  EXPECT_EQ(options->cni_conf_dir, "/host/etc/cni/net.d");
  EXPECT_EQ(options->multus_kubeconfig_file_host, "/etc/cni/net.d/multus.d/multus.kubeconfig");
  EXPECT_EQ(options->kubeconfig_mode, 0600U);
  EXPECT_EQ(options->poll_interval, 1s);
  EXPECT_FALSE(options->cleanup_config_on_exit);  // UPGRADE-45: off unless asked for
}

// FRESH-20, STATIC-51: nothing needs an injected volume or variable.
TEST(Options, TakesExplicitCredentialsAndServer) {
  const auto options = parse({"--token-file=/c/token", "--ca-file", "/c/ca.crt", "--api-server=https://10.0.0.1:6443", "--once",
                              "--poll-interval=500ms", "--kubeconfig-policy=if-missing"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->token_file, "/c/token");
  EXPECT_EQ(options->api_server, "https://10.0.0.1:6443");
  EXPECT_TRUE(options->once);
  EXPECT_EQ(options->poll_interval, 500ms);
  EXPECT_EQ(options->kubeconfig_policy, KubeconfigPolicy::kIfMissing);
}

TEST(Options, ReadsTheEnvironmentOf393AndFlagsGoFirst) {
  const Environment environment{{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                {"KUBERNETES_SERVICE_PORT", "443"},
                                {"SKIP_TLS_VERIFY", "true"},
                                {"KUBE_CA_FILE", "/env/ca.crt"},
                                {"KUBECONFIG_MODE", "644"}};
  auto options = parse({}, environment);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->service_host, "fd00::1");
  EXPECT_TRUE(options->skip_tls_verify);
  EXPECT_EQ(options->ca_file, "/env/ca.crt");
  EXPECT_EQ(options->kubeconfig_mode, 0644U);
  options = parse({"--ca-file=/flag/ca.crt", "--skip-tls-verify=false"}, environment);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->ca_file, "/flag/ca.crt");
  EXPECT_FALSE(options->skip_tls_verify);
  EXPECT_FALSE(parse({}, {{"SKIP_TLS_VERIFY", "TRUE"}})->skip_tls_verify);  // exactly as the script read it
}

TEST(Options, RefusesWithOneLine) {
  const std::vector<std::vector<std::string>> wrong{{"--multus-fancy"},
                                                    {"--multus-fancy=1"},
                                                    {"-x"},
                                                    {"-multus-conf-file=auto"},
                                                    {"--cni-conf-dir"},
                                                    {"--namespace-isolation=yes"},
                                                    {"--multus-conf-file="},
                                                    {"--multus-conf-file=70-multus.conf"},
                                                    {"--multus-log-level=info"},
                                                    {"--force-cni-version"},
                                                    {"--poll-interval=1h"},
                                                    {"--poll-interval=10s"},
                                                    {"--poll-interval="},
                                                    {"--kubeconfig-policy=often"},
                                                    {"--cni-conf-dir=relative"},
                                                    {"--multus-log-file=/var/\xff"},
                                                    {"--\n\x1b[31m=1"}};
  for (const auto& args : wrong) {
    const auto options = parse(args);
    ASSERT_FALSE(options) << args[0];
    EXPECT_FALSE(options.error().message.empty());
    EXPECT_EQ(options.error().message.find_first_of("\n\x1b"), std::string::npos);
  }
  EXPECT_FALSE(parse({}, {{"KUBECONFIG_MODE", "rw"}}));
  EXPECT_FALSE(parse({}, {{"KUBECONFIG_MODE", "077"}}));
}

TEST(Options, IgnoresStrayWordsLike4xButSaysSo) {
  const auto options = parse({"--namespace-isolation", "false", "--", "--unknown"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->namespace_isolation);  // "false" is a word of its own, as in 4.x
  EXPECT_EQ(options->warnings.size(), 1U);
}

TEST(Options, HelpNamesEveryFlagAndWinsOverMistakes) {
  EXPECT_TRUE(parse({"-h"})->help);
  EXPECT_TRUE(parse({"--help", "--multus-conf-file="})->help);
  EXPECT_TRUE(parse({"--version"})->version);
  for (const char* flag :
       {"--additional-bin-dir", "--skip-config-watch", "--restart-crio", "--token-file", "--poll-interval", "--force-cni-version"}) {
    EXPECT_NE(usage().find(flag), std::string::npos) << flag;
  }
}

// LIFE-60, FRESH-17: what the program is asked to do, and how it can be asked about itself.
TEST(Options, TakesCommandsAndHealth) {
  EXPECT_EQ(parse({"--once"})->command, Command::kRun);
  EXPECT_EQ(parse({"uninstall", "--cni-conf-dir=/host/etc/cni/net.d"})->command, Command::kUninstall);
  const auto status = parse({"status", "--health-file=/run/entrypoint/health", "--ready"});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->command, Command::kStatus);
  EXPECT_TRUE(status->ready);
  EXPECT_EQ(status->health_file, "/run/entrypoint/health");
  EXPECT_FALSE(parse({"status"}));
  EXPECT_FALSE(parse({"--health-file=/host/etc/cni/net.d/health"}));  // ATOM-26: it would wake the runtimes
  EXPECT_FALSE(parse({"--health-file=health"}));
  EXPECT_EQ(parse({"--log-format=json"})->log_format, LogFormat::kJson);
  EXPECT_FALSE(parse({"--log-format=xml"}));
  EXPECT_EQ(parse({"--once", "uninstall"})->command, Command::kRun);         // a stray word, as ever
  EXPECT_TRUE(parse({"--once", "-", "--global-namespaces=default"})->once);  // OpenShift's manifest has one
  EXPECT_EQ(parse({"-", "--global-namespaces=default"})->global_namespaces, "default");
  EXPECT_FALSE(parse({"-x"}));
}

}  // namespace
}  // namespace reference
