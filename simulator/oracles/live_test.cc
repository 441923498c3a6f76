// How the live oracle charges: sequences as builds of the field make them, and what each of them is charged with.
#include "simulator/oracles/live.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulator/oracles/redact.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::oracles {
namespace {

using lab::kBinary;
using lab::kConf;
using lab::kFlannel;
using lab::kKubeconfig;
using lab::kManualConf;
using lab::kNetDir;
using lab::kPlugin;
using lab::Lab;
using node::Actor;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kBracketedServer = "https://[10.96.0.1]:443";

// What a good 4.x build does at a start: binary, kubeconfig, configuration, each by rename.
void start_like_4(Lab& lab, const std::string& server = "https://10.96.0.1:443", const std::string& token = lab::kToken) {
  lab.as(Actor::kBuild);
  lab.replace(kPlugin, kBinary, 0755);
  lab.make_directories(kNetDir + "/multus.d");
  lab.replace(kKubeconfig, lab::kubeconfig(server, token));
  lab.replace(kConf, lab::multus_conf(kFlannel));
}

TEST(Live, RenamesAreClean) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  start_like_4(lab, "https://10.96.0.1:443", lab::kOtherToken);
  EXPECT_THAT(lab.charged(), IsEmpty());
  EXPECT_EQ(lab.oracle().published(), "00-multus.conf");
}

TEST(Live, BracketedIpv4IsTheUrlsFormAndNothingElse) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab, kBracketedServer);
  start_like_4(lab, kBracketedServer, lab::kOtherToken);
  ASSERT_THAT(lab.charged(), ElementsAre("FRESH-18/url-form"));
  EXPECT_EQ(lab.findings()[0].actual, "https://[10.96.0.1]:443: an IPv4 address in brackets");
  ASSERT_TRUE(lab.findings()[0].at);
  EXPECT_EQ(lab.findings()[0].at->path, kKubeconfig);
  EXPECT_GT(lab.findings()[0].at->op, 0U);
}

// 3.9.3, automatic, restarted: unlink, create and copy under the final names.
TEST(Live, UnlinkAndCopyIsMissingAndPartial) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild);
  lab.unlink_and_copy(kKubeconfig, lab::kubeconfig());
  lab.unlink_and_copy(kConf, lab::multus_conf_3_9_3(kFlannel));
  EXPECT_THAT(lab.charged(), UnorderedElementsAre("ATOM-23/kubeconfig-never-missing", "ATOM-23/kubeconfig-never-partial",
                                                  "ATOM-23/config-never-missing", "ATOM-23/config-never-partial"));
}

// 3.9.3, manual, on a fresh node: the configuration before the kubeconfig, both in place.
TEST(Live, ConfigurationFirstIsOrder) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kBuild);
  lab.replace(kPlugin, kBinary, 0755);
  lab.replace(kManualConf, lab::multus_conf(kFlannel));
  const std::uint64_t published = lab.sequence();
  EXPECT_THAT(lab.charged(), IsEmpty()) << "whether the kubeconfig comes at all is not known yet";
  lab.make_directories(kNetDir + "/multus.d");
  lab.replace(kKubeconfig, lab::kubeconfig());
  ASSERT_THAT(lab.charged(), ElementsAre("ORDER-37/kubeconfig-before-config"));
  EXPECT_EQ(lab.findings()[0].at->seq, published);
  EXPECT_EQ(lab.findings()[0].at->path, kManualConf);
}

TEST(Live, ConfigurationBeforeTheBinaryIsOrder) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kBuild).make_directories(kNetDir + "/multus.d");
  lab.replace(kKubeconfig, lab::kubeconfig());
  lab.replace(kConf, lab::multus_conf(kFlannel));
  lab.replace(kPlugin, kBinary, 0755);
  EXPECT_THAT(lab.charged(), ElementsAre("ORDER-37/binary-before-config"));
}

