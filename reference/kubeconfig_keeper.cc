#include "reference/kubeconfig_keeper.h"

#include <fcntl.h>

#include <utility>

#include "reference/files.h"
#include "reference/kubeconfig_holder.h"
#include "reference/token.h"

namespace reference {
namespace {

constexpr std::size_t kCap = 4 * 1024 * 1024;  // certificates may be long

// The token of a kubeconfig of whatever form: the word that follows "token:". Only its claims are looked at, so that a wrong guess does no
// harm.
std::string token_in(std::string_view text) {
  constexpr std::string_view kName = "token:";
  constexpr std::string_view kAround = " \t\"',}";
  const std::size_t at = text.find(kName);
  if (at == std::string_view::npos) return "";
  const std::size_t begin = text.find_first_not_of(kAround, at + kName.size());
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_first_of(" \t\r\n\"',}", begin) - begin));
}

}  // namespace

Result<> KubeconfigKeeper::find_server(const std::string& path) {
  endpoint_ = find_endpoint(options_);
  const bool unknown = options_.api_server.empty() && (options_.service_host.empty() || options_.service_port.empty());
  if (!endpoint_ && unknown) {
    const auto before = read_file(host_, path, kCap, O_NOFOLLOW);
    if (const auto known = before ? read_kubeconfig(before->bytes) : std::nullopt) {
      log_.warn(
          "KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is missing; going on with the server of the kubeconfig that is there, " +
          known->endpoint.url());
      endpoint_ = known->endpoint;
    }
  }
  // Where somebody else may provide the file nobody need know the address.
  if (!endpoint_ && options_.kubeconfig_policy == KubeconfigPolicy::kAlways) return std::unexpected(endpoint_.error());
  if (endpoint_ && endpoint_->protocol == "http") log_.warn("the API server is asked for without TLS; the token travels in the clear");
  return {};
}

Result<bool> KubeconfigKeeper::refresh(const std::string& path) {
  calm_ = true;
  if (options_.kubeconfig_policy != KubeconfigPolicy::kAlways) {
    const auto provided = provided_by_others(path);
    if (!provided) return std::unexpected(provided.error());
    if (*provided) {
      warn_of_their_end(path);
      return false;
    }
  }
  if (!endpoint_) return std::unexpected(endpoint_.error());
  auto found = read_credentials(host_, options_.token_file, options_.skip_tls_verify ? "" : options_.ca_file, good_);
  if (found && found->no_token) {
    // Not even a file: something is in its place. New certificates must not wait for that to be put right.
    if (good_.token.empty()) return std::unexpected(*found->no_token);
    log_.problem(found->no_token->text);
    calm_ = false;
    found->token = good_.token;
  }
  if (!found && desired_.empty()) return std::unexpected(found.error());
  // A trouble with the source is no reason to leave a damaged file: what was good last is better than that.
  if (!found) log_.problem(found.error().text);
  calm_ = calm_ && found.has_value();
  if (!found) return true;
  if (!desired_.empty() && found->token == good_.token && found->ca == good_.ca) return true;
  good_ = std::move(*found);
  desired_ = render_kubeconfig(*endpoint_, good_.token, good_.ca);
  return true;
}

Result<> KubeconfigKeeper::publish(const std::string& path) {
  if (yields(path)) {
    if (!std::exchange(yielding_, true)) log_.info("a newer instance keeps " + path + "; standing by");
    return {};
  }
  yielding_ = false;
  const auto written = publisher_.publish(path, desired_, options_.kubeconfig_mode);
  if (!written) {
    warn_of_end(written.error().text);
    return std::unexpected(written.error());
  }
  if (*written) told(path);
  published_token_ = good_.token;
  calm_ = calm_ && !*written;
  return {};
}

Result<bool> KubeconfigKeeper::provided_by_others(const std::string& path) {
  const auto holder = find_holder(host_, path, desired_);
  if (!holder) return std::unexpected(holder.error());
  const bool never = options_.kubeconfig_policy == KubeconfigPolicy::kNever;
  if (*holder == Holder::kSomebody || (never && *holder == Holder::kUs)) return true;
  if (never) {
    return refuse(kExitNoInput, "there is no kubeconfig at " + path + ", which the configuration is to name, and " +
                                    "--kubeconfig-policy=never leaves it to others");
  }
  return false;
}

// Has another instance, which goes before us, put a whole kubeconfig in the place of ours? At our start nobody goes before us: our token is
// the current one, and what stands there may have been left by a Pod that is gone.
bool KubeconfigKeeper::yields(const std::string& path) {
  if (published_token_.empty() || publisher_.is_ours(path)) return false;
  const auto text = read_file(host_, path, kCap, O_NOFOLLOW);
  const auto theirs = text ? read_kubeconfig(text->bytes) : std::nullopt;
  if (!theirs || theirs->token == good_.token) return false;
  return instances_.newer().value_or(is_later(theirs->token, good_.token));
}

void KubeconfigKeeper::told(const std::string& path) {
  const std::int64_t now = host_.wall_seconds();
  const auto claims = read_claims(good_.token);
  log_.info("kubeconfig published as " + path + " for " + endpoint_->url() + "; its token " + describe_expiry(claims, now));
  published_at_ = now;
  token_expires_ = claims ? claims->expires : std::nullopt;
}

// A newer token waits, and the one that stands there is at its end.
void KubeconfigKeeper::warn_of_end(const std::string& why) {
  if (published_token_.empty() || published_token_ == good_.token || !is_ending(published_token_, host_.wall_seconds())) return;
  log_.problem("the published token is at its end and a newer one cannot be published: " + why);
}

// It is not ours to replace, but somebody has to.
void KubeconfigKeeper::warn_of_their_end(const std::string& path) {
  const auto text = read_file(host_, path, kCap);
  const std::string token = text ? token_in(text->bytes) : "";
  if (token == warned_of_ || !is_ending(token, host_.wall_seconds())) return;
  log_.warn("the kubeconfig " + path + ", which is left to others, is at its end: its token " +
            describe_expiry(read_claims(token), host_.wall_seconds()));
  warned_of_ = token;
}

}  // namespace reference
