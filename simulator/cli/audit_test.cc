// `entryproof audit`, as somebody types it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/cli/program_for_test.h"

namespace entryproof::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kManual = R"(kind: DaemonSet
metadata: {name: multus}
spec:
  template:
    spec:
      containers:
      - name: multus
        image: example.org/multus-cni:v4.0.2
        args: ["--multus-conf-file=/conf/00-multus.conf", "--cni-conf-dir=/host/net", "--cni-bin-dir=/host/bin"]
        volumeMounts: [{name: h, mountPath: /host}, {name: c, mountPath: /conf}]
      volumes: [{name: h, hostPath: {path: /etc/cni}}, {name: c, configMap: {name: c}}]
)";

TEST(AuditCommand, SaysWhatAManifestWillBreak) {
  const ScratchDirectory scratch;
  const auto file = scratch.write("m.yaml", kManual);
  const auto audited = run_program({program("entryproof"), "audit", file});
  EXPECT_EQ(audited.exit_code, 1) << audited.err;
  EXPECT_THAT(audited.out, HasSubstr("EXIST-01 " + file + ":8\n"));
}

TEST(AuditCommand, AuditsNodesAtATime) {
  const ScratchDirectory scratch;
  run_program({"/bin/mkdir", "-p", scratch.path() + "/etc/cni/net.d"});
  const std::vector<std::string> command{program("entryproof"), "audit", scratch.path()};
  EXPECT_EQ(run_program(command).exit_code, 0);
  auto with_time = command;
  with_time.insert(with_time.end(), {"--now", "2026-12-01T14:07:00Z", "--report", "json"});
  EXPECT_THAT(run_program(with_time).out, HasSubstr("2026-12-01 14:07 UTC"));
}

TEST(AuditCommand, WithoutAnythingToAuditThereIsNoVerdict) {
  const ScratchDirectory scratch;
  const auto audit = [](const std::string& subject) { return run_program({program("entryproof"), "audit", subject}); };
  EXPECT_EQ(audit(scratch.path() + "/absent").exit_code, 2);
  EXPECT_EQ(audit(scratch.path()).exit_code, 2);
  EXPECT_EQ(audit(scratch.write("pod.yaml", "kind: Pod\nspec: {containers: [{image: nginx}]}\n")).exit_code, 2);
  EXPECT_EQ(audit(scratch.write("bad.yaml", "a: [\n")).exit_code, 2);
  EXPECT_EQ(run_program({program("entryproof"), "audit", "/", "--now", "tomorrow"}).exit_code, 2);
}

}  // namespace
}  // namespace entryproof::cli
