// The reference and its inputs: whatever bytes a primary, a manual file, a token, a CA or the environment hold, there is either a valid
// output or a clean error and no output, on a fresh node and over a good state that must not be worsened.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>
#include <csignal>
#include <ostream>
#include <string_view>

#include "simulator/oracles/host.h"
#include "simulator/runner/reference_stage_test_support.h"

namespace entryproof::runner {
namespace {

using namespace std::chrono_literals;

const std::string kPrimary =
    R"({"cniVersion":"0.3.1","name":"cbr0","plugins":[{"type":"flannel","n":1.0},{"type":"portmap","capabilities":{"portMappings":true}}]})";
const std::string kManual =
    R"({"cniVersion":"0.3.1","name":"multus","type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"})";

const cluster::Generation& issued() {
  static const cluster::ServiceAccount kAccount(1, VirtualClock::kDefaultEpochNs);
  return kAccount.current();
}

// What the world gives to the program. Bytes are shown as literals by RapidCheck.
struct Input {
  bool manual = false;
  std::string primary, configuration, token, ca, host, port, protocol;
};

std::ostream& operator<<(std::ostream& out, const Input& input) {
  out << (input.manual ? "manual" : "auto");
  for (const auto& [name, text] : {std::pair("primary", &input.primary), std::pair("manual file", &input.configuration),
                                   std::pair("token", &input.token), std::pair("CA", &input.ca), std::pair("host", &input.host),
                                   std::pair("port", &input.port), std::pair("protocol", &input.protocol)}) {
    out << "\n  " << name << ": " << oracles::printable(*text, 2000);
  }
  return out;
}

const std::vector<std::string>& pieces() {
  static const std::vector<std::string> kPieces{"\"",
                                                "\\",
                                                "\n",
                                                "\r\n",
                                                "{",
                                                "}",
                                                "[",
                                                "]",
                                                ":",
                                                ",",
                                                "\t",
                                                " ",
                                                "null",
                                                "1e999",
                                                "-",
                                                "\xff",
                                                std::string(1, '\0'),
                                                "\\u00",
                                                "\\ud8",
                                                "//",
                                                "---",
                                                "'",
                                                "#",
                                                "multus",
                                                "\"type\"",
                                                "plugins",
                                                "\xc3",
                                                "\x7f",
                                                "%00",
                                                "é",
                                                "{\"a\":",
                                                "[[[[[[[",
                                                "-----END ",
                                                "delegates",
                                                "=",
                                                "0",
                                                "999999",
                                                "1e-9",
                                                "..",
                                                "/",
                                                "type",
                                                "cniVersion"};
  return kPieces;
}

// Good bytes with a few edits, anything at all, nothing, or the good ones.
rc::Gen<std::string> bytes_like(const std::string& good, std::size_t good_weight = 2) {
  const auto edited = rc::gen::exec([good] {
    std::string text = good;
    for (int edits = *rc::gen::inRange(1, 4); edits > 0; --edits) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
      const auto length = *rc::gen::weightedElement<std::size_t>({{4, 0}, {3, 1}, {1, 7}, {1, text.size()}});
      text.replace(at, length, *rc::gen::elementOf(pieces()));
    }
    return text;
  });
  return rc::gen::weightedOneOf<std::string>({{good_weight, rc::gen::just(good)},
                                              {4, edited},
                                              {2, rc::gen::arbitrary<std::string>()},
                                              {1, rc::gen::just(std::string())},
                                              {1, rc::gen::container<std::string>(rc::gen::arbitrary<char>())}});
}

// Mostly one thing is wrong, sometimes none, sometimes many.
rc::Gen<Input> any_input() {
  constexpr std::size_t kMostly = 40;
  return rc::gen::build<Input>(
      rc::gen::set(&Input::manual), rc::gen::set(&Input::primary, bytes_like(kPrimary, kMostly)),
      rc::gen::set(&Input::configuration, bytes_like(kManual, kMostly)), rc::gen::set(&Input::token, bytes_like(issued().token, kMostly)),
      rc::gen::set(&Input::ca, bytes_like(issued().ca_pem, kMostly)),
      rc::gen::set(&Input::host, rc::gen::weightedOneOf<std::string>({{16, rc::gen::just(std::string("10.96.0.1"))},
                                                                      {2, bytes_like("fd00::1")},
                                                                      {1, bytes_like("[fd00::1]")},
                                                                      {1, bytes_like("api.example.org")}})),
      rc::gen::set(&Input::port, bytes_like("443", kMostly)),
      rc::gen::set(&Input::protocol,
                   rc::gen::element<std::string>("https", "https", "https", "https", "https", "https", "", "http", "HTTPS", "ftp")));
}

Pod pod_of(const Input& input) {
  Pod pod;
  pod.mode = input.manual ? oracles::Mode::kManual : oracles::Mode::kAutomatic;
  pod.arguments = {input.manual ? kManualFlag : "--multus-conf-file=auto"};
  pod.environment = {
      {"KUBERNETES_SERVICE_HOST", input.host}, {"KUBERNETES_SERVICE_PORT", input.port}, {"KUBERNETES_SERVICE_PROTOCOL", input.protocol}};
  return pod;
}

void give(ReferenceStage& stage, const Input& input) {
  stage.project({{"token", input.token}, {"ca.crt", input.ca}, {"namespace", "kube-system"}});
  stage.put(kNetDirectory + "/10-flannel.conflist", input.primary);
  stage.put(stage.node_path(kManualSource), input.configuration);
}

// One line each, printable, and none with a token.
std::string output_complaint(const std::string& output) {
  for (const char c : output) {
    const bool fit = c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    if (!fit) return "unprintable output: " + oracles::printable(output);
  }
  return "";
}

bool has_line(const std::string& text, const std::string& line) {
  return text.starts_with(line) || text.find("\n" + line) != std::string::npos;
}

// A certificate that is damaged inside of its frame may be taken for one: to verify it is the business of those who use it.
bool is_damaged_inside(const std::string& ca) {
  return ca != issued().ca_pem && oracles::count_certificates(ca) == 0 && has_line(ca, "-----BEGIN CERTIFICATE-----") &&
         has_line(ca, "-----END CERTIFICATE-----");
}

// What is published is valid, and made of these very inputs.
std::string published_complaint(ReferenceStage& stage, const Input& input) {
  const auto text = stage.read(kKubeconfigFile);
  if (text) {
    const auto facts = oracles::parse_kubeconfig(*text, input.protocol == "http");
    if (!facts.whole || !facts.form_right()) return "an invalid kubeconfig: " + facts.reason;
    if (!facts.valid) return is_damaged_inside(input.ca) ? "" : "an invalid kubeconfig: " + facts.reason;
    if (facts.token.empty() || input.token.find(facts.token) == std::string::npos) return "a token that nobody gave";
    if (facts.ca_pem != input.ca) return "a CA that nobody gave";
  }
  oracles::CniConfigReader reader;
  for (const char* name : {"00-multus.conf", "00-multus.conflist", "70-multus.conf"}) {
    const auto configuration = stage.read(kNetDirectory + "/" + name);
    if (!configuration) continue;
    if (!text) return std::string(name) + " without a kubeconfig";
    const auto config = reader.read(*configuration, std::string_view(name).ends_with("list"));
    if (!config->accepted()) return std::string(name) + " is refused: " + config->error;
    if (config->self_delegating) return std::string(name) + " delegates to itself";
    if (input.manual) {
      if (*configuration != input.configuration) return std::string(name) + " is not the user's";
    } else {
      if (config->delegates.size() != 1) return std::string(name) + " has no one delegate";
      const auto lost = oracles::json_difference(input.primary, config->delegates.front(), oracles::JsonEquality::kLossless);
      if (!lost.empty()) return std::string(name) + " is not lossless: " + lost;
    }
  }
  for (const std::string& name : stage.names(kNetDirectory)) {
    if (name.find(".tmp") != std::string::npos) return "litter: " + name;
  }
  return "";
}

std::size_t count_lines(const std::string& text, std::string_view with) {
  std::size_t found = 0;
  for (std::size_t at = text.find(with); at != std::string::npos; at = text.find(with, at + 1)) ++found;
  return found;
}

// On a fresh node: valid, or an error with a code, or patience.
RC_GTEST_PROP(ReferenceInput, GivesAValidOutputOrACleanError, ()) {
  const Input input = *any_input();
  ReferenceStage stage(pod_of(input));
  give(stage, input);
  stage.start();
  stage.pass(40s);
  const auto check = [&](const std::string& complaint) {
    if (!complaint.empty()) RC_FAIL(complaint + "\nit said:\n" + stage.output());
  };
  check(output_complaint(stage.output()));
  check(published_complaint(stage, input));
  const bool configured =
      !stage.read(kNetDirectory + "/00-multus.conf").value_or(stage.read(kNetDirectory + "/70-multus.conf").value_or("")).empty() ||
      stage.read(kNetDirectory + "/00-multus.conflist").has_value();
  RC_TAG(std::string(configured ? "published" : stage.running() ? "waits" : "exit " + std::to_string(stage.exit_code().value_or(-1))));
  if (stage.running()) {
    RC_ASSERT(stage.read(kKubeconfigFile).has_value());  // only a configuration is waited for without end
    return;
  }
  RC_ASSERT(stage.exit_code().has_value());
  RC_ASSERT(*stage.exit_code() != 0);
  RC_ASSERT(!configured);
  RC_ASSERT(count_lines(stage.output(), "error: ") >= 1U);
  RC_ASSERT(count_lines(stage.output(), "error: ") <= 3U);  // the trouble once a minute, and the last word
}

// Over a good state: what is published stays as it is, or becomes something else that is valid.
RC_GTEST_PROP(ReferenceInput, NeverWorsensWhatIsThere, ()) {
  Input good;
  good.manual = *rc::gen::arbitrary<bool>();
  good.primary = kPrimary;
  good.configuration = kManual;
  good.token = issued().token;
  good.ca = issued().ca_pem;
  good.host = "10.96.0.1";
  good.port = "443";
  good.protocol = "https";
  ReferenceStage stage(pod_of(good));
  give(stage, good);
  stage.start();
  stage.pass(3s);
  RC_ASSERT(published_complaint(stage, good).empty());
  const auto before = stage.published();

  Input bad = good;
  const int which = *rc::gen::inRange(0, 3);
  if (which == 0) bad.token = *bytes_like(good.token);
  if (which == 1) bad.ca = *bytes_like(good.ca);
  if (which == 2) (good.manual ? bad.configuration : bad.primary) = *bytes_like(good.manual ? kManual : kPrimary);
  give(stage, bad);
  stage.pass(15s);
  RC_ASSERT(stage.running());
  const auto own = [](std::map<std::string, std::string> published) {
    published.erase(kNetDirectory + "/10-flannel.conflist");
    return published;
  };
  const auto kept = first_difference(own(before), own(stage.published()));
  const auto complaint = published_complaint(stage, bad);
  if (!kept.empty() && !complaint.empty()) RC_FAIL(complaint + "\n" + kept + "\nit said:\n" + stage.output());
  RC_TAG(std::string(kept.empty() ? "kept" : "followed"));
  if (!stage.broken().empty() && which != 1) RC_FAIL(*stage.broken().begin() + "\nit said:\n" + stage.output());
  if (const auto what = output_complaint(stage.output()); !what.empty()) RC_FAIL(what);

  // And back again.
  give(stage, good);
  stage.pass(15s);
  if (const auto back = first_difference(before, stage.published()); !back.empty()) RC_FAIL(back);
}

}  // namespace
}  // namespace entryproof::runner
