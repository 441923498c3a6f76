// The manifests are true of the program: every flag in them exists, every path is mounted where it is used, and the container that they
// describe, set up as kubelet would, publishes what it should.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/yaml.h"

namespace entryproof {
namespace {

namespace fs = std::filesystem;

const fs::path kDeploy = fs::path(ENTRYPROOF_SOURCE_DIR) / "docs/deploy";
const std::string kProgram = ENTRYPROOF_BIN_DIR "/thin_entrypoint";
using Words = std::vector<std::string>;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void spit(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

struct Ended {
  int status = -1;
  std::string output;
};

// Runs the program to its end, in `root` if that is given; its output comes back.
Ended run(const std::string& program, Words words, Words environment, const fs::path& root = {}) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  words.insert(words.begin(), program);
  const auto pointers = [](Words& texts) {
    std::vector<char*> found;
    for (std::string& text : texts) found.push_back(text.data());
    found.push_back(nullptr);
    return found;
  };
  const auto arguments = pointers(words);
  const auto variables = pointers(environment);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    if (!root.empty() && (chroot(root.c_str()) != 0 || chdir("/") != 0)) _exit(99);
    execve(program.c_str(), arguments.data(), variables.data());
    _exit(98);
  }
  close(ends[1]);
  Ended ended;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    ended.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)) ended.status = WEXITSTATUS(status);
  return ended;
}

// --- YAML, with little ceremony: a missing member is an empty node ---

const YamlNode& at(const YamlNode& node, std::string_view path) {
  static const YamlNode kNothing;
  const YamlNode* found = &node;
  while (found != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    found = found->find(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return found == nullptr ? kNothing : *found;
}

std::string text(const YamlNode& node, std::string_view path) { return at(node, path).text; }

Words words(const YamlNode& list) {
  Words found;
  for (const YamlNode& item : list.items) found.push_back(item.text);
  return found;
}

// The item of a list whose member `key` is `value`.
const YamlNode* pick(const YamlNode& list, std::string_view key, const std::string& value) {
  const auto found = std::ranges::find_if(list.items, [&](const YamlNode& item) { return text(item, key) == value; });
  return found == list.items.end() ? nullptr : &*found;
}

std::vector<YamlNode> documents(const std::string& file) {
  std::vector<YamlNode> found;
  std::string rest = slurp(kDeploy / file);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\n---\n"), rest.size());
    auto document = parse_yaml(rest.substr(0, end));
    EXPECT_TRUE(document) << file << ": " << document.error().line();
    if (document) found.push_back(std::move(*document));
    rest.erase(0, std::min(end + 5, rest.size()));
  }
  return found;
}

// --- a Pod of ours ---

struct Deployment {
  std::string file;
  YamlNode pod;  // its spec
  const YamlNode& container() const { return at(pod, "containers").items.at(0); }
  Words arguments() const { return words(at(container(), "args")); }
};

std::vector<Deployment> deployments() {
  return {{"daemonset.yaml", at(documents("daemonset.yaml").at(0), "spec.template.spec")},
          {"static-pod.yaml", at(documents("static-pod.yaml").at(0), "spec")}};
}

// What a flag is worth in a container: as given, or as --help says.
std::string value_of(const Deployment& deployment, const std::string& flag) {
  for (const std::string& argument : deployment.arguments()) {
    if (argument.starts_with("--" + flag + "=")) return argument.substr(flag.size() + 3);
  }
  static const std::string kHelp = run(kProgram, {"--help"}, {}).output;
  const std::size_t line = kHelp.find("--" + flag + "=");
  if (line == std::string::npos) return "";
  const std::string shown = kHelp.substr(line, kHelp.find('\n', line) - line);
  const std::size_t open = shown.rfind('[');
  return open == std::string::npos || !shown.ends_with(']') ? "" : shown.substr(open + 1, shown.size() - open - 2);
}

const YamlNode* mount_of(const Deployment& deployment, const std::string& path) {
  const YamlNode* best = nullptr;
  for (const YamlNode& mount : at(deployment.container(), "volumeMounts").items) {
    const std::string point = text(mount, "mountPath");
    const bool holds = path == point || path.starts_with(point + "/");
    if (holds && (best == nullptr || point.size() > text(*best, "mountPath").size())) best = &mount;
  }
  return best;
}

bool is_true(const YamlNode& node, std::string_view path) { return at(node, path).is(YamlNode::Kind::kBool) && text(node, path) == "true"; }

TEST(Manifests, EveryDocumentIsAnObjectOfKubernetes) {
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(kDeploy)) {
    if (entry.path().extension() != ".yaml") continue;
    for (const YamlNode& document : documents(entry.path().filename())) {
      ++seen;
      EXPECT_NE(text(document, "apiVersion"), "") << entry.path();
      EXPECT_NE(text(document, "kind"), "") << entry.path();
      EXPECT_NE(text(document, "metadata.name"), "") << entry.path();
    }
  }
  EXPECT_GE(seen, 6U);
}

