// Each mutant, played in memory: that its one defect shows in the system calls or in the bytes on the node, and that all else is as it was.
#include "simulator/subjects/mutants/mutants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/cluster/service_account.h"
#include "simulator/node/node.h"
#include "simulator/node/view.h"
#include "simulator/subjects/in_process/reference_in_process.h"

namespace entryproof::subjects {
namespace {

using cluster::Change;
using node::Operation;
using node::Verb;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = VirtualClock::kDefaultEpochNs;
constexpr const char* kNetD = "/host/etc/cni/net.d";
constexpr const char* kKubeconfig = "/host/etc/cni/net.d/multus.d/multus.kubeconfig";
constexpr const char* kConfiguration = "/host/etc/cni/net.d/00-multus.conf";
constexpr const char* kManual = "/host/etc/cni/net.d/70-multus.conf";
constexpr const char* kBinary = "/host/opt/cni/bin/multus";
constexpr std::string_view kPlugin = "\177ELF, the plugin that the image brings";
constexpr const char* kFirst =
    R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}},{"type":"portmap","snat":true}]})";
constexpr const char* kSecond = R"({"cniVersion":"0.3.1","name":"other","type":"bridge","bridge":"cni1"})";

// A node with a Pod's directories, credentials and two CNI configurations; builds start and end on it, and the credentials rotate.
class Stage {
 public:
  explicit Stage(std::string mutant, bool automatic = true, std::string host = "10.96.0.1")
      : mutant_(std::move(mutant)),
        automatic_(automatic),
        host_(std::move(host)),
        account_(1, kNow),
        volume_(1),
        node_(node::Tree(), clock_) {
    std::vector<Change> changes;
    for (const char* directory : {"host", "host/etc", "host/etc/cni", "host/etc/cni/net.d", "host/opt", "host/opt/cni", "host/opt/cni/bin",
                                  "usr", "usr/src", "usr/src/multus-cni", "usr/src/multus-cni/bin", "manual", "var", "var/run",
                                  "var/run/secrets", "var/run/secrets/kubernetes.io", "var/run/secrets/kubernetes.io/serviceaccount"}) {
      changes.push_back(Change::mkdir(directory, 0755));
    }
    changes.push_back(Change::write("usr/src/multus-cni/bin/multus", std::string(kPlugin), 0755));
    changes.push_back(Change::write("host/etc/cni/net.d/10-flannel.conflist", kFirst, 0644));
    changes.push_back(Change::write("host/etc/cni/net.d/20-bridge.conf", kSecond, 0644));
    changes.push_back(Change::write("manual/70-multus.conf",
                                    R"({"cniVersion":"0.3.1","name":"m","type":"multus",)"
                                    R"("kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig","delegates":[{"type":"bridge"}]})",
                                    0644));
    EXPECT_TRUE(cluster::apply(node_, {}, node::kRoot, changes));
    project();
  }

  void rotate() {
    account_.rotate(true, true, kNow);
    project();
  }

  // One life: from the start until nothing changes any more, then TERM.
  void live() {
    ReferenceInProcess::Start start;
    start.arguments = {automatic_ ? "--multus-conf-file=auto" : "--multus-conf-file=/manual/70-multus.conf",
                       "--override-network-name=true"};
    start.environment = {{"KUBERNETES_SERVICE_HOST", host_}, {"KUBERNETES_SERVICE_PORT", "443"}};
    start.mutant = mutant_;
    start.caller.actor = node::Actor::kBuild;
    start.caller.umask = 022;
    start.caller.session = ++session_;
    auto life = ReferenceInProcess::start(node_, clock_, std::move(start));
    ASSERT_TRUE(life) << life.error().line();
    const Duration end = clock_.now().since_start + std::chrono::seconds(10);
    while ((*life)->running() && clock_.now().since_start < end) {
      last_turn_ = node_.journal().operations().size();
      (*life)->turn();
      clock_.advance_to((*life)->next_wake());
    }
    ended_ = !(*life)->running();
    output_ = (*life)->output();
    (*life)->signal(SIGTERM);
  }

