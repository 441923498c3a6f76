#include "simulator/explore/tale_words.h"

namespace entryproof::explore {

namespace {

constexpr const char* kAuto = "--multus-conf-file=auto";
constexpr const char* kManual = "--multus-conf-file=/tmp/multus-conf/70-multus.conf";

Environment at_host(const char* host, std::string_view server, std::string_view check) {
  return {{{"KUBERNETES_SERVICE_HOST", host}}, true, server, check};
}

runner::Object fifo() {
  runner::Object object;
  object.kind = runner::Object::Kind::kFifo;
  return object;
}

}  // namespace

const std::array<Options, 21> kOptions{{{{kAuto}},
                                        {{kAuto}},
                                        {{kAuto}},
                                        {{kAuto, "--namespace-isolation=true"}},
                                        {{kAuto, "--multus-log-level=debug"}},
                                        {{kAuto, "--cleanup-config-on-exit=true"}, false, true},
                                        {{kAuto, "--skip-config-watch=true"}, false, false, false},
                                        {{kAuto, "--override-network-name=true"}},
                                        {{kAuto, "--multus-log-level=panic"}},
                                        {{kAuto, "--global-namespaces=default,kube-system"}},
                                        {{kAuto, "--multus-kubeconfig-file-host=/etc/cni/net.d/multus.d/multus.kubeconfig"}},
                                        {{kManual}, true},
                                        {{kManual}, true},
                                        {{kManual}, true},
                                        {{kManual, "--cleanup-config-on-exit=true"}, true, true},
                                        {{kAuto}, false, false, true, Policy::kIfMissing},
                                        {{kManual}, true, false, true, Policy::kIfMissing},
                                        {{kAuto}, false, false, true, Policy::kNever},
                                        {{kManual}, true, false, true, Policy::kNever},
                                        {{kAuto, "--restart-crio=false"}},
                                        {{kAuto, "--no-such-flag=1"}, false, false, true, Policy::kAlways, true}}};

const std::array<Environment, 10> kEnvironments{{{{}, true, "https://10.96.0.1:443", "FRESH-18/ipv4"},
                                                 {{}, true, "https://10.96.0.1:443", "FRESH-18/ipv4"},
                                                 {{}, true, "https://10.96.0.1:443", "FRESH-18/ipv4"},
                                                 at_host("fd00::1", "https://[fd00::1]:443", "FRESH-18/ipv6"),
                                                 at_host("kubernetes.default.svc", "https://kubernetes.default.svc:443", "FRESH-18/dns"),
                                                 at_host("[fd00::1]", "", ""),
                                                 {{{"KUBERNETES_SERVICE_HOST", "not a host"}}, false, "", ""},
                                                 {{{"KUBERNETES_SERVICE_PORT", "99999999"}}, false, "", ""},
                                                 {{{"KUBERNETES_SERVICE_HOST", std::nullopt}}, false, "", ""},
                                                 {{}, true, "https://192.0.2.10:6443", "FRESH-20/override", "https://192.0.2.10:6443"}}};

const std::array<SpoiltCredentials, 6> kSpoiltCredentials{{{{"token"}, "token", text_object(""), "FRESH-21/refused"},
                                                           {{"ca.crt"}, "ca.crt", text_object("no certificate\n"), "FRESH-21/refused"},
                                                           {{"token"}, "token", text_object("two words\n"), "FRESH-21/refused"},
                                                           {{"token", "ca.crt"}, "", {}, "EXIST-02/published-untouched"},
                                                           {{"token"}, "", {}, "EXIST-02/published-untouched"},
                                                           {{"token"}, "token", fifo(), ""}}};

namespace {

constexpr std::array kFailing{"write **/multus.d/* errno=ENOSPC",  "fsync **/multus.d/* errno=EIO",
                              "rename **/multus.d/* errno=EIO",    "create **/multus.d/* errno=EROFS",
                              "write **/multus.d/* short=100",     "create /etc/cni/net.d/* errno=EDQUOT",
                              "write /etc/cni/net.d/* errno=EIO",  "rename /etc/cni/net.d/* errno=EACCES",
                              "write /opt/cni/bin/* errno=ENOSPC", "rename /opt/cni/bin/* errno=ETXTBSY",
                              "read **/token errno=EIO",           "open **/ca.crt errno=EMFILE"};

faults::Rule rule_of(std::string_view line) { return faults::parse_rule(line).value(); }

}  // namespace

faults::Plan failing_calls(std::uint32_t which, bool sticky) {
  auto rule = rule_of(kFailing.at(which % kFailing.size()));
  rule.sticky = sticky;
  return {rule};
}

// What is there already can be renamed and removed, as on a real disk.
faults::Plan full_disk() {
  return {rule_of("create /** errno=ENOSPC sticky"), rule_of("mkdir /** errno=ENOSPC sticky"), rule_of("symlink /** errno=ENOSPC sticky"),
          rule_of("write /** errno=ENOSPC sticky"), rule_of("allocate /** errno=ENOSPC sticky")};
}

runner::Object text_object(std::string text) {
  runner::Object object;
  object.content = std::move(text);
  return object;
}

runner::Object directory_object(unsigned mode) {
  runner::Object object;
  object.kind = runner::Object::Kind::kDirectory;
  object.mode = mode;
  return object;
}

runner::Object json_object(std::string text) {
  runner::Object object;
  object.kind = runner::Object::Kind::kJson;
  object.content = std::move(text);
  return object;
}

runner::Object fixture_object(std::string_view name) {
  runner::Object object;
  object.kind = runner::Object::Kind::kFixture;
  object.content = name;
  return object;
}

std::string manual_text(std::uint32_t which) {
  static constexpr std::array<std::string_view, 4> kLevels{"error", "debug", "verbose", "panic"};
  return R"({"cniVersion":"0.3.1","delegates":[{"cniVersion":"0.3.1","name":"cbr0","type":"flannel"}],)"
         R"("kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","logLevel":")" +
         std::string(kLevels.at(which % kLevels.size())) + R"(","name":"multus-cni-network","type":"multus"})";
}

runner::StartStep start_step(const Options& options, const Environment& environment) {
  runner::StartStep step;
  step.args = options.arguments;
  step.environment = environment.variables;
  if (options.policy != Policy::kAlways) step.features["kubeconfig-policy"] = options.policy == Policy::kNever ? "never" : "if-missing";
  if (!environment.flag.empty()) step.features["api-server"] = environment.flag;
  return step;
}

}  // namespace entryproof::explore
