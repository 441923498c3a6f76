#include "simulator/audit/manifest_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/audit/manual_rules.h"
#include "simulator/oracles/redact.h"

namespace entryproof::audit {
namespace {

constexpr const char* kLife = "an hour after the last start, or a year where the API server stretches tokens";

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

class Audit {
 public:
  Audit(const Manifests& manifests, const Deployment& deployment) : manifests_(manifests), it_(deployment) {
    report_.kind = Report::Kind::kManifest;
    report_.subject =
        fmt::format("{}:{}: {}, container {}", it_.workload->file, it_.container->line, it_.workload->title(), it_.container->name);
  }

  Report run() {
    fact("image", fmt::format("{} ({})", it_.container->image.value, it_.version.text));
    if (it_.version.family == Family::kThick) {
      fact("mode", "thick: a daemon answers for Multus");
      fact("depends", "no: the daemon has its own credentials, and no kubeconfig is generated for the plugin");
      return std::move(report_);
    }
    fact("mode", it_.automatic() ? "automatic" : fmt::format("manual: {}", it_.flag("--multus-conf-file").value));
    judge_flags();
    judge_variables();
    judge_directories();
    judge_kubeconfig_place();
    if (!it_.automatic()) judge_manual();
    judge_credentials(manifests_, it_, report_);
    judge_renewal();
    judge_version();
    judge_switches();
    return std::move(report_);
  }

 private:
  bool upstream() const { return it_.version.upstream(); }
  bool is(Family family) const { return it_.version.family == family; }
  bool late_upstream() const { return is(Family::k4) || is(Family::k40) || is(Family::k41); }

  void fact(std::string name, std::string text) { report_.facts.push_back({std::move(name), oracles::printable(text, 1000)}); }

  void find(const char* clause, Severity severity, std::size_t line, std::string what, std::string consequence, std::string remedy) {
    report_.findings.push_back({clause, severity, it_.workload->file, line, oracles::printable(what, 1000),
                                oracles::printable(consequence, 1000), std::move(remedy)});
  }

  // --- what it is told ---

  void judge_flags() {
    const bool fatal = late_upstream() || is(Family::kReference);
    for (const Text& stranger : it_.strangers) {
      find("UPGRADE-47", fatal ? Severity::kBroken : Severity::kRisk, stranger.line, fmt::format("no entrypoint knows {}", stranger.value),
           fatal ? "it ends at once, again and again" : "4.x and the reference end at once; 3.9.3 warns", "take it away");
    }
    for (const auto& [name, value] : it_.given) {
      const KnownFlag* flag = find_flag(name);
      if (understands(it_.version.family, *flag)) continue;
      find("UPGRADE-47", late_upstream() ? Severity::kBroken : Severity::kRisk, value.line,
           fmt::format("{} does not know {}", it_.version.text, name),
           late_upstream() ? "it ends at once with exit code 2, again and again" : "it warns, and does without",
           name == "--restart-crio" ? "take it away: it was retired with 3.9.3, and runtimes notice a new configuration by themselves"
                                    : "take it away, or take a version that has it");
    }
    if (it_.has("--restart-crio") && is(Family::kUnknown)) {
      find("UPGRADE-47", Severity::kRisk, it_.line_of("--restart-crio"), "--restart-crio was retired with 3.9.3",
           "4.x ends at once with exit code 2", "take it away");
    }
  }

  void judge_variables() {
    if (!late_upstream()) return;
    for (const Variable& variable : it_.container->environment) {
      if (variable.name != "SKIP_TLS_VERIFY" && variable.name != "KUBE_CA_FILE" && variable.name != "KUBECONFIG_MODE") continue;
      find("UPGRADE-47", Severity::kRisk, variable.line,
           fmt::format("{} reads no {}: only 3.9.3 and the reference do", it_.version.text, variable.name),
           "what it stands for is silently not done", variable.name == "SKIP_TLS_VERIFY" ? "give --skip-tls-verify=true" : "take it away");
    }
  }

  // --- where it writes ---

  void judge_directories() {
    const Text net = it_.flag("--cni-conf-dir");
    judge_directory(net, "EXIST-03", "configuration and kubeconfig land in the container and nowhere on the node");
    if (!it_.on("--skip-multus-binary-copy")) {
      const Text bin = it_.flag("--cni-bin-dir");
      const Reached reached = it_.reach(bin.value);
      const bool tolerated = is(Family::kReference) && reached.mount != nullptr && reached.mount->read_only;  // if the same plugin is there
      if (!tolerated) judge_directory(bin, "UPGRADE-49", "the plugin is not installed on the node");
    }
    if (!it_.automatic()) return;
    const Text primary = it_.flag("--multus-autoconfig-dir");
    const Reached reached = it_.reach(primary.value);
    if (reached.mount == nullptr) {
      find("ORDER-40", Severity::kBroken, primary.line,
           fmt::format("nothing is mounted at {}, where the primary is looked for", primary.value), "no configuration is ever generated",
           "mount the host's directory for CNI configurations there, or give --multus-autoconfig-dir");
    }
  }

