// Somebody else's clients against our API server, from inside a sandbox: kubectl, curl and openssl must experience what our client does and
// what the in-memory prediction says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "simulator/base/digest.h"
#include "simulator/cluster/api_server.h"
#include "simulator/cluster/client.h"
#include "simulator/cluster/service_account.h"
#include "simulator/subjects/sandbox_test_support.h"
#include "simulator/subjects/service_network.h"

namespace entryproof::subjects {
namespace {

using namespace std::chrono_literals;
using cluster::ClientConfig;
using cluster::ControlPlane;
using cluster::Experience;
using cluster::Question;
using cluster::ServiceAccount;
using ::testing::HasSubstr;
using Kind = Experience::Kind;
using Mode = cluster::Availability::Mode;

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new HarnessEnvironment);

constexpr std::int64_t kSecond = 1'000'000'000;

static_assert(cluster::kServiceAddress == kServiceAddress && cluster::kServiceAddress6 == kServiceAddress6);

// The program on this machine's path, links resolved; "" if there is none. ENTRYPROOF_KUBECTL names another kubectl to agree with.
std::string program(const std::string& name) {
  if (const char* other = std::getenv("ENTRYPROOF_KUBECTL"); other != nullptr && name == "kubectl") return other;
  for (const char* folder : {"/usr/local/bin/", "/usr/bin/", "/bin/"}) {
    std::error_code error;
    const auto path = std::filesystem::canonical(folder + name, error);
    if (!error) return path;
  }
  return {};
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '\n' ? std::string("\\n") : std::string(1, c);
  return result + "\"";
}

// As the entrypoints publish it.
std::string kubeconfig_of(const ClientConfig& config) {
  const auto host = config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]";
  std::string text = "apiVersion: v1\nkind: Config\nclusters:\n- name: local\n  cluster:\n    server: " + config.scheme + "://" + host +
                     ":" + std::to_string(config.port) + "\n";
  if (config.insecure) text += "    insecure-skip-tls-verify: true\n";
  if (!config.ca_pem.empty()) text += "    certificate-authority-data: " + base64_encode(config.ca_pem) + "\n";
  if (!config.tls_server_name.empty()) text += "    tls-server-name: " + config.tls_server_name + "\n";
  text += "users:\n- name: multus\n  user:\n    token: " + quoted(config.token) + "\n";
  return text +
         "contexts:\n- name: multus-context\n  context:\n    cluster: local\n    user: multus\n    namespace: kube-system\n"
         "current-context: multus-context\n";
}

// What a client of Go's kind said, as one of our kinds.
Kind kind_of(const ExitStatus& status, const std::string& said) {
  const auto says = [&](std::initializer_list<const char*> words) {
    return std::ranges::any_of(words, [&](const char* word) { return said.find(word) != std::string::npos; });
  };
  if (status == ExitStatus{}) return Kind::kAuthenticated;
  // Without a token kubectl asks a person for a name, before the server could say 401.
  if (says({"Unauthorized", "You must be logged in", "Please enter Username"})) return Kind::kUnauthorized;
  if (says({"Forbidden", "forbidden"})) return Kind::kForbidden;
  if (says({"x509:", "certificate signed by"})) return Kind::kUntrusted;
  if (says({"connection refused", "did you specify the right host or port", "network is unreachable", "no such host", "no suitable address",
            "connection reset", "timeout", "Timeout", "deadline exceeded", "EOF", "server misbehaving"}))
    return Kind::kUnreachable;
  return Kind::kMalformed;
}

// A cluster in real time, served in a network of its own.
struct Served {
  explicit Served(Harness& harness, cluster::ApiServer& server) {
    auto made = ServiceNetwork::make(harness.launcher());
    if (!made) {
      ADD_FAILURE() << made.error().line();
      return;
    }
    network = std::move(*made);
    attachment = server.attach(*plane, network->take_listeners());
  }
  static std::int64_t now() { return RealClock().wall_ns(); }
  cluster::Client client() {
    return {[this](const std::string& host, std::uint16_t port, Duration timeout) { return network->connect(host, port, timeout); }, now};
  }

  std::shared_ptr<ControlPlane> plane = std::make_shared<ControlPlane>(7, now);
  ServiceAccount account{plane, now()};
  ClientConfig config{
      .host = std::string(cluster::kServiceAddress), .ca_pem = account.current().ca_pem, .token = account.current().token, .timeout = 3s};
  Question question{"get", "/version", ""};
  std::unique_ptr<ServiceNetwork> network;
  std::unique_ptr<cluster::ApiServer::Attachment> attachment;
};