// Between a build's look at the node and its rename somebody may take the files away: the first configuration after that is not its fault.
TEST(Live, WhatOthersTookAwayWhileItPublishedIsNoMatterOfOrder) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  for (const std::string& path : {kConf, kKubeconfig, kPlugin}) lab.taken_by_others(path);
  lab.replace(kConf, lab::multus_conf(kFlannel));
  lab.replace(kKubeconfig, lab::kubeconfig());
  lab.replace(kPlugin, kBinary, 0755);
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, ASecondConfigurationWithoutWhatItLeadsToIsOrderAgain) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  for (const std::string& path : {kConf, kKubeconfig, kPlugin}) lab.taken_by_others(path);
  lab.replace(kConf, lab::multus_conf(kFlannel));
  lab.taken_by_others(kConf);
  lab.replace(kConf, lab::multus_conf(kFlannel));
  lab.replace(kKubeconfig, lab::kubeconfig());
  lab.replace(kPlugin, kBinary, 0755);
  EXPECT_THAT(lab.charged(), UnorderedElementsAre("ORDER-37/kubeconfig-before-config", "ORDER-37/binary-before-config"));
}

// 4.0.2, manual: the kubeconfig never comes. That is EXIST-01's, at a deadline, and nobody else's.
TEST(Live, AKubeconfigThatNeverComesIsNoMatterOfOrder) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kBuild).replace(kPlugin, kBinary, 0755);
  lab.replace(kManualConf, lab::multus_conf(kFlannel));
  lab.as(Actor::kWorld).make_directories(kNetDir + "/multus.d");
  lab.replace(kKubeconfig, lab::kubeconfig());  // an operator helps
  EXPECT_THAT(lab.charged(), IsEmpty());
}

// 4.0.2, automatic, restarted: it takes its own configuration for the primary.
TEST(Live, DelegatingToOneselfIsCharged) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).replace(kConf, lab::multus_conf(lab::multus_conf(kFlannel)));
  ASSERT_THAT(lab.charged(), ElementsAre("CONF-30/never-self-delegating"));
  EXPECT_THAT(lab.findings()[0].actual, testing::HasSubstr("2 levels"));
}

TEST(Live, TruncateInPlaceIsPartial) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  const std::uint64_t before = lab.sequence();
  lab.as(Actor::kBuild).overwrite(kKubeconfig, lab::kubeconfig());
  ASSERT_THAT(lab.charged(), ElementsAre("ATOM-23/kubeconfig-never-partial"));
  EXPECT_EQ(lab.findings()[0].at->seq, before + 1);
  lab.overwrite(kConf, lab::multus_conf(kFlannel));
  lab.overwrite(kPlugin, kBinary);
  lab.overwrite(kKubeconfig, lab::kubeconfig());
  EXPECT_THAT(lab.charged(),
              ElementsAre("ATOM-23/kubeconfig-never-partial", "ATOM-23/config-never-partial", "ATOM-23/binary-never-partial"));
}

TEST(Live, ABinaryUnlinkedBeforeItIsReplacedWasMissing) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild);
  lab.unlink(kPlugin);
  const std::uint64_t gone = lab.sequence();
  EXPECT_THAT(lab.charged(), IsEmpty()) << "it may be a clean-up";
  lab.replace(kPlugin, kBinary, 0755);
  ASSERT_THAT(lab.charged(), ElementsAre("ATOM-23/binary-never-missing"));
  EXPECT_EQ(lab.findings()[0].at->seq, gone);
}

TEST(Live, AFirstCopyInPlaceCountsOnceSomebodyIsLedToIt) {
  Lab quiet(lab::layout_with_source());
  quiet.as(Actor::kBuild).make_directories(kNetDir + "/multus.d");
  quiet.unlink_and_copy(kPlugin, kBinary, 0755);
  quiet.unlink_and_copy(kKubeconfig, lab::kubeconfig());
  quiet.replace(kConf, lab::multus_conf(kFlannel));
  EXPECT_THAT(quiet.charged(), IsEmpty());

  Lab loud(lab::layout_with_source());
  loud.as(Actor::kBuild).make_directories(kNetDir + "/multus.d");
  loud.replace(kConf, lab::multus_conf(kFlannel));
  loud.unlink_and_copy(kPlugin, kBinary, 0755);
  loud.unlink_and_copy(kKubeconfig, lab::kubeconfig());
  EXPECT_THAT(loud.charged(), UnorderedElementsAre("ATOM-23/binary-never-partial", "ATOM-23/kubeconfig-never-partial",
                                                   "ORDER-37/binary-before-config", "ORDER-37/kubeconfig-before-config"));
}

