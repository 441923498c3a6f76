#include "simulator/audit/manual_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/oracles/cni_config.h"
#include "simulator/oracles/redact.h"

namespace entryproof::audit {
namespace {

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

struct Judge {
  const Deployment& deployment;
  Report& report;

  void find(const char* clause, Severity severity, std::size_t line, std::string what, std::string consequence, std::string remedy,
            const std::string& file = {}) const {
    report.findings.push_back({clause, severity, file.empty() ? deployment.workload->file : file, line, oracles::printable(what, 1000),
                               std::move(consequence), std::move(remedy)});
  }
};

void judge_content(const Judge& judge, const ManualFile& manual, const std::string& written) {
  const auto find = [&](const char* clause, Severity severity, std::string what, std::string consequence, std::string remedy) {
    judge.find(clause, severity, manual.line, std::move(what), std::move(consequence), std::move(remedy), manual.file);
  };
  const bool list = manual.name.ends_with(".conflist");
  const oracles::CniConfig config = oracles::parse_cni_config(*manual.content, list);
  constexpr const char* kBroken = "with containerd the node is NotReady, with CRI-O Pods start without Multus";
  if (!config.accepted()) {
    const bool other = oracles::parse_cni_config(*manual.content, !list).accepted();
    return find(other ? "CONF-36" : "MANUAL-50", Severity::kBroken,
                other ? fmt::format("it holds {}, and is called {}", list ? "one plugin" : "a list of plugins", manual.name)
                      : fmt::format("no runtime can read it: {}", config.error),
                kBroken, other ? fmt::format("call it {}", list ? "….conf" : "….conflist") : "repair it; upstream copies it as it is");
  }
  if (!config.multus) {
    return find("MANUAL-50", Severity::kRisk, "it does not call Multus", "network annotations are ignored",
                "give a configuration of type multus");
  }
  if (std::ranges::find(config.types, "multus-shim") != config.types.end()) return;
  if (config.kubeconfig.empty()) {
    find("MANUAL-50", Severity::kBroken, "it names no kubeconfig", "Pods with network annotations fail",
         fmt::format("\"kubeconfig\": \"{}\"", written));
  } else if (!written.empty() && normal_path(config.kubeconfig) != normal_path(written)) {
    find("EXIST-03", Severity::kBroken,
         fmt::format("it names {}, and the entrypoint writes {} (in the host's view)", config.kubeconfig, written),
         "every Pod that Multus has to attach fails: there is no such file, or an old one", fmt::format("\"kubeconfig\": \"{}\"", written));
  }
  if (config.delegates.empty() && manual.content->find("\"clusterNetwork\"") == std::string::npos) {
    find("MANUAL-50", Severity::kBroken, "it has neither delegates nor a clusterNetwork", "Multus refuses it: no Pod starts",
         "name the primary");
  }
  if (config.self_delegating) {
    find("CONF-30", Severity::kBroken, "it delegates to Multus itself", "every Pod's networks are attached more than once",
         "name the primary");
  }
}

void judge_name(const Judge& judge, const ManualFile& manual) {
  const std::size_t line = judge.deployment.line_of("--multus-conf-file");
  if (!oracles::is_loadable_name(manual.name)) {
    judge.find("MANUAL-50", Severity::kBroken, line, fmt::format("no runtime reads a file called {}", manual.name),
               "Multus is never called", "let its name end in .conf, .conflist or .json");
  } else if (manual.name >= "10-") {
    judge.find("MANUAL-50", Severity::kRisk, line, fmt::format("{} sorts behind the names that primaries have (05-…, 10-…)", manual.name),
               "while the primary's own file is there the runtime loads that one, and Multus is never called",
               "call it 00-…, or take the primary's file away");
  }
}

// Whether kubelet, or the manifest, puts a token where the entrypoint looks.
bool has_token_mount(const Deployment& deployment) { return deployment.reach(std::string(kServiceAccount) + "/token").mount != nullptr; }

}  // namespace

void judge_manual_file(const Deployment& deployment, const ManualFile& manual, const std::string& written, Report& report) {
  const Judge judge{deployment, report};
  const std::size_t line = deployment.line_of("--multus-conf-file");
  if (!manual.missing.empty()) {
    const bool late = deployment.version.upstream() && deployment.version.family != Family::k3;
    return judge.find("MANUAL-50", Severity::kBroken, line, manual.missing,
                      late ? "the entrypoint ends at once, with exit code 0, again and again" : "the entrypoint ends, again and again",
                      "mount what holds it, or say --multus-conf-file=auto");
  }
  judge_name(judge, manual);
  const Reached reached = deployment.reach(deployment.flag("--multus-conf-file").value);
  if (reached.mount != nullptr && !reached.mount->sub_path.empty()) {
    judge.find("MANUAL-50", Severity::kRisk, reached.mount->line, "the manual configuration is mounted by subPath",
               "edits of it never reach this Pod", "mount the whole volume at a directory");
  }
  if (manual.content != nullptr) judge_content(judge, manual, written);
}

void judge_credentials(const Manifests& manifests, const Deployment& deployment, Report& report) {
  const Judge judge{deployment, report};
  const Workload& workload = *deployment.workload;
  const bool own = deployment.version.family == Family::kReference && deployment.has("--token-file");
  const Reached reached = deployment.reach(std::string(kServiceAccount) + "/token");
  if (reached.mount != nullptr && !reached.mount->sub_path.empty()) {
    judge.find("FRESH-15", Severity::kWillBreak, reached.mount->line, "the token is mounted by subPath",
               "it never changes: Pods fail when it expires", "mount the whole volume");
  }
  if (own || has_token_mount(deployment)) return;
  if (workload.static_pod) {
    return judge.find(
        "STATIC-51", Severity::kBroken, workload.line, "a static Pod has no service account, and no credentials are mounted",
        "there is no token to write a kubeconfig with",
        fmt::format("mount a token and ca.crt at {}, or give the reference --token-file, --ca-file and --api-server", kServiceAccount));
  }
  const bool denied = workload.automount && !*workload.automount;
  const ServiceAccount* account =
      manifests.service_account(workload.name_space, workload.service_account.empty() ? "default" : workload.service_account);
  const bool denied_by_account = !workload.automount && account != nullptr && account->automount == false;
  if (denied || denied_by_account) {
    return judge.find("EXIST-02", Severity::kBroken, denied ? workload.automount_line : account->line,
                      fmt::format("automountServiceAccountToken is false{}, and no token is mounted by hand",
                                  denied ? "" : fmt::format(" in the service account {}", account->name)),
                      "there is no token to write a kubeconfig with; upstream ends with exit code 0, again and again",
                      "set it to true, or mount a projected token and ca.crt", denied ? std::string() : account->file);
  }
  if (workload.kind == "Pod" && workload.service_account.empty()) {
    judge.find("STATIC-51", Severity::kRisk, workload.line, "a Pod that names no service account and mounts no credentials",
               "as a static Pod it gets no token; as an ordinary one that of \"default\", which may read nothing",
               "name a service account, or mount credentials");
  }
}

}  // namespace entryproof::audit
