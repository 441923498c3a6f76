#include "simulator/oracles/runtimes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/oracles/attach.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

using lab::kConf;
using lab::kFlannel;
using lab::kNetDir;
using lab::Lab;
using testing::ElementsAre;
using testing::HasSubstr;

class Runtimes : public testing::Test {
 protected:
  Runtimes() {
    for (const char* plugin : {"flannel", "portmap", "multus"}) lab_.replace(std::string("/opt/cni/bin/") + plugin, "ELF", 0755);
    lab_.make_directories(kNetDir + "/multus.d");
  }
  RuntimeSelection containerd() { return containerd_selection(lab_.tree(), kNetDir, readers_.cni); }
  RuntimeSelection crio() { return crio_selection(lab_.tree(), kNetDir, "/opt/cni/bin", readers_.cni); }

  Lab lab_;
  Readers readers_;
};

TEST_F(Runtimes, TakeTheFirstByBytesOfItsName) {
  lab_.replace(kNetDir + "/9-late.conf", R"({"name":"n","type":"flannel"})");
  EXPECT_EQ(containerd().file, "10-flannel.conflist");
  lab_.replace(kConf, lab::multus_conf(kFlannel));
  EXPECT_EQ(containerd().file, "00-multus.conf");
  EXPECT_EQ(crio().file, "00-multus.conf");
  lab_.replace(kNetDir + "/00-multus.conflist", lab::multus_conflist(kFlannel));
  EXPECT_EQ(containerd().file, "00-multus.conf") << "the old .conf shadows the .conflist";
  lab_.replace(kNetDir + "/.hidden.json", R"({"name":"n","type":"flannel"})");
  EXPECT_EQ(containerd().file, ".hidden.json");
}

TEST_F(Runtimes, IgnoreDirectoriesAndOtherNames) {
  lab_.make_directories(kNetDir + "/00-directory.conf");
  lab_.replace(kNetDir + "/00-multus.conf.new2", "{");
  EXPECT_EQ(containerd().file, "10-flannel.conflist");
}

TEST_F(Runtimes, ABrokenFirstFileHasOppositeEffects) {
  lab_.create(kConf);
  EXPECT_FALSE(containerd().ready());
  EXPECT_EQ(containerd().not_ready, "00-multus.conf: empty");
  const RuntimeSelection selected = crio();
  EXPECT_EQ(selected.file, "10-flannel.conflist") << "quietly, on the primary network";
  ASSERT_EQ(selected.skipped.size(), 1U);
  EXPECT_EQ(selected.skipped[0].file, "00-multus.conf");
}

TEST_F(Runtimes, CrioSkipsWhatHasNoBinary) {
  lab_.replace(kConf, lab::multus_conf(kFlannel));
  lab_.chmod("/opt/cni/bin/multus", 0644);
  EXPECT_EQ(crio().file, "10-flannel.conflist");
  EXPECT_EQ(containerd().file, "00-multus.conf");
  lab_.unlink("/opt/cni/bin/portmap");
  EXPECT_FALSE(crio().ready());
  EXPECT_EQ(crio().skipped.size(), 2U);
}

TEST_F(Runtimes, TooLargeIsAnError) {
  std::string large = lab::multus_conf(kFlannel);
  large.append((2U << 20) + 1 - large.size(), ' ');
  lab_.replace(kConf, large);
  EXPECT_EQ(containerd().not_ready, "00-multus.conf: it is larger than 2 MiB");
  lab_.replace(kConf, large.substr(0, 2U << 20));
  EXPECT_TRUE(containerd().ready());
}

TEST_F(Runtimes, NothingIsNotReady) {
  lab_.unlink(kNetDir + "/10-flannel.conflist");
  EXPECT_THAT(containerd().not_ready, HasSubstr("no configuration"));
  EXPECT_THAT(crio().not_ready, HasSubstr("no configuration"));
  EXPECT_FALSE(containerd_selection(lab_.tree(), "/nowhere", readers_.cni).ready());
}

TEST_F(Runtimes, APodIsAttachedThroughConfigurationBinaryAndKubeconfig) {
  const Layout layout;
  const auto obstacle = [&](Mode mode) { return attach(lab_.tree(), layout, mode, "", readers_).obstacle; };
  EXPECT_THAT(obstacle(Mode::kAutomatic), HasSubstr("not Multus'"));
  EXPECT_THAT(obstacle(Mode::kManual), HasSubstr("no Multus configuration"));
  lab_.replace(kConf, lab::multus_conf(kFlannel));
  EXPECT_THAT(obstacle(Mode::kAutomatic), HasSubstr("there is no /etc/cni/net.d/multus.d/multus.kubeconfig"));
  lab_.replace(lab::kKubeconfig, lab::kubeconfig("https://[10.96.0.1]:443"));
  EXPECT_EQ(obstacle(Mode::kAutomatic), "") << "the URL's form is FRESH-18's";
  lab_.replace(lab::kKubeconfig, lab::kubeconfig("https://:443"));
  EXPECT_THAT(obstacle(Mode::kAutomatic), HasSubstr("host is empty"));
  lab_.replace(lab::kKubeconfig, lab::kubeconfig());
  lab_.chmod(lab::kPlugin, 0600);
  EXPECT_THAT(obstacle(Mode::kAutomatic), HasSubstr("not executable"));
}

TEST_F(Runtimes, ManualModeIsJudgedByWhatWasPublished) {
  lab_.replace(lab::kKubeconfig, lab::kubeconfig());
  lab_.replace(lab::kManualConf, lab::multus_conf(kFlannel));
  const Layout layout;
  EXPECT_EQ(containerd().file, "10-flannel.conflist") << "70- sorts behind the primary: MANUAL-50's warning";
  EXPECT_TRUE(attach(lab_.tree(), layout, Mode::kManual, "70-multus.conf", readers_).possible());
  EXPECT_TRUE(attach(lab_.tree(), layout, Mode::kManual, "", readers_).possible());
  EXPECT_FALSE(attach(lab_.tree(), layout, Mode::kAutomatic, "", readers_).possible());
  EXPECT_EQ(published_configuration(lab_.tree(), layout, Mode::kManual, "../70-multus.conf", readers_).file, "70-multus.conf");
}

TEST_F(Runtimes, TheBinaryMustBeTheImages) {
  const Layout layout = lab::layout_with_source();
  EXPECT_EQ(read_binary(lab_.tree(), layout).state, PlacedBinary::State::kIncomplete);
  lab_.replace(lab::kPlugin, std::string(lab::kBinary.size(), 'x'), 0755);
  EXPECT_THAT(read_binary(lab_.tree(), layout).reason, HasSubstr("not the image's bytes"));
  lab_.replace(lab::kPlugin, lab::kBinary, 0755);
  EXPECT_EQ(read_binary(lab_.tree(), layout).state, PlacedBinary::State::kComplete);
}

}  // namespace
}  // namespace entryproof::oracles