TEST(Live, AConfigurationCopiedIntoPlaceIsPartialOnAFreshNode) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kBuild).make_directories(kNetDir + "/multus.d");
  lab.replace(kPlugin, kBinary, 0755);
  lab.replace(kKubeconfig, lab::kubeconfig());
  const std::uint64_t before = lab.sequence();
  lab.unlink_and_copy(kConf, lab::multus_conf(kFlannel));
  ASSERT_THAT(lab.charged(), ElementsAre("ATOM-23/config-never-partial"));
  EXPECT_EQ(lab.findings()[0].at->seq, before + 1) << "the create, not the write that completed it";
}

TEST(Live, ModeIsJudgedWhenTheFileBecomesVisible) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kBuild).make_directories(kNetDir + "/multus.d");
  lab.replace(kKubeconfig, lab::kubeconfig(), 0644);
  lab.chmod(kKubeconfig, 0600);
  EXPECT_THAT(lab.charged(), ElementsAre("SECURE-53/kubeconfig-mode"));
}

TEST(Live, AConfigurationIsClosedFromItsFirstByteOn) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.replace(kConf, lab::multus_conf(kFlannel), 0640);
  lab.chmod(kConf, 0600);
  EXPECT_THAT(lab.charged(), ElementsAre("SECURE-53/configuration-never-open"));

  Lab opened(lab::layout_with_source());
  start_like_4(opened);
  opened.chmod(kConf, 0644);
  EXPECT_THAT(opened.charged(), ElementsAre("SECURE-53/configuration-never-open"));
}

TEST(Live, AConfigurationMayBeStricterAsOpenAsTheSiteWantsOrSomebodyElses) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.replace(kConf, lab::multus_conf(kFlannel), 0400);
  lab.oracle().expect_kubeconfig_mode(0640);
  lab.replace(kConf, lab::multus_conf(kFlannel), 0640);
  lab.replace(kNetDir + "/10-flannel.conf", kFlannel, 0644);
  lab.as(Actor::kWorld).replace(kConf, lab::multus_conf(kFlannel), 0666);
  lab.as(Actor::kBuild).chmod(kConf, 0644);
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, AStaleTempsModeIsNotChargedHere) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kWorld).make_directories(kNetDir + "/multus.d");
  lab.create(kKubeconfig + ".new", 0644);  // ATOM-27's
  lab.as(Actor::kBuild).write(kKubeconfig + ".new", lab::kubeconfig());
  lab.rename(kKubeconfig + ".new", kKubeconfig);
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, OthersAreNeverCharged) {
  for (const Actor actor : {Actor::kWorld, Actor::kStage}) {
    Lab lab(lab::layout_with_source());
    start_like_4(lab);
    lab.as(actor);
    lab.unlink_and_copy(kKubeconfig, lab::kubeconfig(kBracketedServer), 0644);
    lab.overwrite(kConf, lab::multus_conf(lab::multus_conf(kFlannel)));
    lab.overwrite(kPlugin, "torn");
    lab.unlink(kConf);
    EXPECT_THAT(lab.charged(), IsEmpty());
  }
}

TEST(Live, InheritedBadnessIsNoFinding) {
  Lab lab(lab::layout_with_source());
  lab.as(Actor::kStage).make_directories(kNetDir + "/multus.d");
  lab.replace(kConf, lab::multus_conf(lab::multus_conf(kFlannel)));
  lab.create(kKubeconfig, 0644);
  lab.replace(kPlugin, "an older plugin", 0755);
  start_like_4(lab);
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, WhatTheWorldRemovedIsRepairedWithoutAFinding) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kWorld).unlink(kKubeconfig);
  lab.as(Actor::kBuild).replace(kKubeconfig, lab::kubeconfig());
  EXPECT_THAT(lab.charged(), IsEmpty());
}

