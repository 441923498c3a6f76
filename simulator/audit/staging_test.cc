// What of a manifest becomes part of the world that is played, and what is said to be left out.
#include "simulator/audit/staging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace entryproof::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// A DaemonSet with this beside the usual places: volumes, mounts, arguments, more of the container, more of the Pod.
struct Parts {
  std::string volumes = {};
  std::string mounts = {};
  std::string arguments = "\"--multus-conf-file=auto\"";
  std::string container = {};
  std::string pod = {};
  std::string documents = {};
};

std::string manifest(const Parts& parts) {
  return R"(kind: DaemonSet
metadata: {name: multus, namespace: kube-system}
spec:
  template:
    spec:
)" + parts.pod +
         R"(
      containers:
      - name: multus
        image: example.org/multus-cni:v4.2.4
        command: ["/thin_entrypoint"]
        args: [)" +
         parts.arguments + "]\n" + parts.container + R"(
        volumeMounts:
        - {name: net, mountPath: /host/etc/cni/net.d}
        - {name: bin, mountPath: /host/opt/cni/bin}
)" + parts.mounts +
         R"(
      volumes:
      - {name: net, hostPath: {path: /etc/cni/net.d}}
      - {name: bin, hostPath: {path: /opt/cni/bin}}
)" + parts.volumes +
         parts.documents;
}

Result<Staged> staged(const Parts& parts) {
  Manifests manifests;
  if (auto read = read_manifest(manifest(parts), "m.yaml", manifests); !read) return std::unexpected(read.error());
  return stage(manifests, "m.yaml");
}

TEST(Staging, TheUsualDaemonSetIsTheUsualNode) {
  const auto made = staged({});
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_EQ(made->given.net_d_at, "/host/etc/cni/net.d");
  EXPECT_EQ(made->plugin, "/host/opt/cni/bin/multus");
  EXPECT_THAT(made->given.volumes, IsEmpty());
  EXPECT_THAT(made->left_out, IsEmpty());
}

TEST(Staging, DirectoriesOfTheHostAndEmptyOnesAreMounts) {
  const auto made = staged({.volumes = "      - {name: run, hostPath: {path: /run/multus, type: DirectoryOrCreate}}\n"
                                       "      - {name: tmp, emptyDir: {}}\n",
                            .mounts = "        - {name: run, mountPath: /host/run/multus, readOnly: true}\n"
                                      "        - {name: tmp, mountPath: /tmp, subPath: a}\n",
                            .container = "        securityContext: {readOnlyRootFilesystem: true}\n"});
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_THAT(made->given.volumes, UnorderedElementsAre(Pair("/host/run/multus", "/run/multus"), Pair("/tmp", "/pods/multus/tmp/a")));
  EXPECT_THAT(made->given.read_only, ElementsAre("/host/run/multus"));
  EXPECT_TRUE(made->given.read_only_root);
}

TEST(Staging, SecretsAreFilesAsConfigMapsAre) {
  const auto made = staged({.volumes = "      - {name: conf, secret: {secretName: conf}}\n",
                            .mounts = "        - {name: conf, mountPath: /conf}\n",
                            .arguments = "\"--multus-conf-file=/conf/00-multus.conf\"",
                            .documents = "---\nkind: Secret\nmetadata: {name: conf, namespace: kube-system}\n"
                                         "data: {00-multus.conf: e30K, broken: '***'}\nstringData: {other: text}\n"});
  ASSERT_TRUE(made) << made.error().line();
  const auto& files = made->given.projected.at("/conf");
  EXPECT_EQ(files.at("00-multus.conf").content, "{}\n");
  EXPECT_EQ(files.at("other").content, "text");
  EXPECT_FALSE(files.contains("broken"));
}

TEST(Staging, WhatIsNotPlayedIsNamed) {
  const auto made =
      staged({.volumes = "      - {name: sock, hostPath: {path: /run/c.sock, type: Socket}}\n"
                         "      - {name: gone, configMap: {name: elsewhere}}\n"
                         "      - {name: csi, csi: {driver: x}}\n",
              .mounts = "        - {name: sock, mountPath: /run/c.sock}\n"
                        "        - {name: gone, mountPath: /gone}\n"
                        "        - {name: csi, mountPath: /csi}\n"
                        "        - {name: nobody, mountPath: /nobody}\n",
              .pod = "      initContainers:\n      - {name: wait, image: x, command: [sh, -c, 'until nc x; do sleep 1; done']}\n"});
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_THAT(made->left_out, UnorderedElementsAre(HasSubstr("a Socket"), HasSubstr("elsewhere is not among"), HasSubstr("not played"),
                                                   HasSubstr("none of that name"), "init container wait"));
}