class ClientsTest : public SandboxFixture {
 protected:
  // Runs a program of this machine in the network, with `files` in /files.
  static Ran run_inside(Served& served, const std::string& path, const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& files) {
    const auto directory = *harness().make_directory("files");
    for (const auto& [name, bytes] : files) std::ofstream(directory + "/" + name) << bytes;
    SandboxSpec spec;
    spec.executable = {path, "/program"};
    spec.argv = {"/program"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.environment = {"PATH=/usr/bin:/bin", "HOME=/nowhere"};
    spec.binds = {{directory, "", "/files", true}};
    spec.network = served.network->name_space();
    return run(spec);
  }
  static Ran kubectl(Served& served, const std::vector<std::string>& arguments) {
    auto all = arguments;
    all.insert(all.begin(),
               {"--kubeconfig=/files/kubeconfig",
                "--request-timeout=" + std::to_string(std::chrono::floor<std::chrono::seconds>(served.config.timeout).count()) + "s"});
    return run_inside(served, program("kubectl"), all, {{"kubeconfig", kubeconfig_of(served.config)}});
  }
  cluster::ApiServer server;
};

struct Row {
  const char* name;
  Kind expected;
  void (*change)(Served&);
  std::optional<Kind> of_old_kubectl = {};  // what 1.20 says, where it differs: the same file is refused, but later
};

std::string token_like(Served& s, cluster::TokenRequest request) {
  request.seed = s.plane->seed();
  request.generation = 50;
  if (request.wall_ns == 0) request.wall_ns = Served::now();
  return cluster::issue_token(request);
}

void replan(Served& s, void (*change)(cluster::ServingPlan&)) {
  auto plan = s.plane->serving_plan();
  change(plan);
  s.plane->serve(plan);
}

void set_mode(Served& s, cluster::Availability availability) {
  s.plane->set_availability(availability);
  s.attachment->refresh();
}

const std::vector<Row>& rows() {
  using cluster::Authority;
  using cluster::ServingPlan;
  using cluster::Validity;
  static const std::vector<Row> kRows = {
      {"Good", Kind::kAuthenticated, [](Served&) {}},
      {"Pods", Kind::kAuthenticated, [](Served& s) { s.question = {"list", "pods", "kube-system"}; }},
      {"WrongCa", Kind::kUntrusted, [](Served& s) { s.config.ca_pem = Authority::pooled(9).certificate_pem(); }},
      {"RightCaSecond", Kind::kAuthenticated, [](Served& s) { s.config.ca_pem.insert(0, Authority::pooled(9).certificate_pem()); }},
      {"NoCa", Kind::kUntrusted, [](Served& s) { s.config.ca_pem = ""; }},
      {"GarbageCa", Kind::kMalformed, [](Served& s) { s.config.ca_pem = "no certificate"; }, Kind::kUntrusted},
      {"Intermediate", Kind::kAuthenticated, [](Served& s) { replan(s, [](ServingPlan& plan) { plan.through_intermediate = true; }); }},
      {"CaReplaced", Kind::kUntrusted, [](Served& s) { s.account.rotate(false, true, Served::now()); }},
      {"ExpiredToken", Kind::kUnauthorized, [](Served& s) { s.config.token = token_like(s, {.wall_ns = Served::now() - 4000 * kSecond}); }},
      {"TokenOfTheFuture", Kind::kUnauthorized,
       [](Served& s) { s.config.token = token_like(s, {.wall_ns = Served::now() + 600 * kSecond}); }},
      {"ForeignToken", Kind::kUnauthorized, [](Served& s) { s.config.token = token_like(s, {.key = {.number = 70}}); }},
      {"OtherAudience", Kind::kUnauthorized, [](Served& s) { s.config.token = token_like(s, {.audience = "vault"}); }},
      {"MalformedToken", Kind::kUnauthorized, [](Served& s) { s.config.token = "nonsense"; }},
      {"MissingToken", Kind::kUnauthorized, [](Served& s) { s.config.token = ""; }},
      {"LegacyToken", Kind::kAuthenticated, [](Served& s) { s.config.token = token_like(s, {.legacy = true}); }},
      {"TokenWithNewline", Kind::kMalformed, [](Served& s) { s.config.token += "\n"; }},
      {"PodDeleted", Kind::kUnauthorized, [](Served& s) { s.plane->delete_pod("kube-system", s.account.pod().name); }},
      {"PodReplaced", Kind::kUnauthorized, [](Served& s) { s.account.replace_pod(Served::now()); }},
      {"SigningKeyDropped", Kind::kUnauthorized, [](Served& s) { s.account.rotate_signing_key(false, Served::now()); }},
      {"SigningKeyKept", Kind::kAuthenticated, [](Served& s) { s.account.rotate_signing_key(true, Served::now()); }},
      {"NoRights", Kind::kForbidden,
       [](Served& s) {
         s.plane->set_rules("multus", {});
         s.question = {"list", "pods", "kube-system"};
       }},
      {"WrongHost", Kind::kUnreachable, [](Served& s) { s.config.host = "10.96.0.99"; }},
      {"UnknownName", Kind::kUnreachable, [](Served& s) { s.config.host = "kubernetes.default.svc"; }},
      {"WrongPort", Kind::kUnreachable, [](Served& s) { s.config.port = 6443; }},
      {"PlainHttp", Kind::kMalformed, [](Served& s) { s.config.scheme = "http"; }},
      {"ExpiredCertificate", Kind::kUntrusted,
       [](Served& s) { replan(s, [](ServingPlan& plan) { plan.request.validity = Validity::expired(); }); }},
      {"CertificateOfTheFuture", Kind::kUntrusted,
       [](Served& s) { replan(s, [](ServingPlan& plan) { plan.request.validity = Validity::not_yet_valid(); }); }},
      {"CertificateForNames", Kind::kUntrusted, [](Served& s) { replan(s, [](ServingPlan& plan) { plan.request.addresses.clear(); }); }},
      {"CommonNameOnly", Kind::kUntrusted,
       [](Served& s) {
         replan(s, [](ServingPlan& plan) {
           plan.request.addresses.clear();
           plan.request.names.clear();
           plan.request.common_name = "10.96.0.1";
         });
       }},
      {"ServerName", Kind::kAuthenticated,
       [](Served& s) {
         replan(s, [](ServingPlan& plan) { plan.request.addresses.clear(); });
         s.config.tls_server_name = "kubernetes.default.svc";
       }},
      {"WrongServerName", Kind::kUntrusted, [](Served& s) { s.config.tls_server_name = "example.org"; }},
      {"Insecure", Kind::kAuthenticated,
       [](Served& s) {
         s.config.ca_pem = "";
         s.config.insecure = true;
       }},
      {"InsecureWithCa", Kind::kMalformed, [](Served& s) { s.config.insecure = true; }},
      {"RsaCertificate", Kind::kAuthenticated,
       [](Served& s) { replan(s, [](ServingPlan& plan) { plan.request.key = cluster::KeyType::kRsa2048; }); }},
      {"Ipv6", Kind::kAuthenticated, [](Served& s) { s.config.host = cluster::kServiceAddress6; }},
      {"Down", Kind::kUnreachable, [](Served& s) { set_mode(s, {Mode::kDown}); }},
      {"Resetting", Kind::kUnreachable, [](Served& s) { set_mode(s, {Mode::kResetting}); }},
      {"SlowButInTime", Kind::kAuthenticated, [](Served& s) { set_mode(s, {Mode::kSlow, 30ms}); }},
      {"TooSlow", Kind::kUnreachable,
       [](Served& s) {
         set_mode(s, {Mode::kSlow, 60s});
         s.config.timeout = 1s;
       }},
  };
  return kRows;
}

class AgreementTest : public ClientsTest, public ::testing::WithParamInterface<Row> {};

TEST_P(AgreementTest, OursAndThePredictionAndKubectl) {
  if (IsSkipped()) return;
  Served served(harness(), server);
  ASSERT_TRUE(served.network);
  GetParam().change(served);
  if (served.config.host == cluster::kServiceAddress6 && !served.network->has_ipv6()) GTEST_SKIP() << "no IPv6 here";

  const auto predicted = cluster::attempt(served.config, *served.plane, served.question);
  EXPECT_EQ(to_string(predicted.kind), to_string(GetParam().expected)) << predicted.cause;
  auto client = served.client();
  const auto contact = client.ask(served.config, served.question);
  EXPECT_EQ(to_string(contact.kind), to_string(GetParam().expected)) << contact.cause;
  if (program("kubectl").empty()) GTEST_SKIP() << "no kubectl on this machine; the Debian package is kubernetes-client";
  const auto ran = served.question.resource == "pods" ? kubectl(served, {"get", "pods"}) : kubectl(served, {"get", "--raw", "/version"});
  const auto said = kind_of(ran.status, ran.out + ran.err);
  EXPECT_TRUE(said == GetParam().expected || said == GetParam().of_old_kubectl) << to_string(said) << ", " << ran.status.describe() << '\n'
                                                                                << ran.out << ran.err;
}
INSTANTIATE_TEST_SUITE_P(Clients, AgreementTest, ::testing::ValuesIn(rows()), [](const auto& each) { return each.param.name; });

TEST_F(ClientsTest, KubectlWorksWithThePublishedFile) {
  if (program("kubectl").empty()) GTEST_SKIP() << "no kubectl on this machine; the Debian package is kubernetes-client";
  Served served(harness(), server);
  const auto pods = kubectl(served, {"get", "pods"});
  EXPECT_THAT(pods.out, HasSubstr("kube-multus-ds-x7k2p")) << pods.err;
  const auto version = kubectl(served, {"version"});
  EXPECT_THAT(version.out, HasSubstr("v1.30.0")) << version.err;
  const auto who = kubectl(served, {"auth", "whoami"});
  if (who.err.find("unknown command") != std::string::npos) GTEST_SKIP() << "this kubectl is too old for whoami";
  EXPECT_THAT(who.out, HasSubstr("system:serviceaccount:kube-system:multus")) << who.err;
  // The evidence knows whose token it was.
  for (const auto& exchange : served.attachment->evidence().exchanges) {
    if (exchange.status != 200) continue;
    EXPECT_EQ(exchange.generation, 1U) << exchange.what;
  }
}

TEST_F(ClientsTest, KubectlPatchesAPodsStatus) {
  if (program("kubectl").empty()) GTEST_SKIP() << "no kubectl on this machine; the Debian package is kubernetes-client";
  Served served(harness(), server);
  const auto patched = kubectl(served, {"patch", "pod", served.account.pod().name, "--subresource=status", "--type=merge", "-p",
                                        R"({"status":{"phase":"Failed"}})"});
  if (patched.err.find("unknown flag") != std::string::npos) GTEST_SKIP() << "this kubectl is too old to patch a status";
  EXPECT_THAT(patched.out, HasSubstr("patched")) << patched.err;
  EXPECT_THAT(served.plane->get({"pods", "kube-system", served.account.pod().name}).value_or(""), HasSubstr("Failed"));
}

TEST_F(ClientsTest, CurlAgrees) {
  if (program("curl").empty()) GTEST_SKIP() << "no curl on this machine";
  Served served(harness(), server);
  const auto curl = [&](const std::string& ca, const std::string& token, const std::string& url) {
    const auto ran =
        run_inside(served, program("curl"),
                   {"-sS", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", "/files/ca", "-H", "@/files/headers", url},
                   {{"ca", ca}, {"headers", "Authorization: Bearer " + token + "\n"}});
    return ran.out + " " + ran.status.describe();
  };
  const auto& good = served.config;
  EXPECT_EQ(curl(good.ca_pem, good.token, "https://10.96.0.1/version"), "200 exit 0");
  EXPECT_EQ(curl(good.ca_pem, "nonsense", "https://10.96.0.1/version"), "401 exit 0");
  EXPECT_EQ(curl(good.ca_pem, good.token, "https://10.96.0.1/api/v1/namespaces/kube-system/pods/none"), "404 exit 0");
  EXPECT_EQ(curl(cluster::Authority::pooled(9).certificate_pem(), good.token, "https://10.96.0.1/version"), "000 exit 60");
  EXPECT_EQ(curl(good.ca_pem, good.token, "https://10.96.0.1:444/version"), "000 exit 7");
  if (served.network->has_ipv6()) {
    EXPECT_EQ(curl(good.ca_pem, good.token, "https://[fd00:10:96::1]/version"), "200 exit 0");
  }
}

TEST_F(ClientsTest, OpensslAgrees) {
  if (program("openssl").empty()) GTEST_SKIP() << "no openssl on this machine";
  Served served(harness(), server);
  const auto s_client = [&](const std::string& ca, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"s_client", "-connect", "10.96.0.1:443", "-CAfile", "/files/ca", "-verify_return_error",
                                          "-brief"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_inside(served, program("openssl"), arguments, {{"ca", ca}});
  };
  const auto& ca = served.config.ca_pem;
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const auto good = s_client(ca, {"-verify_ip", "10.96.0.1", version});
    EXPECT_EQ(good.status, ExitStatus{}) << good.err;
    EXPECT_THAT(good.err, HasSubstr("Verification: OK"));
  }
  EXPECT_NE(s_client(ca, {"-verify_ip", "10.96.0.2"}).status, ExitStatus{});
  EXPECT_NE(s_client(cluster::Authority::pooled(9).certificate_pem(), {}).status, ExitStatus{});
  EXPECT_NE(s_client(ca, {"-tls1_1"}).status, ExitStatus{});
}

// Another world's clients meet another world's server, though both have one address.
TEST_F(ClientsTest, WorldsOfOneAddressAreApart) {
  if (program("curl").empty()) GTEST_SKIP() << "no curl on this machine";
  Served one(harness(), server);
  Served other(harness(), server);
  run_inside(one, program("curl"), {"-sSk", "-m", "10", "https://10.96.0.1/version"}, {});
  EXPECT_EQ(one.attachment->evidence().total, 1U);
  EXPECT_EQ(other.attachment->evidence().total, 0U);
}

}  // namespace
}  // namespace entryproof::subjects
