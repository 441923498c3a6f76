#include "simulator/audit/life.h"

#include <gtest/gtest.h>

#include "simulator/cluster/tokens.h"
#include "simulator/oracles/test_lab.h"

namespace entryproof::audit {
namespace {

TEST(Life, ReadsTimesAsRfc3339WritesThem) {
  EXPECT_EQ(parse_time("2026-01-01T00:00:00Z").value(), 1'767'225'600);
  EXPECT_EQ(parse_time("2026-01-01T02:30:00.25+02:30").value(), 1'767'225'600);
  EXPECT_EQ(parse_time("2025-12-31t23:00:00-01:00").value(), 1'767'225'600);
  for (const char* bad : {"", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
                          "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1", "2026-01-01T00:00:00Zz", "-026-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Life, WritesTimesAndSpansForPeople) {
  EXPECT_EQ(time_text(1'767'225'600), "2026-01-01 00:00 UTC");
  EXPECT_EQ(span_text(59), "59 s");
  EXPECT_EQ(span_text(3599), "59 min");
  EXPECT_EQ(span_text(-3660), "1 h 1 min");
  EXPECT_EQ(span_text(3 * 86400), "3 days");
}

TEST(Life, ReadsWhatATokenSaysOfItself) {
  const std::int64_t wall = 1'767'225'600;
  const TokenLife life = token_life(cluster::issue_token({.seed = 7, .wall_ns = wall * 1'000'000'000}));
  ASSERT_TRUE(life.jwt);
  EXPECT_EQ(life.issued, wall);
  EXPECT_EQ(life.expires, wall + 3607);
  EXPECT_EQ(life.pod, "kube-multus-ds-x7k2p");
  EXPECT_EQ(life.issuer, cluster::kTokenIssuer);
  EXPECT_EQ(life.successor_due(), wall + 3607 / 5 * 4);
  EXPECT_EQ(life.digest.size(), 12U);
}

TEST(Life, OfAStretchedTokenTheSuccessorComesAtItsNominalTime) {
  const std::int64_t wall = 1'767'225'600;
  const TokenLife life = token_life(cluster::issue_token({.seed = 7, .wall_ns = wall * 1'000'000'000, .stretched = true}));
  EXPECT_EQ(life.expires, wall + cluster::kStretchedLifeSeconds);
  ASSERT_TRUE(life.successor_due());
  EXPECT_LT(*life.successor_due(), wall + 3607);
}

TEST(Life, OfALegacyTokenThereIsNoEnd) {
  const TokenLife life = token_life(cluster::issue_token({.seed = 7, .legacy = true}));
  ASSERT_TRUE(life.jwt);
  EXPECT_FALSE(life.expires);
  EXPECT_FALSE(life.successor_due());
}

TEST(Life, OfWhatIsNoTokenNothingIsConcluded) {
  for (const char* text : {"", "abc", "a.b", "a.b.c", "..", "e30.e30", "e30.W10.x", "e30.eyJleHAiOiJ4In0.x", "e30.eyJleHAiOjFlOTk5fQ.x"}) {
    const TokenLife life = token_life(text);
    EXPECT_FALSE(life.expires) << text;
    EXPECT_FALSE(life.issued) << text;
  }
  EXPECT_TRUE(token_life("").digest.empty());
}

TEST(Life, FindsTheCertificateThatLastsLongest) {
  EXPECT_FALSE(longest_certificate(""));
  EXPECT_FALSE(longest_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  const auto one = longest_certificate(oracles::lab::kCa);
  ASSERT_TRUE(one);
  EXPECT_LT(one->from, one->until);
  const auto both = longest_certificate(oracles::lab::kCa + oracles::lab::kOtherCa);
  ASSERT_TRUE(both);
  EXPECT_GE(both->until, one->until);
}

}  // namespace
}  // namespace entryproof::audit