TEST(Staging, NoPathLeadsOutOfTheNodeOrOverWhatTheContainerHas) {
  const auto made = staged({.volumes = "      - {name: up, hostPath: {path: /run/../../etc}}\n"
                                       "      - {name: all, hostPath: {path: /}}\n",
                            .mounts = "        - {name: up, mountPath: /host/up}\n"
                                      "        - {name: up, mountPath: /x/../y}\n"
                                      "        - {name: up, mountPath: /proc/sys}\n"
                                      "        - {name: all, mountPath: /all}\n"});
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_THAT(made->given.volumes, UnorderedElementsAre(Pair("/host/up", "/etc")));
  EXPECT_EQ(made->left_out.size(), 3U);
}

std::vector<std::string> copied(const std::string& command) {
  const auto made = staged({.pod = "      initContainers:\n      - name: copy\n        image: x\n        command: " + command +
                                   "\n        volumeMounts: [{name: bin, mountPath: /host/opt/cni/bin}]\n"});
  EXPECT_TRUE(made) << made.error().line();
  std::vector<std::string> places;
  for (const auto& [path, object] : made->given.tree) places.push_back(path);
  return places;
}

TEST(Staging, InitContainersThatCopyThePluginHaveDoneSo) {
  const std::string plugin = "node:/opt/cni/bin/multus";
  EXPECT_THAT(copied("[cp, /usr/src/multus-cni/bin/multus, /host/opt/cni/bin/multus]"), ElementsAre(plugin));
  EXPECT_THAT(copied("[cp, -f, /usr/src/multus-cni/bin/multus, /host/opt/cni/bin/]"), ElementsAre(plugin));
  EXPECT_THAT(copied("[sh, -c, 'cp /bin/multus /host/opt/cni/bin && echo done']"), ElementsAre(plugin));
  EXPECT_THAT(copied("[/usr/src/multus-cni/bin/install_multus, -d, /host/opt/cni/bin, -t, thin]"), ElementsAre(plugin));
  EXPECT_THAT(copied("[cp, /x, /elsewhere/multus]"), IsEmpty());
  EXPECT_THAT(copied("[sh, -c, cp]"), IsEmpty());
}

TEST(Staging, TheReadinessFileOfTheFlagsIsThere) {
  const auto made = staged({.volumes = "      - {name: run, hostPath: {path: /run/flannel}}\n",
                            .mounts = "        - {name: run, mountPath: /run/flannel}\n",
                            .arguments = "\"--readiness-indicator-file=/run/flannel/subnet.env\""});
  ASSERT_TRUE(made) << made.error().line();
  EXPECT_TRUE(made->given.tree.contains("node:/run/flannel/subnet.env"));
}

TEST(Staging, AManualFileThatIsNotAmongTheManifestsCannotBePlayed) {
  const std::string flag = "\"--multus-conf-file=/conf/00-multus.conf\"";
  const auto of_the_image = staged({.arguments = flag});
  ASSERT_FALSE(of_the_image);
  EXPECT_THAT(of_the_image.error().line(), HasSubstr("a file of the image"));
  const auto elsewhere = staged(
      {.volumes = "      - {name: c, configMap: {name: gone}}\n", .mounts = "        - {name: c, mountPath: /conf}\n", .arguments = flag});
  ASSERT_FALSE(elsewhere);
  EXPECT_THAT(elsewhere.error().line(), HasSubstr("gone, which is not among"));
  const auto on_the_host = staged(
      {.volumes = "      - {name: c, hostPath: {path: /etc/c}}\n", .mounts = "        - {name: c, mountPath: /conf}\n", .arguments = flag});
  ASSERT_FALSE(on_the_host);
  EXPECT_THAT(on_the_host.error().line(), HasSubstr("not in a ConfigMap"));
}

}  // namespace
}  // namespace entryproof::audit
