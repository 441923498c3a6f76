#include "simulator/audit/staging.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

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
constexpr std::size_t kMostVolumes = 32;

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

// What the container has of its own, and what is no path, can carry no volume.
bool is_place_for_a_volume(const std::string& path) {
  if (normal_path(path) != path || path == "/") return false;
  return std::ranges::none_of(std::array{"/proc", "/sys", "/dev"},
                              [&](const std::string& own) { return (path + "/").starts_with(own + "/"); });
}

class Staging {
 public:
  Staging(const Manifests& manifests, const Deployment& deployment) : manifests_(manifests), it_(deployment) {}

  Result<Staged> run() {
    if (auto there = expect_manual_file(); !there) return std::unexpected(there.error());
    staged_.title = it_.workload->title();
    staged_.file = it_.workload->file;
    staged_.line = static_cast<int>(it_.container->line);
    staged_.arguments = it_.arguments;
    staged_.manual = !it_.automatic();
    if (staged_.manual)
      staged_.manual_name = it_.flag("--multus-conf-file").value.substr(it_.flag("--multus-conf-file").value.rfind('/') + 1);
    given().primary = "flannel";
    given().read_only_root = it_.container->read_only_root;
    place("--cni-conf-dir", given().net_d, given().net_d_at);
    place("--cni-bin-dir", given().bin, given().bin_at);
    if (!it_.on("--skip-multus-binary-copy")) staged_.plugin = normal_path(it_.flag("--cni-bin-dir").value) + "/multus";
    place_credentials();
    place_environment();
    for (const Mount& mount : it_.container->mounts) place_volume(mount);
    run_init_containers();
    place_readiness_file();
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
    host = reached.host().empty() ? "" : normal_path(reached.host());
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

  void leave_out(const Mount& mount, std::string_view reason) {
    staged_.left_out.push_back(fmt::format("volume {} at {} ({})", mount.volume, mount.path, reason));
  }

  void place_volume(const Mount& mount) {
    const Volume* volume = it_.workload->volume(mount.volume);
    if (volume == nullptr) return leave_out(mount, "the Pod has none of that name");
    if (mount.path.starts_with(kServiceAccount) || mount.path == given().credentials_at) return;
    if (!is_place_for_a_volume(mount.path)) return leave_out(mount, "no place for a volume here");
    if (given().volumes.size() + given().projected.size() == kMostVolumes) return leave_out(mount, "one too many");
    const std::string& name_space = it_.workload->name_space;
    switch (volume->kind) {
      case Volume::Kind::kHostPath:
        return place_directory(mount, *volume);
      case Volume::Kind::kConfigMap:
      case Volume::Kind::kProjected:
        return place_files(mount, *volume, manifests_.config_map(name_space, volume->source));
      case Volume::Kind::kSecret:
        return place_files(mount, *volume, manifests_.secret(name_space, volume->source));
      case Volume::Kind::kEmptyDir:
        given().volumes[mount.path] = "/pods/multus" + normal_path(volume->name + "/" + mount.sub_path);
        if (mount.read_only) given().read_only.push_back(mount.path);
        return;
      case Volume::Kind::kOther:
        return leave_out(mount, "of a kind that is not played");
    }
  }

  void place_directory(const Mount& mount, const Volume& volume) {
    const bool holds_a_place =
        it_.reach(it_.flag("--cni-conf-dir").value).mount == &mount || it_.reach(it_.flag("--cni-bin-dir").value).mount == &mount;
    if (holds_a_place) return;
    if (!volume.type.empty() && !volume.type.starts_with("Directory")) return leave_out(mount, "a " + volume.type);
    const std::string source = normal_path(volume.source + "/" + mount.sub_path);
    if (source == "/") return leave_out(mount, "all of the host");
    given().volumes[mount.path] = source;
    if (mount.read_only) given().read_only.push_back(mount.path);
  }

  void place_files(const Mount& mount, const Volume& volume, const ConfigMap* map) {
    if (map == nullptr) return leave_out(mount, volume.source.empty() ? "no ConfigMap" : volume.source + " is not among the manifests");
    std::map<std::string, Object> files;
    for (const auto& [key, text] : map->data) {
      if (volume.items.empty()) files[key] = text_object(text.value);
      for (const auto& [from, to] : volume.items) {
        if (from == key) files[to] = text_object(text.value);
      }
    }
    if (mount.sub_path.empty()) {
      given().projected[mount.path] = std::move(files);
    } else if (const auto file = files.find(mount.sub_path); file != files.end()) {
      given().projected[std::string(directory_of(mount.path))][mount.path.substr(mount.path.rfind('/') + 1)] = std::move(file->second);
    }
  }

  // What the init containers before the entrypoint leave on the host: the plugin, if they copy it.
  void run_init_containers() {
    for (const Container& container : it_.workload->containers) {
      if (&container == it_.container) return;
      if (!container.init) continue;
      Deployment its;
      its.workload = it_.workload;
      its.container = &container;
      const std::string target = copied_to(container);
      const std::string host = target.empty() ? "" : its.reach(target).host();
      if (host.empty()) {
        staged_.left_out.push_back("init container " + container.name);
      } else {
        given().tree["node:" + normal_path(host)] = plugin_object();
      }
    }
  }

  // `cp PROGRAM PLACE` or `install_multus -d PLACE`, in whatever words: the file that there is afterwards. Empty: neither.
  static std::string copied_to(const Container& container) {
    std::vector<std::string> words;
    for (const auto* part : {&container.command, &container.args}) {
      for (const Text& text : *part) split_words(text.value, words);
    }
    const auto program = std::ranges::find_if(words, [](const std::string& word) {
      const auto name = word.substr(word.rfind('/') + 1);
      return name == "cp" || name == "install" || name == "install_multus";
    });
    if (program == words.end()) return {};
    std::string place;
    if (program->ends_with("install_multus")) {
      place = "/host/opt/cni/bin/";  // its default
      for (auto word = program; word != words.end(); ++word) {
        if ((*word == "-d" || *word == "--dest-dir") && word + 1 != words.end()) place = *(word + 1) + "/";
        if (word->starts_with("--dest-dir=")) place = word->substr(word->find('=') + 1) + "/";
      }
    } else {
      const auto end = std::find_if(program, words.end(), [](const std::string& word) { return word == "&&" || word == ";"; });
      if (end - program < 3) return {};
      place = *(end - 1);
    }
    return normal_path(place) + (place.ends_with('/') || place.ends_with("/bin") ? "/multus" : "");
  }

  static void split_words(std::string_view text, std::vector<std::string>& words) {
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    };
    for (const char c : text) {
      if (c == ' ' || c == '\n' || c == '\t') {
        end_word();
      } else if (c == ';') {
        end_word();
        words.emplace_back(";");
      } else if (c != '"' && c != '\'') {
        word += c;
      }
    }
    end_word();
  }