  std::optional<std::string> read(const std::string& path) const {
    const auto inode = node::View().resolve(node_.tree(), {}, path);
    const auto bytes = inode ? node_.tree().read_all(*inode) : node::Outcome<std::string>(std::unexpected(inode.error()));
    return bytes ? std::optional(*bytes) : std::nullopt;
  }
  Json json(const std::string& path) const { return Json::parse(read(path).value_or("null")); }
  mode_t mode(const std::string& path) const {
    const auto inode = node::View().resolve(node_.tree(), {}, path);
    return inode ? node_.tree().attributes(*inode)->mode : 0;
  }
  std::vector<std::string> names(const std::string& directory) const {
    std::vector<std::string> all;
    const auto entries = node_.tree().list(*node::View().resolve(node_.tree(), {}, directory));
    for (const auto& entry : entries.value()) all.push_back(entry.name);
    return all;
  }
  std::vector<Operation> operations() const {
    std::vector<Operation> all;
    for (const Operation& operation : node_.journal().operations()) {
      if (operation.actor == node::Actor::kBuild && operation.index > 0) all.push_back(operation);
    }
    return all;
  }
  // The first successful operation of the last life that gave a path its content, by rename or by opening it for writing.
  std::optional<Operation> arrival(const std::string& path) const {
    for (const Operation& operation : operations()) {
      const bool arrives = (operation.verb == Verb::kRename && operation.path2 == path) ||
                           ((operation.verb == Verb::kCreate || operation.verb == Verb::kTruncate) && operation.path == path);
      if (arrives && operation.session == session_ && operation.succeeded()) return operation;
    }
    return std::nullopt;
  }
  bool happened(Verb verb, const std::string& path) const {
    return std::ranges::any_of(operations(), [&](const Operation& operation) { return operation.verb == verb && operation.path == path; });
  }
  // Whether the build changed anything in its last turn.
  bool restless() const {
    const auto& all = node_.journal().operations();
    return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(last_turn_), all.end(),
                       [](const Operation& operation) { return operation.index > 0; });
  }

  const cluster::Generation& credentials() const { return account_.current(); }
  const std::vector<cluster::Generation>& generations() const { return account_.generations(); }
  bool ended() const { return ended_; }
  bool exceeded() const { return node_.journal().exceeded(); }
  const std::string& output() const { return output_; }

 private:
  void project() {
    const auto base = node::View().resolve(node_.tree(), {}, "/var/run/secrets/kubernetes.io/serviceaccount");
    EXPECT_TRUE(cluster::apply(node_, {}, *base, volume_.update(cluster::ServiceAccount::files(account_.current()), kNow)));
  }

  std::string mutant_;
  bool automatic_;
  std::string host_;
  VirtualClock clock_;
  cluster::ServiceAccount account_;
  cluster::AtomicVolume volume_;
  node::Node node_;
  std::uint32_t session_ = 0;
  std::size_t last_turn_ = 0;
  bool ended_ = false;
  std::string output_;
};

// A start, a rotation, and another start.
class Restarted : public Stage {
 public:
  explicit Restarted(std::string mutant, bool automatic = true, std::string host = "10.96.0.1")
      : Stage(std::move(mutant), automatic, std::move(host)) {
    live();
    rotate();
    live();
  }
};

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const MutantInfo& mutant : mutants()) all.push_back(mutant.name);
  return all;
}

TEST(Mutants, AreListedOnceEachInOrderWithDefectAndOrigin) {
  EXPECT_GE(mutants().size(), 80U);
  EXPECT_TRUE(std::ranges::is_sorted(names()));
  const std::vector<std::string> all = names();
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "twice";
  for (const MutantInfo& mutant : mutants()) {
    EXPECT_THAT(mutant.name, testing::MatchesRegex("[a-z0-9-]+"));
    EXPECT_TRUE(mutant.defect.ends_with('.')) << mutant.name;
    EXPECT_THAT(mutant.origin, testing::ContainsRegex("[A-Z]+-M?[0-9]+")) << mutant.name;
  }
}

