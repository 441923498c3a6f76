#include "simulator/audit/staging.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/base/digest.h"
#include "simulator/runner/site.h"

namespace entryproof::audit {
namespace {

using namespace std::chrono_literals;
using runner::Given;
using runner::Object;

constexpr std::string_view kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
// Where a volume stands that the container does not see: the site always has both.
constexpr const char* kNowhere = "/.not-mounted";

Object text_object(std::string content) {
  Object object;
  object.content = std::move(content);
  return object;
}

Object plugin_object() {
  const runner::Site site = runner::Site::usual();
  const auto inode = node::View().resolve(site.image(), {}, site.image_plugin);
  const auto bytes = inode ? site.image().read_all(*inode) : node::refuse(2);
  Object object;
  object.kind = Object::Kind::kBytes;
  object.content = bytes ? *bytes : std::string();
  object.mode = 0755;
  return object;
}

std::string_view directory_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

class Staging {
 public:
  Staging(const Manifests& manifests, const Deployment& deployment) : manifests_(manifests), it_(deployment) {}

  Staged run() {
    staged_.title = it_.workload->title();
    staged_.file = it_.workload->file;
    staged_.line = static_cast<int>(it_.container->line);
    staged_.arguments = it_.arguments;
    staged_.manual = !it_.automatic();
    if (staged_.manual)
      staged_.manual_name = it_.flag("--multus-conf-file").value.substr(it_.flag("--multus-conf-file").value.rfind('/') + 1);
    given().primary = "flannel";
    place("--cni-conf-dir", given().net_d, given().net_d_at);
    place("--cni-bin-dir", given().bin, given().bin_at);
    if (!it_.on("--skip-multus-binary-copy")) staged_.plugin = normal_path(it_.flag("--cni-bin-dir").value) + "/multus";
    place_credentials();
    place_environment();
    for (const Mount& mount : it_.container->mounts) place_volume(mount);
    run_init_containers();
    if (it_.has("--multus-bin-file")) given().tree[normal_path(it_.flag("--multus-bin-file").value)] = plugin_object();
    return std::move(staged_);
  }

 private:
  Given& given() { return staged_.given; }

  // A directory of the host that the container sees under the flag's path; elsewhere if it does not.
  void place(const char* flag, std::string& host, std::string& inside) {
    const std::string path = normal_path(it_.flag(flag).value);
    const Reached reached = it_.reach(path);
    inside = reached.host().empty() ? kNowhere + path : path;
    host = reached.host();
    if (reached.mount != nullptr && reached.mount->read_only) given().read_only.push_back(path);
  }

  void place_credentials() {
    const std::string standard = std::string(kServiceAccount) + "/token";
    const bool own = it_.has("--token-file");
    const std::string path = normal_path(own ? it_.flag("--token-file").value : standard);
    const Reached reached = it_.reach(path);
    const ServiceAccount* account = manifests_.service_account(
        it_.workload->name_space, it_.workload->service_account.empty() ? "default" : it_.workload->service_account);
    const bool automount = it_.workload->automount.value_or(account == nullptr || account->automount.value_or(true));
    if (own && path != standard) given().credentials_at = directory_of(path);
    if (reached.mount == nullptr) {
      given().credentials = own || !automount || it_.workload->static_pod ? "none" : "projected";
    } else if (!reached.mount->sub_path.empty()) {
      given().credentials = "subpath";
    } else {
      given().credentials = reached.volume != nullptr && reached.volume->kind == Volume::Kind::kHostPath ? "hostpath" : "projected";
    }
  }

  void place_environment() {
    for (const Variable& variable : it_.container->environment) {
      if (variable.value) given().environment[variable.name] = *variable.value;
    }
  }