  // Primaries of the field write it when they are ready, and ours is.
  void place_readiness_file() {
    if (!it_.has("--readiness-indicator-file")) return;
    const std::string host = it_.reach(it_.flag("--readiness-indicator-file").value).host();
    if (!host.empty()) given().tree.try_emplace("node:" + normal_path(host), text_object(""));
  }

  // Without the file a story would be one of a missing file, whatever the build.
  Result<> expect_manual_file() const {
    if (it_.automatic()) return {};
    const Text flag = it_.flag("--multus-conf-file");
    const std::string path = normal_path(flag.value);
    const Reached reached = it_.reach(path);
    const auto absent = [&](std::string_view where) {
      return fail(ErrorCode::kInvalidInput,
                  fmt::format("the configuration {} {}; put it into a ConfigMap beside the workload to have it played", path, where),
                  fmt::format("{}:{}", it_.workload->file, flag.line));
    };
    if (reached.mount == nullptr) return absent("is a file of the image, which is not here");
    if (reached.volume == nullptr) return absent("is in a volume that the Pod does not have");
    const Volume::Kind kind = reached.volume->kind;
    const bool files = kind == Volume::Kind::kConfigMap || kind == Volume::Kind::kProjected || kind == Volume::Kind::kSecret;
    if (!files) return absent("is not in a ConfigMap");
    const bool there = kind == Volume::Kind::kSecret ? manifests_.secret(it_.workload->name_space, reached.volume->source) != nullptr
                                                     : manifests_.config_map(it_.workload->name_space, reached.volume->source) != nullptr;
    if (!there) return absent("is in " + reached.volume->source + ", which is not among these manifests");
    return {};
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
  for (const auto& [path, directory] : given.volumes) text += "\n" + path + "=" + directory;
  for (const std::string& path : given.read_only) text += "\n" + path;
  if (given.read_only_root) text += "\nread-only";
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