// What is the same but for a number, a mode or a signal's name is one defect, told twice.
TEST(Mutants, NoTwoDifferOnlyInAConstant) {
  const auto without_constants = [](const std::string& sentence) {
    std::string words;
    for (const char letter : sentence) {
      if (std::isdigit(static_cast<unsigned char>(letter)) == 0) words += letter;
    }
    return words;
  };
  std::map<std::string, std::string> seen;
  for (const MutantInfo& mutant : mutants()) {
    const auto [other, fresh] = seen.emplace(without_constants(mutant.defect), mutant.name);
    EXPECT_TRUE(fresh) << mutant.name << " and " << other->second << " have one defect";
  }
}

TEST(Mutants, TheReferenceHasNoneOfTheDefects) {
  const Restarted stage("");
  EXPECT_THAT(*stage.read(kKubeconfig), HasSubstr(stage.credentials().token));
  EXPECT_EQ(stage.mode(kKubeconfig), 0600U);
  EXPECT_EQ(stage.json(kConfiguration)["delegates"], Json::array({Json::parse(kFirst)}));
  EXPECT_EQ(stage.read(kBinary), kPlugin);
  EXPECT_THAT(stage.names(kNetD), testing::ElementsAre("00-multus.conf", "10-flannel.conflist", "20-bridge.conf", "multus.d"));
  EXPECT_FALSE(stage.restless()) << stage.output();
}

// --- one fact each ---

std::string server(const Stage& stage) {
  const std::string text = stage.read(kKubeconfig).value_or("");
  const auto begin = text.find("server: ");
  return begin == std::string::npos ? "" : text.substr(begin + 8, text.find('\n', begin) - begin - 8);
}

using Fact = std::function<void()>;