// The sibling was there all the time, until the world broke it where it stood.
TEST(Live, WhatTheWorldBreaksInPlaceIsRepairedWithoutAFinding) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  const std::string list = kNetDir + "/00-multus.conflist";
  lab.as(Actor::kBuild).replace(list, lab::multus_conflist(kFlannel));
  lab.unlink(kConf);
  lab.as(Actor::kWorld).truncate(list);
  lab.as(Actor::kBuild).replace(list, lab::multus_conflist(kFlannel));
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, CleaningUpOnPurposeIsNotMissing) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.unlink(kConf);  // at TERM; the next start is another session
  start_like_4(lab);
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, TakingAwayTheSiblingAfterTheNewOneIsClean) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).replace(kNetDir + "/00-multus.conflist", lab::multus_conflist(kFlannel));
  lab.unlink(kConf);
  EXPECT_THAT(lab.charged(), IsEmpty());
  EXPECT_EQ(lab.oracle().published(), "00-multus.conflist");
}

TEST(Live, TakingAwayTheSiblingFirstLeavesAGap) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).unlink(kConf);
  lab.replace(kNetDir + "/00-multus.conflist", lab::multus_conflist(kFlannel));
  EXPECT_THAT(lab.charged(), ElementsAre("ATOM-23/config-never-missing"));
}

// An empty service host or token comes in whole, by rename: FRESH-19's and FRESH-21's, at their deadlines.
TEST(Live, WrongValuesBroughtInWholeAreNotPartial) {
  for (const std::string& wrong : {lab::kubeconfig("https://:443"), lab::kubeconfig("https://10.96.0.1:443", ""),
                                   lab::kubeconfig("https://10.96.0.1:443", "a\"b"), std::string()}) {
    Lab lab(lab::layout_with_source());
    start_like_4(lab);
    lab.as(Actor::kBuild).replace(kKubeconfig, wrong);
    lab.replace(kConf, lab::multus_conf(kFlannel) + "}");  // ATOM-27's tail
    lab.replace(kKubeconfig, lab::kubeconfig());
    lab.replace(kConf, lab::multus_conf(kFlannel));
    EXPECT_THAT(lab.charged(), IsEmpty());
  }
}

TEST(Live, AnEmptyFileRenamedInAndFilledLaterIsPartial) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).create(kKubeconfig + ".new");
  lab.rename(kKubeconfig + ".new", kKubeconfig);
  lab.write(kKubeconfig, lab::kubeconfig());
  EXPECT_THAT(lab.charged(), ElementsAre("ATOM-23/kubeconfig-never-partial"));
}

TEST(Live, TempsOfAnyNameInNetDAreNotJudged) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).create(kNetDir + "/99-temp.conf");  // ATOM-26's
  lab.write(kNetDir + "/99-temp.conf", lab::multus_conf(kFlannel).substr(0, 40));
  lab.rename(kNetDir + "/99-temp.conf", kNetDir + "/.gone");
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, EachCheckIsReportedOnce) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild);
  for (int i = 0; i < 3; ++i) lab.overwrite(kKubeconfig, lab::kubeconfig());
  EXPECT_EQ(lab.charged().size(), 1U);
}

TEST(Live, AResetInheritsWhatIsThere) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab);
  lab.as(Actor::kBuild).unlink(kKubeconfig);
  lab.oracle().reset(lab.tree());
  lab.replace(kKubeconfig, lab::kubeconfig());
  EXPECT_THAT(lab.charged(), IsEmpty());
}

TEST(Live, NoFindingHoldsTokenBytes) {
  Lab lab(lab::layout_with_source());
  start_like_4(lab, kBracketedServer);
  lab.as(Actor::kBuild);
  lab.overwrite(kKubeconfig, lab::kubeconfig());
  lab.unlink_and_copy(kKubeconfig, lab::kubeconfig());
  const Redactor redactor({lab::kToken, lab::kOtherToken});
  for (const Finding& finding : lab.findings()) EXPECT_FALSE(redactor.leaks(finding.expected + finding.actual)) << finding.actual;
  EXPECT_EQ(lab.findings().size(), 3U);
}

TEST(Live, ListsEveryCheckItReports) {
  EXPECT_EQ(LiveOracle::checks().size(), 12U);
  for (const std::string_view check : LiveOracle::checks()) EXPECT_TRUE(is_check_id(check)) << check;
}

}  // namespace
}  // namespace entryproof::oracles
