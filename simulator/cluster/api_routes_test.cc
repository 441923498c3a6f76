#include "simulator/cluster/api_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simulator/cluster/api_test_support.h"

namespace entryproof::cluster {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kPod = "/api/v1/namespaces/kube-system/pods/kube-multus-ds-x7k2p";
constexpr const char* kNetworks = "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions";

class ApiRoutes : public ::testing::Test {
 protected:
  ApiAnswer ask(const std::string& method, const std::string& path, const std::string& body = {},
                const std::string& type = "application/json") {
    HttpRequest request{.method = method, .path = path, .query = {}, .headers = {{"authorization", authorization}}, .body = body};
    if (!accept.empty()) request.headers.push_back({"accept", accept});
    if (!body.empty()) request.headers.push_back({"content-type", type});
    if (const auto mark = path.find('?'); mark != std::string::npos) {
      request.query = path.substr(mark + 1);
      request.path = path.substr(0, mark);
    }
    return answer(request, *cluster.plane);
  }
  Json json(const std::string& method, const std::string& path, const std::string& body = {}) {
    return Json::parse(ask(method, path, body).http.body, nullptr, false);
  }
  int status(const std::string& method, const std::string& path) { return ask(method, path).http.status; }

  TestCluster cluster;
  std::string authorization = "Bearer " + cluster.token();
  std::string accept;
};

TEST_F(ApiRoutes, SaysItsVersionAndThatItIsWell) {
  EXPECT_EQ(json("GET", "/version")["major"], "1");
  for (const char* path : {"/healthz", "/livez", "/readyz"}) EXPECT_EQ(ask("GET", path).http.body, "ok");
  EXPECT_EQ(ask("GET", "/version").what, "get /version");
}

TEST_F(ApiRoutes, DiscoveryNamesEveryResource) {
  EXPECT_EQ(json("GET", "/api")["versions"], Json::array({"v1"}));
  std::vector<std::string> lists = {"/api/v1"};
  const auto groups = json("GET", "/apis");
  for (const auto& group : groups["groups"]) {
    const auto name = group["name"].get<std::string>();
    EXPECT_EQ(json("GET", "/apis/" + name)["kind"], "APIGroup");
    for (const auto& version : group["versions"]) lists.push_back("/apis/" + version["groupVersion"].get<std::string>());
  }
  EXPECT_EQ(lists.size(), 5U);
  std::set<std::string> names;
  for (const auto& list : lists) {
    const auto found = json("GET", list);
    EXPECT_EQ(found["kind"], "APIResourceList") << list;
    for (const auto& resource : found["resources"]) names.insert(resource["name"].get<std::string>());
  }
  EXPECT_THAT(names, ::testing::ElementsAre("network-attachment-definitions", "pods", "pods/status", "selfsubjectaccessreviews",
                                            "selfsubjectreviews", "tokenreviews"));
}

TEST_F(ApiRoutes, AggregatedDiscoveryFallsBackToTheOldOne) {
  accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
  EXPECT_EQ(json("GET", "/apis")["kind"], "APIGroupList");
}

TEST_F(ApiRoutes, GivesPods) {
  EXPECT_EQ(json("GET", kPod)["metadata"]["name"], "kube-multus-ds-x7k2p");
  const auto list = json("GET", "/api/v1/namespaces/kube-system/pods?limit=500");
  EXPECT_EQ(list["kind"], "PodList");
  EXPECT_EQ(list["items"].size(), 1U);
  EXPECT_EQ(json("GET", "/api/v1/pods")["items"].size(), 1U);
  EXPECT_EQ(json("GET", "/api/v1/namespaces/default/pods")["items"].size(), 0U);
  EXPECT_EQ(status("GET", "/api/v1/namespaces/kube-system/pods/other"), 404);
  EXPECT_EQ(ask("GET", kPod).what, "get pods");
}

TEST_F(ApiRoutes, PatchesAPodsStatus) {
  const auto patched =
      ask("PATCH", std::string(kPod) + "/status", R"({"metadata":{"annotations":{"a":"b"}}})", "application/merge-patch+json");
  EXPECT_EQ(patched.http.status, 200) << patched.http.body;
  EXPECT_EQ(patched.what, "patch pods/status");
  EXPECT_EQ(json("GET", kPod)["metadata"]["annotations"]["a"], "b");
  EXPECT_EQ(ask("PATCH", std::string(kPod) + "/status", "{}", "text/plain").http.status, 415);
  EXPECT_EQ(ask("PATCH", std::string(kPod) + "/status", "{", "application/merge-patch+json").http.status, 400);
  // The account may patch the status, and nothing else.
  EXPECT_EQ(ask("PATCH", kPod, "{}", "application/merge-patch+json").http.status, 403);
}

TEST_F(ApiRoutes, GivesNetworks) {
  ASSERT_TRUE(cluster.plane->put({"network-attachment-definitions", "kube-system", "vlan"}, R"({"spec":{"config":"{}"}})"));
  EXPECT_EQ(json("GET", std::string(kNetworks) + "/vlan")["spec"]["config"], "{}");
  const auto list = json("GET", kNetworks);
  EXPECT_EQ(list["kind"], "NetworkAttachmentDefinitionList");
  EXPECT_EQ(list["apiVersion"], "k8s.cni.cncf.io/v1");
  EXPECT_EQ(list["items"].size(), 1U);
}

TEST_F(ApiRoutes, TellsClientsWhoTheyAre) {
  const auto review = json("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_EQ(review["kind"], "SelfSubjectReview");
  EXPECT_EQ(review["status"]["userInfo"]["username"], "system:serviceaccount:kube-system:multus");
  EXPECT_EQ(review["status"]["userInfo"]["extra"]["authentication.kubernetes.io/pod-name"][0], "kube-multus-ds-x7k2p");
  const auto access = [&](const char* verb) {
    const Json body = {{"spec", {{"resourceAttributes", {{"verb", verb}, {"resource", "pods"}, {"namespace", "kube-system"}}}}}};
    return json("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body.dump())["status"]["allowed"];
  };
  EXPECT_EQ(access("get"), true);
  EXPECT_EQ(access("delete"), false);
}

TEST_F(ApiRoutes, ReviewsTokensForThoseWhoMay) {
  const auto review = [&](const std::string& token) {
    return json("POST", "/apis/authentication.k8s.io/v1/tokenreviews", Json{{"spec", {{"token", token}}}}.dump());
  };
  EXPECT_EQ(review(cluster.token())["code"], 403);
  auto rules = multus_rules();
  rules.push_back({{"create"}, {"tokenreviews"}});
  cluster.plane->set_rules("multus", rules);
  const auto good = review(cluster.token());
  EXPECT_EQ(good["status"]["authenticated"], true);
  EXPECT_EQ(good.dump().find(cluster.token()), std::string::npos) << "no answer repeats a token";
  EXPECT_EQ(review("nonsense")["status"]["authenticated"], false);
  EXPECT_EQ(json("POST", "/apis/authentication.k8s.io/v1/tokenreviews", "[]")["code"], 400);
}

TEST_F(ApiRoutes, AdmitsNobodyWithoutATokenThatCounts) {
  for (const std::string bad : {"", "Bearer", "Bearer nonsense", "Basic abc"}) {
    authorization = bad;
    for (const char* path : {"/version", kPod, "/nothing"}) {
      const auto refused = ask("GET", path);
      EXPECT_EQ(refused.http.status, 401) << bad << ' ' << path;
      EXPECT_TRUE(refused.fault);
      EXPECT_EQ(Json::parse(refused.http.body)["reason"], "Unauthorized");
    }
  }
  authorization = "Bearer " + cluster.token();
  cluster.wall_ns = kTestNow + 4000'000'000'000;
  const auto expired = ask("GET", "/version");
  EXPECT_EQ(expired.http.status, 401);
  EXPECT_EQ(expired.fault, TokenFault::kExpired);
  EXPECT_EQ(expired.generation, 1U);
}

TEST_F(ApiRoutes, RefusesWhatTheAccountMayNotDo) {
  cluster.plane->set_rules("multus", {});
  const auto refused = ask("GET", kPod);
  EXPECT_EQ(refused.http.status, 403);
  EXPECT_THAT(refused.http.body, HasSubstr("cannot get resource \\\"pods\\\""));
  EXPECT_EQ(status("GET", "/version"), 200);
  EXPECT_EQ(status("DELETE", kPod), 403);
}

TEST_F(ApiRoutes, NothingOfTheRequestIsEvidence) {
  for (const auto& path : {"/" + cluster.token(), "/api/v1/namespaces/" + cluster.token() + "/pods", "/apis/" + cluster.token()}) {
    EXPECT_EQ(ask("GET", path).what.find(cluster.token()), std::string::npos);
  }
  EXPECT_EQ(ask("GET", "/apis/nothing/v1").what, "");
}

TEST_F(ApiRoutes, RefusesOddRequests) {
  EXPECT_EQ(status("GET", "/api/v1/nodes"), 404);
  EXPECT_EQ(status("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews/x"), 405);
  EXPECT_EQ(status("GET", "/api/v1/pods?watch=true"), 405);
  EXPECT_EQ(status("BREW", kPod), 403);
  EXPECT_EQ(status("GET", "/api/v1/namespaces/a/pods/b/status/c/d"), 404);
  for (const char* path : {"/", "//", "/api//v1", "/apis/", "/api/v1/namespaces", "/api/v1/namespaces/x"}) {
    EXPECT_GE(status("GET", path), 200) << path;
  }
  accept = "application/vnd.kubernetes.protobuf";
  EXPECT_EQ(status("GET", kPod), 406);
  accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  EXPECT_EQ(status("GET", kPod), 200);
}

}  // namespace
}  // namespace entryproof::cluster