// What is wrong with each of those whose defect is in what they publish, looked at without the suite: the judge must not be its own
// witness.
const std::map<std::string, Fact>& facts() {
  static const auto in_place = [](const std::string& mutant, const std::string& path) {
    const Restarted stage(mutant);
    ASSERT_TRUE(stage.arrival(path));
    EXPECT_EQ(stage.arrival(path)->verb, Verb::kTruncate);
    EXPECT_TRUE(stage.happened(Verb::kWrite, path));
  };
  static const auto unlinked = [](const std::string& mutant, const std::string& path) {
    EXPECT_TRUE(Restarted(mutant).happened(Verb::kUnlink, path));
    EXPECT_FALSE(Restarted("").happened(Verb::kUnlink, path));
  };
  static const auto late = [](const std::string& mutant, const std::string& path) {
    for (const bool automatic : {true, false}) {
      const auto order = [&](const std::string& name) {
        Stage stage(name, automatic);
        stage.live();
        return std::pair(stage.arrival(path).value().seq, stage.arrival(automatic ? kConfiguration : kManual).value().seq);
      };
      EXPECT_GT(order(mutant).first, order(mutant).second);
      EXPECT_LT(order("").first, order("").second);
    }
  };
  static const std::map<std::string, Fact> all = {
      {"binary-in-place", [] { in_place("binary-in-place", kBinary); }},
      {"binary-truncated", [] { EXPECT_EQ(Restarted("binary-truncated").read(kBinary), kPlugin.substr(0, kPlugin.size() / 2)); }},
      {"binary-unlinked-first", [] { unlinked("binary-unlinked-first", kBinary); }},
      {"brackets-on-every-host",
       [] {
         EXPECT_EQ(server(Restarted("brackets-on-every-host")), "https://[10.96.0.1]:443");
         EXPECT_EQ(server(Restarted("brackets-on-every-host", true, "fd00::1")), "https://[fd00::1]:443");
       }},
      {"brackets-on-no-host",
       [] {
         EXPECT_EQ(server(Restarted("brackets-on-no-host", true, "fd00::1")), "https://fd00::1:443");
         EXPECT_EQ(server(Restarted("", true, "fd00::1")), "https://[fd00::1]:443");
       }},
      {"configuration-before-binary", [] { late("configuration-before-binary", kBinary); }},
      {"configuration-before-kubeconfig", [] { late("configuration-before-kubeconfig", kKubeconfig); }},
      {"configuration-in-place", [] { in_place("configuration-in-place", kConfiguration); }},
      {"configuration-sorts-last",
       [] {
         const Restarted stage("configuration-sorts-last");
         EXPECT_THAT(stage.names(kNetD), testing::ElementsAre("10-flannel.conflist", "20-bridge.conf", "99-00-multus.conf", "multus.d"));
       }},
      {"configuration-unlinked-first", [] { unlinked("configuration-unlinked-first", kConfiguration); }},
      {"endless",
       [] {
         Stage stage("endless");
         stage.live();
         EXPECT_TRUE(stage.ended());
         EXPECT_TRUE(stage.exceeded());
         EXPECT_EQ(stage.read(kConfiguration), std::nullopt);
       }},
      {"http-server", [] { EXPECT_EQ(server(Restarted("http-server")), "http://10.96.0.1:443"); }},
      {"kubeconfig-elsewhere",
       [] {
         EXPECT_EQ(Restarted("").json(kConfiguration)["kubeconfig"], "/etc/cni/net.d/multus.d/multus.kubeconfig");
         EXPECT_EQ(Restarted("kubeconfig-elsewhere").json(kConfiguration)["kubeconfig"], "/etc/kubernetes/multus.kubeconfig");
       }},
      {"kubeconfig-in-place", [] { in_place("kubeconfig-in-place", kKubeconfig); }},
      {"kubeconfig-mode-0644", [] { EXPECT_EQ(Restarted("kubeconfig-mode-0644").mode(kKubeconfig), 0644U); }},
      {"kubeconfig-unlinked-first", [] { unlinked("kubeconfig-unlinked-first", kKubeconfig); }},
      {"kubeconfig-written-once",
       [] {
         for (const bool automatic : {true, false}) {
           const Restarted stage("kubeconfig-written-once", automatic);
           EXPECT_THAT(*stage.read(kKubeconfig), HasSubstr(stage.generations().front().token));
         }
       }},
      {"litter",
       [] {
         const Restarted stage("litter");
         EXPECT_EQ(stage.names(kNetD).size(), Restarted("").names(kNetD).size() + 2);
       }},
      {"lossy-delegate",
       [] {
         const Json delegate = Restarted("lossy-delegate").json(kConfiguration)["delegates"][0];
         EXPECT_EQ(delegate["plugins"][0], Json::parse(kFirst)["plugins"][0]);
         EXPECT_EQ(delegate["plugins"][1], Json::parse(R"({"type":"portmap"})"));
       }},
      {"manual-configuration-omitted",
       [] {
         EXPECT_EQ(Restarted("manual-configuration-omitted", false).read(kManual), std::nullopt);
         EXPECT_NE(Restarted("manual-configuration-omitted", true).read(kConfiguration), std::nullopt);
       }},
      {"name-not-overridden",
       [] {
         EXPECT_EQ(Restarted("").json(kConfiguration)["name"], "cbr0");
         EXPECT_EQ(Restarted("name-not-overridden").json(kConfiguration)["name"], "multus-cni-network");
       }},
      {"no-binary", [] { EXPECT_EQ(Restarted("no-binary").read(kBinary), std::nullopt); }},
      {"no-ca", [] { EXPECT_THAT(*Restarted("no-ca").read(kKubeconfig), HasSubstr("certificate-authority-data: \"\"\n")); }},
      {"no-kubeconfig-in-manual",
       [] {
         EXPECT_EQ(Restarted("no-kubeconfig-in-manual", false).read(kKubeconfig), std::nullopt);
         EXPECT_NE(Restarted("no-kubeconfig-in-manual", false).read(kManual), std::nullopt);
         EXPECT_NE(Restarted("no-kubeconfig-in-manual", true).read(kKubeconfig), std::nullopt);
       }},
      {"old-ca",
       [] {
         const Restarted stage("old-ca");
         Stage before("");
         before.live();
         const auto authority = [](const std::string& text) { return text.substr(text.find("authority-data"), 200); };
         EXPECT_EQ(authority(*stage.read(kKubeconfig)), authority(*before.read(kKubeconfig)));
         EXPECT_THAT(*stage.read(kKubeconfig), HasSubstr(stage.credentials().token));
       }},
      {"old-token",
       [] {
         const Restarted stage("old-token");
         EXPECT_THAT(*stage.read(kKubeconfig), HasSubstr(stage.generations().front().token));
         EXPECT_THAT(*stage.read(kKubeconfig), Not(HasSubstr(stage.credentials().token)));
       }},
      {"output-differs",
       [] {
         Stage stage("output-differs");
         stage.live();
         const auto first = stage.read(kConfiguration);
         stage.live();
         EXPECT_NE(stage.read(kConfiguration), first);
       }},
      {"self-delegating",
       [] {
         Stage stage("self-delegating");
         stage.live();
         EXPECT_EQ(stage.json(kConfiguration)["delegates"], Json::array({Json::parse(kFirst)}));
         stage.live();
         EXPECT_EQ(stage.json(kConfiguration)["delegates"][0]["type"], "multus");
         stage.live();
         EXPECT_EQ(stage.json(kConfiguration)["delegates"][0]["delegates"][0]["type"], "multus");
       }},
      {"token-with-newline",
       [] {
         const Restarted stage("token-with-newline");
         EXPECT_THAT(*stage.read(kKubeconfig), HasSubstr(stage.credentials().token + "\\n\""));
       }},
      {"unknown-context", [] { EXPECT_THAT(*Restarted("unknown-context").read(kKubeconfig), HasSubstr("current-context: default\n")); }},
      {"wrong-delegate",
       [] { EXPECT_EQ(Restarted("wrong-delegate").json(kConfiguration)["delegates"], Json::array({Json::parse(kSecond)})); }},
  };
  return all;
}