TEST(Manifests, EveryFlagExists) {  // UPGRADE-47
  for (const Deployment& deployment : deployments()) {
    Words asked = deployment.arguments();
    asked.emplace_back("--help");  // every word before it is parsed first
    const Ended told = run(kProgram, asked, {});
    EXPECT_EQ(told.status, 0) << deployment.file << ": " << told.output;
    EXPECT_EQ(told.output.find("warning"), std::string::npos) << told.output;
    Words probe = words(at(deployment.container(), "livenessProbe.exec.command"));
    ASSERT_GE(probe.size(), 2U);
    EXPECT_EQ(probe[1], "status");
    EXPECT_EQ(probe[0], words(at(deployment.container(), "command")).at(0));
    probe.emplace_back("--help");
    EXPECT_EQ(run(kProgram, Words(probe.begin() + 1, probe.end()), {}).status, 0) << deployment.file;
    EXPECT_NE(std::ranges::find(probe, "--health-file=" + value_of(deployment, "health-file")), probe.end()) << deployment.file;
  }
  EXPECT_EQ(run(kProgram, {"--no-such-flag=1", "--help"}, {}).status, 64);
}

TEST(Manifests, TheImageHasTheProgramAndThePluginWhereTheyAreExpected) {
  const std::string dockerfile = slurp(kDeploy / "Dockerfile");
  for (const Deployment& deployment : deployments()) {
    const Words command = words(at(deployment.container(), "command"));
    ASSERT_EQ(command.size(), 1U);
    EXPECT_NE(dockerfile.find("ENTRYPOINT [\"" + command[0] + "\"]"), std::string::npos);
    EXPECT_NE(dockerfile.find("COPY thin_entrypoint " + command[0] + "\n"), std::string::npos);
    const std::string image = text(deployment.container(), "image");
    EXPECT_NE(dockerfile.find("-t " + image + " "), std::string::npos) << image << " is not what the Dockerfile makes";
    const bool skips = value_of(deployment, "skip-multus-binary-copy") == "true";
    EXPECT_EQ(skips, image.find("-multus:") == std::string::npos) << "an image without the plugin cannot install it";
    EXPECT_NE(dockerfile.find(" " + value_of(deployment, "multus-bin-file") + "\n"), std::string::npos);
  }
}

TEST(Manifests, EveryPathIsMountedAndMeansTheSameOnTheHost) {
  for (const Deployment& deployment : deployments()) {
    SCOPED_TRACE(deployment.file);
    const YamlNode& volumes = at(deployment.pod, "volumes");
    const auto& mounts = at(deployment.container(), "volumeMounts").items;
    EXPECT_EQ(volumes.items.size(), mounts.size());
    for (const YamlNode& mount : mounts) {
      const YamlNode* volume = pick(volumes, "name", text(mount, "name"));
      ASSERT_NE(volume, nullptr) << text(mount, "name");
      const std::string host = text(*volume, "hostPath.path");
      const std::string point = text(mount, "mountPath");
      if (point.starts_with("/host/")) {
        EXPECT_EQ("/host" + host, point);
        EXPECT_EQ(text(mount, "mountPropagation"), "HostToContainer");
      }
    }
    for (const char* flag : {"cni-conf-dir", "cni-bin-dir", "multus-autoconfig-dir", "token-file", "ca-file", "health-file"}) {
      EXPECT_NE(mount_of(deployment, value_of(deployment, flag)), nullptr) << flag << " = " << value_of(deployment, flag);
    }
    const auto writable = [&](const char* flag) { return !is_true(*mount_of(deployment, value_of(deployment, flag)), "readOnly"); };
    EXPECT_TRUE(writable("cni-conf-dir"));
    EXPECT_TRUE(writable("health-file"));
    EXPECT_FALSE(writable("token-file"));
    EXPECT_TRUE(writable("cni-bin-dir") || value_of(deployment, "skip-multus-binary-copy") == "true");
    const YamlNode* conf = pick(volumes, "name", text(*mount_of(deployment, value_of(deployment, "cni-conf-dir")), "name"));
    EXPECT_TRUE(value_of(deployment, "multus-kubeconfig-file-host").starts_with(text(*conf, "hostPath.path") + "/"));
  }
}

