#include "simulator/runner/credentials.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "simulator/runner/given.h"

namespace entryproof::runner {

namespace {

using cluster::Change;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kForeign = 1'000'000;  // authorities from here on are in no bundle of the account, however often its CA changes

cluster::TokenOptions options_of(const Given& given) {
  cluster::TokenOptions options;
  if (!given.cluster) return options;
  options.life_seconds = std::chrono::duration_cast<std::chrono::seconds>(given.cluster->token_life).count();
  options.stretched = given.cluster->tokens == "stretched";
  options.legacy = given.cluster->tokens == "legacy";
  return options;
}

// The same certificates, as other tools write them: every client reads all of these alike.
std::string written_as(const std::string& form, const std::string& pem) {
  if (form != "crlf" && form != "annotated") return pem;
  std::string written = form == "annotated" ? "# the cluster's authorities\n" : "";
  for (std::size_t begin = 0; begin < pem.size();) {
    const auto end = std::min(pem.find('\n', begin), pem.size());
    const auto line = pem.substr(begin, end - begin);
    const bool first = line.starts_with("-----BEGIN ");
    if (form == "annotated" && first) written += "subject=CN = kubernetes\n";
    written += line + (form == "crlf" ? "\r\n" : "\n");
    begin = end + 1;
  }
  return form == "annotated" ? written + "# the end\n" : written;
}

}  // namespace

Credentials::Credentials(const Given& given, const Site& site, std::uint64_t seed, std::function<std::int64_t()> wall_ns)
    : wall_ns_(std::move(wall_ns)),
      kind_(given.credentials),
      suffix_(given.token_suffix),
      ca_form_(given.ca_form),
      directory_((given.credentials_at.empty() ? site.service_account : site.to_node(given.credentials_at)).substr(1)),
      seed_(seed),
      refreshes_(given.cluster && given.cluster->refresh),
      kubelet_(seed),
      control_(std::make_shared<cluster::ControlPlane>(seed, wall_ns_)),
      account_(control_, now(), options_of(given)),
      volume_(seed) {
  if (!given.cluster) return;
  if (given.cluster->rsa || given.cluster->intermediate) {
    auto plan = control_->serving_plan();
    plan.through_intermediate = given.cluster->intermediate;
    if (given.cluster->rsa) plan.request.key = cluster::KeyType::kRsa2048;
    control_->serve(std::move(plan));
  }
  if (given.cluster->bundle) account_.rotate_ca(cluster::CaStep::kAdd, now());
  if (given.cluster->certificate != "right") serve(given.cluster->certificate);
}

std::vector<Change> Credentials::project() {
  if (kind_ == "none" || (kind_ == "subpath" && projected_)) return {};
  projected_ = true;
  auto payload = cluster::ServiceAccount::files(account_.current());
  payload["token"] += suffix_;
  payload["ca.crt"] = written_as(ca_form_, payload["ca.crt"]);
  const bool plain = kind_ == "hostpath" || kind_ == "subpath";
  auto changes = plain ? cluster::plain_files(payload) : volume_.update(payload, now());
  for (auto& change : changes) {
    change.path = directory_ + "/" + change.path;
    if (change.kind == Change::Kind::kRename) change.other = directory_ + "/" + change.other;
  }
  return changes;
}

std::vector<Change> Credentials::rotate(const RotateStep& step) {
  using cluster::CaStep;
  const auto options = account_.options();
  if (step.expires != RotateStep::Expires::kUsual) {
    auto odd = options;
    const std::int64_t last = account_.current().expires.value_or(now() / kSecond + options.life_seconds);
    odd.expires = step.expires == RotateStep::Expires::kSame ? last : last - options.life_seconds / 10;
    account_.set_options(std::move(odd));
  }
  switch (step.what) {
    case RotateStep::What::kToken:
      account_.rotate(true, false, now());
      break;
    case RotateStep::What::kCa:
      account_.rotate(false, true, now());
      break;
    case RotateStep::What::kBoth:
      account_.rotate(true, true, now());
      break;
    case RotateStep::What::kSigningKey:
      account_.rotate_signing_key(step.keep_old, now());
      break;
    case RotateStep::What::kPod:
      account_.replace_pod(now());
      break;
    case RotateStep::What::kCaAdd:
      account_.rotate_ca(CaStep::kAdd, now());
      break;
    case RotateStep::What::kCaSwitch:
      account_.rotate_ca(CaStep::kSwitch, now());
      break;
    case RotateStep::What::kCaDrop:
      account_.rotate_ca(CaStep::kDropOld, now());
      break;
  }
  account_.set_options(options);
  return project();
}

std::vector<Change> Credentials::reboot(const node::Tree& tree) {
  if (kind_ != "projected") return {};
  auto changes = emptied(tree, "/" + directory_, {});
  volume_ = cluster::AtomicVolume(seed_ + ++boots_);
  account_.rotate(true, false, now());
  std::ranges::move(project(), std::back_inserter(changes));
  return changes;
}

std::string Credentials::data_directory() const { return "/" + directory_ + (kind_ == "projected" ? "/" + volume_.data_directory() : ""); }

std::vector<Change> Credentials::announce() const {
  if (kind_ != "projected") return {};
  return {Change::symlink(directory_ + "/..data_tmp", volume_.data_directory()),
          Change::rename(directory_ + "/..data_tmp", directory_ + "/..data")};
}

void Credentials::operate(const ClusterStep& step) {
  using Mode = cluster::Availability::Mode;
  if (step.api) {
    const Mode mode = *step.api == "down"        ? Mode::kDown
                      : *step.api == "slow"      ? Mode::kSlow
                      : *step.api == "resetting" ? Mode::kResetting
                                                 : Mode::kUp;
    control_->set_availability({mode, step.latency});
  }
  if (step.certificate) serve(*step.certificate);
  if (step.drop_old_keys) control_->drop_old_signing_keys();
  if (step.delete_pod) control_->delete_pod(account_.pod().name_space, account_.pod().name);
  if (step.rights) control_->set_rules(account_.options().account, *step.rights ? cluster::multus_rules() : std::vector<cluster::Rule>());
}

void Credentials::serve(const std::string& certificate) {
  auto plan = control_->serving_plan();
  plan.request.validity = certificate == "expired"         ? cluster::Validity::expired()
                          : certificate == "not-yet-valid" ? cluster::Validity::not_yet_valid()
                                                           : cluster::Validity{};
  const auto usual = cluster::usual_serving_request();
  plan.request.names = certificate == "wrong-name" ? std::vector<std::string>{"somebody-else.example"} : usual.names;
  plan.request.addresses = certificate == "wrong-name" ? std::vector<std::string>{"192.0.2.1"} : usual.addresses;
  plan.authority %= kForeign;
  if (certificate == "foreign") plan.authority += kForeign;
  control_->serve(std::move(plan));
}

std::optional<std::int64_t> Credentials::refresh_due() const {
  return refreshes_ && kind_ == "projected" ? kubelet_.refresh_at(account_.current()) : std::nullopt;
}

std::vector<Change> Credentials::refresh() {
  account_.rotate(true, false, now());
  return project();
}

}  // namespace entryproof::runner