  void judge_directory(const Text& directory, const char* clause, const char* consequence) {
    const Reached reached = it_.reach(directory.value);
    const bool on_host =
        reached.volume != nullptr && (reached.volume->kind == Volume::Kind::kHostPath || reached.volume->kind == Volume::Kind::kOther);
    if (!on_host) {
      find(clause, Severity::kBroken, directory.line,
           reached.mount == nullptr ? fmt::format("nothing is mounted at {}", directory.value)
           : reached.volume == nullptr
               ? fmt::format("the volume {} that is mounted at {} does not exist", reached.mount->volume, reached.mount->path)
               : fmt::format("what is mounted at {} is no directory of the host", directory.value),
           consequence, "mount the host's directory there (hostPath)");
    } else if (reached.mount->read_only) {
      find("SECURE-56", Severity::kBroken, reached.mount->line, fmt::format("{} is mounted read-only", directory.value),
           "nothing can be written there: the start fails", "take readOnly away");
    }
  }

  // The generated kubeconfig in the host's view; "" where it cannot be told.
  std::string written_kubeconfig() const {
    if (is(Family::kReference)) return it_.flag("--multus-kubeconfig-file-host").value;
    const std::string directory = it_.reach(it_.flag("--cni-conf-dir").value).host();
    return directory.empty() ? directory : directory + "/multus.d/multus.kubeconfig";
  }

  void judge_kubeconfig_place() {
    const Text named = it_.flag("--multus-kubeconfig-file-host");
    const std::string written = written_kubeconfig();
    if (written.empty()) return;
    fact("kubeconfig", fmt::format("{}, in the host's view", written));
    if (is(Family::kReference)) return judge_reference_place(named);
    if (!it_.automatic() || normal_path(named.value) == normal_path(written)) return;
    find("EXIST-03", Severity::kBroken, named.line,
         fmt::format("the configuration names {}, and the file is written to {} (in the host's view)", named.value, written),
         "every Pod that Multus has to attach fails: there is no such file, or an old one",
         fmt::format("--multus-kubeconfig-file-host={}", written));
  }

  // It writes where the name leads, if the directory of that name is among its mounts.
  void judge_reference_place(const Text& named) {
    const std::string normal = normal_path(named.value);
    for (const Mount& mount : it_.container->mounts) {
      const Volume* volume = it_.workload->volume(mount.volume);
      if (volume == nullptr || volume->kind == Volume::Kind::kOther) return;  // a name that was not filled in
      if (volume->kind == Volume::Kind::kHostPath && normal.starts_with(volume->source + "/")) return;
    }
    if (it_.flag("--cni-conf-dir").value.ends_with(normal.substr(0, normal.find("/multus.d/")))) return;
    find("EXIST-03", Severity::kBroken, named.line, fmt::format("{} lies in no directory that this container has", named.value),
         "the entrypoint ends with exit code 78 and writes nothing",
         "mount that directory of the host, or name the file below the mounted one");
  }

  void judge_manual() {
    const ManualFile manual = manual_file(manifests_, it_);
    if (manual.content == nullptr && manual.missing.empty()) fact("manual file", "not among these manifests; its content is not judged");
    judge_manual_file(it_, manual, written_kubeconfig(), report_);
  }

  // --- whether the kubeconfig stays good ---

  void judge_renewal() {
    if (is(Family::kReference)) return fact("depends", "yes, and the kubeconfig is renewed while it runs");
    fact("depends", "yes: every Pod that Multus attaches needs the generated kubeconfig");
    const auto will = upstream() ? Severity::kWillBreak : Severity::kRisk;
    const std::string of_whom = upstream() ? it_.version.text : "every upstream version";
    const bool cleanup = it_.on("--cleanup-config-on-exit");
    const auto say = [&](const char* clause, std::string_view flag, std::string what, const char* remedy) {
      find(clause, will, it_.line_of(flag), std::move(what), fmt::format("Pods fail when the token expires: {}", kLife), remedy);
    };
    constexpr const char* kRemedy = "restart it in time, or run an entrypoint that renews it (the reference)";
    if (!it_.automatic()) {
      if (!is(Family::k40))
        say("FRESH-08", "--multus-conf-file", fmt::format("in manual mode {} writes the kubeconfig once and never renews it", of_whom),
            kRemedy);
    } else if (is(Family::k3)) {
      say("FRESH-06", "--multus-conf-file", fmt::format("{} writes the kubeconfig once and never renews it", of_whom), kRemedy);
    } else if (cleanup && it_.on("--skip-config-watch")) {
      say("FRESH-07", "--skip-config-watch",
          fmt::format("{} renews the kubeconfig in the loop that --skip-config-watch switches off", of_whom), kRemedy);
    } else if (!cleanup) {
      say("FRESH-06", "--multus-conf-file",
          fmt::format("{} renews the kubeconfig only with --cleanup-config-on-exit, which is not given", of_whom), kRemedy);
    }
  }

  // --- what this very version does ---