  // The files of a ConfigMap, where they are mounted; of anything else a directory.
  void place_volume(const Mount& mount) {
    const Volume* volume = it_.workload->volume(mount.volume);
    if (volume == nullptr || mount.path.starts_with(kServiceAccount) || mount.path == given().credentials_at ||
        !mount.path.starts_with('/'))
      return;
    const bool holds_a_place =
        it_.reach(it_.flag("--cni-conf-dir").value).mount == &mount || it_.reach(it_.flag("--cni-bin-dir").value).mount == &mount;
    if (holds_a_place || mount.path == "/") return;
    const ConfigMap* map = volume->kind == Volume::Kind::kConfigMap || volume->kind == Volume::Kind::kProjected
                               ? manifests_.config_map(it_.workload->name_space, volume->source)
                               : nullptr;
    if (map == nullptr) return;
    std::map<std::string, Object> files;
    for (const auto& [key, text] : map->data) {
      if (volume->items.empty()) files[key] = text_object(text.value);
      for (const auto& [from, to] : volume->items) {
        if (from == key) files[to] = text_object(text.value);
      }
    }
    if (mount.sub_path.empty()) {
      given().projected[mount.path] = std::move(files);
    } else if (const auto file = files.find(mount.sub_path); file != files.end()) {
      given().projected[std::string(directory_of(mount.path))][mount.path.substr(mount.path.rfind('/') + 1)] = std::move(file->second);
    }
  }

  // `cp PROGRAM PLACE`, in whatever words: what the init container leaves there.
  void run_init_containers() {
    for (const Container& container : it_.workload->containers) {
      if (!container.init || &container == it_.container) continue;
      Deployment its;
      its.workload = it_.workload;
      its.container = &container;
      std::string words;
      for (const auto* part : {&container.command, &container.args}) {
        for (const Text& word : *part) words += " " + word.value;
      }
      const auto copy = words.find("cp ");
      const auto last = words.find_last_not_of(" \n\"';");
      if (copy == std::string::npos || last == std::string::npos) continue;
      std::string target = words.substr(0, last + 1);
      target = target.substr(target.rfind(' ') + 1);
      if (target.ends_with('/')) target += "multus";
      const std::string host = its.reach(target).host();
      if (!host.empty()) given().tree["node:" + host] = plugin_object();
    }
  }

  const Manifests& manifests_;
  const Deployment& it_;
  Staged staged_;
};

// Makes a scenario step by step.
class Story {
 public:
  Story(const Staged& staged, const char* name, const char* title, const char* why) : staged_(staged) {
    scenario_.id = std::string("manifest/") + name;
    scenario_.title = title;
    scenario_.why = why;
    scenario_.file = staged.file;
    scenario_.tags = {"manifest"};
    scenario_.given = staged.given;
  }

  template <class Action>
  Story& then(Action action) {
    scenario_.steps.push_back({std::move(action), fmt::format("/steps/{}", scenario_.steps.size()), staged_.line});
    return *this;
  }
  Story& start(const std::string& what = "build") {
    runner::StartStep step;
    step.what = what;
    step.as = what == "build" ? "build" : "old";
    step.args = staged_.arguments;
    const auto versioned = [](const std::string& argument) { return argument.starts_with("--cni-version"); };
    if (what == "predecessor:3.9.3" && !staged_.manual && std::ranges::none_of(step.args, versioned))
      step.args.emplace_back("--cni-version=0.3.1");
    return then(std::move(step)).then(runner::RestStep{});
  }
  Story& rotate(runner::RotateStep::What what) {
    runner::RotateStep step;
    step.what = what;
    return then(step);
  }
  Story& kubeconfig(const char* check, const char* state) {
    runner::ExpectStep step = expectation(check);
    step.kubeconfig.emplace().state = state;
    return then(std::move(step));
  }
  Story& delegates_to_the_primary(const char* check) {
    runner::ExpectStep step = expectation(check);
    step.configuration.emplace().delegate = "flannel";
    step.configuration->self_delegating = false;
    return then(std::move(step));
  }
  Story& installed(const char* check, const std::string& path) {
    runner::ExpectStep step = expectation(check);
    step.tree[path].type = "file";
    return then(std::move(step));
  }
  runner::Scenario end() { return std::move(scenario_); }

 private:
  static runner::ExpectStep expectation(const char* check) {
    runner::ExpectStep step;
    step.check = check;
    step.within = 5s;
    return step;
  }

