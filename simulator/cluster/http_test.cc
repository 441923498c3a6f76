#include "simulator/cluster/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace entryproof::cluster {
namespace {

using ::testing::HasSubstr;
using Progress = HttpProgress;

constexpr std::string_view kPatch =
    "PATCH /api/v1/namespaces/kube-system/pods/a%2Fb/status?dryRun=All HTTP/1.1\r\nHost: x\r\nAUTHORIZATION:  Bearer t \r\n"
    "Content-Length: 5\r\n\r\n{\"a\"}GET / HTTP/1.1\r\n\r\n";

TEST(Http, ReadsARequestAndLeavesTheNext) {
  const auto read = read_request(kPatch);
  ASSERT_EQ(read.progress, Progress::kWhole);
  EXPECT_EQ(read.request.method, "PATCH");
  EXPECT_EQ(read.request.path, "/api/v1/namespaces/kube-system/pods/a/b/status");
  EXPECT_EQ(read.request.query, "dryRun=All");
  EXPECT_EQ(read.request.header("authorization"), "Bearer t");
  EXPECT_EQ(read.request.body, "{\"a\"}");
  EXPECT_TRUE(read.request.keep_alive);
  EXPECT_EQ(kPatch.substr(read.used), "GET / HTTP/1.1\r\n\r\n");
}

TEST(Http, ReadsChunks) {
  const auto read = read_request(
      "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;ext=1\r\nhello\r\nA\r\n, dear you\r\n0\r\n\r\nrest");
  ASSERT_EQ(read.progress, Progress::kWhole) << read.reason;
  EXPECT_EQ(read.request.body, "hello, dear you");
  EXPECT_FALSE(read.request.keep_alive);
}

TEST(Http, SaysWhatABodyStillNeedsAndWhoWaitsForAWord) {
  const std::string head = "POST /x HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
  auto read = read_request(head);
  EXPECT_EQ(read.progress, Progress::kMore);
  EXPECT_EQ(read.needs, head.size() + 10);
  EXPECT_TRUE(read.awaits_continue);
  read = read_request(head + "12345");
  EXPECT_EQ(read.needs, head.size() + 10);
  EXPECT_FALSE(read.awaits_continue);
}

TEST(Http, OldClientsCloseUnlessTheySayOtherwise) {
  EXPECT_FALSE(read_request("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
  EXPECT_TRUE(read_request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").request.keep_alive);
}

struct Bad {
  const char* name;
  std::string bytes;
  int status;
};

class HttpRefusal : public ::testing::TestWithParam<Bad> {};
TEST_P(HttpRefusal, HasAStatusAndAReason) {
  const auto read = read_request(GetParam().bytes, {.head_bytes = 1024, .headers = 10, .body_bytes = 100});
  EXPECT_EQ(read.progress, Progress::kRefused);
  EXPECT_EQ(read.status, GetParam().status);
  EXPECT_FALSE(read.reason.empty());
}
INSTANTIATE_TEST_SUITE_P(
    Http, HttpRefusal,
    ::testing::Values(Bad{"NoLine", "\r\n\r\n", 400}, Bad{"Words", "hello there\r\n\r\n", 400},
                      Bad{"Version", "GET / HTTP/2.0\r\n\r\n", 400}, Bad{"Method", "G(T / HTTP/1.1\r\n\r\n", 400},
                      Bad{"Target", "GET http://x/ HTTP/1.1\r\n\r\n", 400}, Bad{"Space", "GET /a b HTTP/1.1\r\n\r\n", 400},
                      Bad{"Escape", "GET /%zz HTTP/1.1\r\n\r\n", 400}, Bad{"HalfEscape", "GET /%4 HTTP/1.1\r\n\r\n", 400},
                      Bad{"NoColon", "GET / HTTP/1.1\r\nheader\r\n\r\n", 400}, Bad{"Folded", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
                      Bad{"SpaceBeforeColon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", 400},
                      Bad{"Control", std::string("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26), 400},
                      Bad{"LineFeed", "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400},
                      Bad{"Length", "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
                      Bad{"HugeLength", "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
                      Bad{"TwoLengths", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
                      Bad{"Smuggled", "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
                      Bad{"Encoding", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
                      Bad{"LongBody", "GET / HTTP/1.1\r\nContent-Length: 101\r\n\r\n", 413},
                      Bad{"LongChunk", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n", 413},
                      Bad{"LongChunks", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(801, '1'), 413},
                      Bad{"BadChunk", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
                      Bad{"LooseChunk", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400},
                      Bad{"LongHead", "GET / HTTP/1.1\r\nA: " + std::string(2000, 'a'), 431},
                      Bad{"Headers", "GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni:\r\nj:\r\nk:\r\n\r\n", 400}),
    [](const auto& each) { return each.param.name; });

TEST(Http, AnswersComeBackAsTheyWere) {
  const HttpAnswer answer{.status = 403, .body = "{}", .headers = {{"WWW-Authenticate", "Bearer"}}};
  const auto bytes = to_bytes(answer, false);
  EXPECT_THAT(bytes, HasSubstr("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(bytes, HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(bytes, HasSubstr("Connection: close\r\n"));
  const auto read = read_answer("HTTP/1.1 100 Continue\r\n\r\n" + bytes, false);
  ASSERT_EQ(read.progress, Progress::kWhole);
  EXPECT_EQ(read.status, 403);
  EXPECT_EQ(read.body, "{}");
  EXPECT_THAT(to_bytes(answer, true, false), ::testing::EndsWith("Bearer\r\n\r\n"));
}

TEST(Http, AnAnswerWithoutLengthEndsWithTheConnection) {
  constexpr std::string_view kBytes = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent";
  EXPECT_EQ(read_answer(kBytes, false).progress, Progress::kMore);
  const auto read = read_answer(kBytes, true);
  EXPECT_EQ(read.progress, Progress::kWhole);
  EXPECT_EQ(read.status, 400);
  EXPECT_EQ(read.body, "Client sent");
}

TEST(Http, RefusesAnswersThatAreNone) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ""}) {
    EXPECT_EQ(read_answer(bytes, true).progress, Progress::kRefused) << bytes;
  }
  EXPECT_EQ(read_answer("HTTP/1.1 200 OK\r\n\r\n" + std::string(2U << 20, 'x'), false).progress, Progress::kRefused);
}

TEST(Http, FindsQueryValues) {
  EXPECT_EQ(query_value("a=1&watch=true&b", "watch"), "true");
  EXPECT_EQ(query_value("a+b=c%20d+e", "a b"), "c d e");
  EXPECT_EQ(query_value("a=1", "b"), "");
}

// However the bytes are cut, the same requests come out; and nothing else crashes it.
RC_GTEST_PROP(HttpProperty, CutsDoNotMatter, ()) {
  const auto cut = *rc::gen::inRange<std::size_t>(0, kPatch.size());
  const auto part = read_request(kPatch.substr(0, cut));
  const auto whole = read_request(kPatch);
  RC_ASSERT(part.progress == (cut < whole.used ? Progress::kMore : Progress::kWhole));
  if (part.progress == Progress::kMore) {
    RC_ASSERT(part.needs > cut);
    RC_ASSERT(part.needs <= whole.used);
  }
}

RC_GTEST_PROP(HttpProperty, AnyBytesAreReadOrRefused, ()) {
  static const std::vector<std::string> kPieces = {"GET ",
                                                   "/",
                                                   " HTTP/1.1",
                                                   "\r\n",
                                                   "\r\n\r\n",
                                                   "Content-Length: ",
                                                   "Transfer-Encoding: chunked",
                                                   "0",
                                                   "5",
                                                   "ffffffffffffffff",
                                                   "hello",
                                                   ":",
                                                   std::string(1, '\0'),
                                                   "%",
                                                   "HTTP/1.1 200 OK"};
  const auto pieces = *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, kPieces.size()));
  std::string bytes;
  for (const auto piece : pieces) bytes += kPieces[piece];
  const auto request = read_request(bytes);
  RC_ASSERT(request.progress != Progress::kWhole || (request.used > 0 && request.used <= bytes.size()));
  RC_ASSERT(request.progress != Progress::kMore || request.needs > bytes.size());
  RC_ASSERT(read_answer(bytes, true).progress != Progress::kMore);
}

}  // namespace
}  // namespace entryproof::cluster