  void judge_version() {
    const std::size_t line = it_.container->image.line;
    if (!it_.automatic() && is(Family::k40)) {
      find("EXIST-01", Severity::kBroken, line, fmt::format("in manual mode {} writes no kubeconfig at all", it_.version.text),
           fmt::format(
               "a fresh node has none, and every Pod fails; an upgraded one keeps the old file, and Pods fail when its token expires"),
           "4.1 or later, or the reference");
    }
    if (!it_.automatic() && is(Family::k4)) {
      find("EXIST-01", Severity::kRisk, line, "the tag does not tell which 4.x this is, and 4.0.x writes no kubeconfig in manual mode",
           "then every Pod fails", "give the tag of a version from 4.1 on");
    }
    if (it_.automatic() && is(Family::k40)) {
      const bool watch = it_.on("--cleanup-config-on-exit");
      find("CONF-30", watch ? Severity::kBroken : Severity::kWillBreak, line,
           fmt::format("{} takes its own 00-multus.conf for the primary", it_.version.text),
           watch ? "with --cleanup-config-on-exit it wraps itself without a pause and uses a whole CPU"
                 : "from the second start on it delegates to itself, one level more each time",
           "4.1 or later, or the reference");
    }
    if (it_.automatic() && is(Family::k3) && it_.flag("--cni-version").value.empty()) {
      find("CONF-35", Severity::kBroken, line, fmt::format("{} needs --cni-version in automatic mode", it_.version.text),
           "it ends with exit code 1 after the kubeconfig is written", "--cni-version=0.3.1, or what the primary has");
    }
  }

  void judge_switches() {
    if (it_.on("--cleanup-config-on-exit") && (is(Family::k41) || is(Family::k4) || is(Family::kUnknown))) {
      find("UPGRADE-45", Severity::kRisk, it_.line_of("--cleanup-config-on-exit"),
           "each end of the entrypoint takes the configuration away, also one that an unreadable file caused",
           "until it is back Pods start without Multus, and their network annotations are ignored",
           "give it for the uninstallation only; the reference renews without it");
    }
    if (it_.on("--rename-conf-file") && it_.automatic() && late_upstream()) {
      find("UPGRADE-48", Severity::kWillBreak, it_.line_of("--rename-conf-file"),
           fmt::format("{} cannot be started twice with --rename-conf-file", it_.version.text),
           "after the second start no configuration can be generated any more", "take it away");
    }
    if (it_.has("--multus-master-cni-file-name") && is(Family::k40)) {
      find("CONF-33", Severity::kRisk, it_.line_of("--multus-master-cni-file-name"),
           fmt::format("{} ignores --multus-master-cni-file-name", it_.version.text), "the first file by name is taken", "4.1 or later");
    }
  }

  const Manifests& manifests_;
  const Deployment& it_;
  Report report_;
};

}  // namespace

ManualFile manual_file(const Manifests& manifests, const Deployment& deployment) {
  const Text path = deployment.flag("--multus-conf-file");
  ManualFile manual;
  manual.name = base_name(path.value);
  const Reached reached = deployment.reach(path.value);
  if (reached.mount == nullptr) {
    const bool of_the_image = path.value.starts_with("/usr/src/multus-cni/");
    if (!of_the_image) manual.missing = fmt::format("nothing is mounted where {} should be", path.value);
    return manual;
  }
  if (reached.volume == nullptr) {
    manual.missing = fmt::format("the volume {} that should hold {} does not exist", reached.mount->volume, path.value);
    return manual;
  }
  using Kind = Volume::Kind;
  if (reached.volume->kind == Kind::kEmptyDir) {
    const bool init = std::ranges::any_of(deployment.workload->containers, &Container::init);
    if (!init) manual.missing = fmt::format("{} lies in a directory that is empty at each start", path.value);
    return manual;
  }
  if (reached.volume->kind != Kind::kConfigMap && reached.volume->kind != Kind::kProjected) return manual;
  const ConfigMap* map = manifests.config_map(deployment.workload->name_space, reached.volume->source);
  if (map == nullptr) return manual;
  std::string key = reached.below.empty() ? reached.below : reached.below.substr(1);
  if (!reached.volume->items.empty()) {
    const auto& items = reached.volume->items;
    const auto item = std::ranges::find(items, key, &std::pair<std::string, std::string>::second);
    if (item == items.end()) {
      manual.missing = fmt::format("the volume {} has nothing at {}", reached.volume->name, key);
      return manual;
    }
    key = item->first;
  }
  const auto found = map->data.find(key);
  if (found == map->data.end()) {
    manual.missing = fmt::format("the ConfigMap {} has no key {}", map->name, key);
    return manual;
  }
  manual.content = &found->second.value;
  manual.file = map->file;
  manual.line = found->second.line;
  return manual;
}

std::vector<Report> audit_manifests(const Manifests& manifests) {
  std::vector<Report> reports;
  for (const Workload& workload : manifests.workloads) {
    for (const Deployment& deployment : deployments_of(workload)) reports.push_back(printable(Audit(manifests, deployment).run()));
  }
  return reports;
}

}  // namespace entryproof::audit