class EachFact : public testing::TestWithParam<std::string> {};

TEST_P(EachFact, IsSo) { facts().at(GetParam())(); }

std::vector<std::string> names_of_facts() {
  std::vector<std::string> known;
  for (const auto& [name, fact] : facts()) known.push_back(name);
  return known;
}

TEST(Mutants, FactsAreAboutMutants) {
  const auto all = names();
  for (const auto& name : names_of_facts()) EXPECT_THAT(all, testing::Contains(name));
}

INSTANTIATE_TEST_SUITE_P(All, EachFact, testing::ValuesIn(names_of_facts()), [](const testing::TestParamInfo<std::string>& mutant) {
  std::string name = mutant.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

// --- the program ---

// What a command prints and how it ends.
std::pair<std::string, int> run(const std::string& command) {
  std::string output;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output.push_back(static_cast<char>(c));
  return {output, WEXITSTATUS(::pclose(pipe))};
}

TEST(MutantProgram, ListsNamesAndRefusesOthers) {
  const std::string program = std::string(ENTRYPROOF_BIN_DIR) + "/mutant";
  const auto [listed, listed_code] = run(program);
  EXPECT_EQ(listed_code, 0);
  for (const MutantInfo& mutant : mutants()) EXPECT_THAT(listed, HasSubstr(mutant.name + "\t" + mutant.defect + "\t" + mutant.origin));
  const auto [refused, refused_code] = run(program + " no-such-mutant");
  EXPECT_EQ(refused_code, 64);
  EXPECT_THAT(refused, HasSubstr("no-such-mutant"));
}

TEST(MutantProgram, HasTheDefectOnRealDirectories) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "entryproof-mutant-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const fs::path root = name;
  const auto put = [&](const char* path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  const cluster::ServiceAccount account(1, kNow);
  put("etc/cni/net.d/10-flannel.conflist", kFirst);
  put("sa/token", account.current().token);
  put("sa/ca.crt", account.current().ca_pem);
  put("multus", std::string(kPlugin));
  fs::create_directories(root / "bin");
  const auto install = [&](const std::string& program) {
    const auto [output, code] =
        run("KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=443 " + std::string(ENTRYPROOF_BIN_DIR) + "/" + program +
            " --once --cni-conf-dir=" + name + "/etc/cni/net.d --multus-autoconfig-dir=" + name + "/etc/cni/net.d --cni-bin-dir=" + name +
            "/bin --multus-bin-file=" + name + "/multus --token-file=" + name + "/sa/token --ca-file=" + name + "/sa/ca.crt");
    EXPECT_EQ(code, 0) << output;
    std::ifstream file(root / "etc/cni/net.d/multus.d/multus.kubeconfig");
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_THAT(install("mutant http-server"), HasSubstr("server: http://10.96.0.1:443"));
  EXPECT_THAT(install("thin_entrypoint"), HasSubstr("server: https://10.96.0.1:443"));
  fs::remove_all(root);
}

}  // namespace
}  // namespace entryproof::subjects