  const Staged& staged_;
  runner::Scenario scenario_;
};

}  // namespace

Result<Staged> stage(const Manifests& manifests, const std::string& name) {
  std::vector<Deployment> found;
  for (const Workload& workload : manifests.workloads) {
    for (Deployment& deployment : deployments_of(workload)) {
      if (deployment.version.family == Family::kThick)
        return fail(ErrorCode::kInvalidInput, "the thick plugin is deployed there, which has no entrypoint to play", name);
      found.push_back(std::move(deployment));
    }
  }
  if (found.size() != 1) {
    return fail(ErrorCode::kInvalidInput,
                found.empty() ? "no entrypoint is deployed there; \"entryproof audit\" says what is looked for"
                              : fmt::format("{} entrypoints are deployed there; give a manifest of one", found.size()),
                name);
  }
  return Staging(manifests, found.front()).run();
}

std::string fingerprint(const Staged& staged) {
  const Given& given = staged.given;
  std::string text =
      staged.title + "\n" + given.credentials + "\n" + given.net_d + "\n" + given.net_d_at + "\n" + given.bin + "\n" + given.bin_at;
  for (const std::string& argument : staged.arguments) text += "\n" + argument;
  for (const auto& [name, value] : given.environment) text += "\n" + name + "=" + value.value_or("");
  for (const auto& [path, object] : given.tree) text += "\n" + path + "\n" + object.content;
  for (const auto& [path, files] : given.projected) {
    for (const auto& [name, object] : files) text += "\n" + path + "/" + name + "\n" + object.content;
  }
  return sha256_hex(text);
}

std::vector<runner::Scenario> stories(const Staged& staged) {
  using What = runner::RotateStep::What;
  const bool manual = staged.manual;
  const char* const current = manual ? "FRESH-08/current-after-start" : "FRESH-06/current-after-start";
  std::vector<runner::Scenario> told;

  Story install(staged, "install", "This deployment, on a fresh node", "What a new node gets.");
  install.start().kubeconfig(manual ? "EXIST-01/manual-fresh-node" : "EXIST-01/auto-fresh-node", "valid").kubeconfig(current, "current");
  if (!staged.plugin.empty()) install.installed("LIFE-59/installed", staged.plugin);
  told.push_back(install.end());

  Story restart(staged, "restart", "This deployment is restarted, with a new token and CA", "What every roll-out does.");
  restart.start()
      .then(runner::StopStep{})
      .rotate(What::kBoth)
      .start()
      .kubeconfig("EXIST-01/after-restart", "valid")
      .kubeconfig(current, "current");
  if (!manual) restart.delegates_to_the_primary("CONF-30/delegates-to-primary");
  told.push_back(restart.end());

  Story rotation(staged, "rotation", "The token changes while it runs", "An hour after each start, or a year.");
  rotation.start().rotate(What::kToken).kubeconfig(manual ? "FRESH-08/rotation" : "FRESH-06/rotation", "current");
  told.push_back(rotation.end());

  Story reboot(staged, "reboot", "The node is booted", "Every token is new, and what is volatile is gone.");
  reboot.start().then(runner::RebootStep{{"/run"}}).start().kubeconfig("EXIST-05/after-reboot", "valid").kubeconfig(current, "current");
  told.push_back(reboot.end());

  Story upgrade(staged, "upgrade", "This deployment takes the place of 3.9.3", "The image's tag is changed, and nothing else.");
  upgrade.start("predecessor:3.9.3").then(runner::StopStep{"old"}).rotate(What::kBoth).start();
  upgrade.kubeconfig(manual ? "UPGRADE-M1/current-kubeconfig" : "UPGRADE-M2/current-kubeconfig", "current");
  if (!manual) upgrade.delegates_to_the_primary("UPGRADE-M2/real-primary");
  told.push_back(upgrade.end());
  std::ranges::sort(told, {}, &runner::Scenario::id);
  return told;
}

}  // namespace entryproof::audit