TEST(Manifests, ThePodIsFitForANode) {
  for (const Deployment& deployment : deployments()) {
    SCOPED_TRACE(deployment.file);
    EXPECT_TRUE(is_true(deployment.pod, "hostNetwork")) << "no network may be needed to bring the network up";
    EXPECT_EQ(text(deployment.pod, "priorityClassName"), "system-node-critical");
    EXPECT_EQ(text(at(deployment.pod, "tolerations").items.at(0), "operator"), "Exists");
    EXPECT_EQ(text(deployment.pod, "automountServiceAccountToken"), "false");
    const YamlNode& container = deployment.container();
    EXPECT_EQ(at(deployment.pod, "containers").items.size(), 1U);
    EXPECT_TRUE(is_true(container, "securityContext.readOnlyRootFilesystem"));
    EXPECT_EQ(text(container, "securityContext.privileged"), "false");
    EXPECT_EQ(text(container, "securityContext.allowPrivilegeEscalation"), "false");
    EXPECT_EQ(words(at(container, "securityContext.capabilities.drop")), Words{"ALL"});
    EXPECT_NE(text(container, "resources.requests.memory"), "");
    EXPECT_NE(text(container, "resources.limits.memory"), "");
  }
}

TEST(Manifests, RightsLeadToTheDaemonSetsAccount) {
  const auto rights = documents("rbac.yaml");
  const Deployment daemon = deployments().at(0);
  const std::string account = text(daemon.pod, "serviceAccountName");
  ASSERT_EQ(rights.size(), 3U);
  EXPECT_EQ(text(rights[0], "kind") + "/" + text(rights[0], "metadata.name"), "ServiceAccount/" + account);
  EXPECT_EQ(text(rights[1], "metadata.name"), text(rights[2], "roleRef.name"));
  const YamlNode* subject = pick(at(rights[2], "subjects"), "name", account);
  ASSERT_NE(subject, nullptr);
  EXPECT_EQ(text(*subject, "namespace"), text(documents("daemonset.yaml").at(0), "metadata.namespace"));
  const YamlNode* projected = pick(at(daemon.pod, "volumes"), "name", text(*mount_of(daemon, value_of(daemon, "token-file")), "name"));
  Words paths;
  for (const YamlNode& source : at(*projected, "projected.sources").items) {
    if (source.find("serviceAccountToken") != nullptr) paths.push_back(text(source, "serviceAccountToken.path"));
    for (const YamlNode& item : at(source, "configMap.items").items) paths.push_back(text(item, "path"));
  }
  EXPECT_EQ(paths, (Words{fs::path(value_of(daemon, "token-file")).filename(), fs::path(value_of(daemon, "ca-file")).filename()}));
}

// The container as kubelet would set it up, but for the mounts: a root that holds what the image and the volumes hold.
TEST(Manifests, TheContainerPublishesOnTheHost) {  // EXIST-01, STATIC-51
  if (!ENTRYPROOF_STATIC) GTEST_SKIP() << "a program with sanitizers needs libraries that are not in the image";
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the root directory";
  for (const Deployment& deployment : deployments()) {
    SCOPED_TRACE(deployment.file);
    std::string name = (fs::temp_directory_path() / "manifests_XXXXXX").string();
    const fs::path root = mkdtemp(name.data());
    const auto inside = [&](const std::string& path) { return root / path.substr(1); };
    for (const YamlNode& mount : at(deployment.container(), "volumeMounts").items) fs::create_directories(inside(text(mount, "mountPath")));
    const std::string command = words(at(deployment.container(), "command")).at(0);
    fs::copy_file(kProgram, inside(command));
    const bool skips = value_of(deployment, "skip-multus-binary-copy") == "true";
    const auto plugin = inside(skips ? value_of(deployment, "cni-bin-dir") + "/multus" : value_of(deployment, "multus-bin-file"));
    spit(plugin, "the plugin");
    fs::permissions(plugin, fs::perms{0755});
    spit(inside(value_of(deployment, "multus-autoconfig-dir")) / "10-flannel.conflist",
         R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel"}]})");
    spit(inside(value_of(deployment, "token-file")), "the-token");
    spit(inside(value_of(deployment, "ca-file")), "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n");

    Words asked = deployment.arguments();
    asked.emplace_back("--once");
    // Kubelet gives the service's variables to every Pod but a static one.
    const Words environment =
        deployment.file == "static-pod.yaml" ? Words{} : Words{"KUBERNETES_SERVICE_HOST=fd00::1", "KUBERNETES_SERVICE_PORT=443"};
    const Ended told = run(command, asked, environment, root);
    EXPECT_EQ(told.status, 0) << told.output;
    const auto net = inside(value_of(deployment, "cni-conf-dir"));
    const std::string kubeconfig = value_of(deployment, "multus-kubeconfig-file-host");
    EXPECT_NE(slurp(net / fs::path(kubeconfig).lexically_relative("/etc/cni/net.d")).find("the-token"), std::string::npos) << told.output;
    EXPECT_NE(slurp(net / "00-multus.conf").find('"' + kubeconfig + '"'), std::string::npos);
    EXPECT_EQ(slurp(inside(value_of(deployment, "cni-bin-dir")) / "multus"), "the plugin");
    fs::remove_all(root);
  }
}

}  // namespace
}  // namespace entryproof
