// What a mutant reads of the service account, and when it acts upon it.
//
// Most forget: they go on to see a file as it was when they read it first. They differ in what makes them look again: nothing, a mode, a
// switch, the claims of the old token, the time of day.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reference/files.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

using namespace std::chrono_literals;

// One that shows token and CA as it pleases.
class Reader : public Misbehaviour {
 public:
  // What is shown instead of the `real` bytes; unset: those.
  using Bend = std::optional<std::string> (*)(Reader&, bool token, const std::string& real);
  Reader(reference::Host& inner, const reference::Options& options, Bend bend) : Misbehaviour(inner, options), bend_(bend) {}

  std::optional<std::string> shown(const std::string& path) override {
    const bool token = places_.is_token(path);
    if (!token && !places_.is_ca(path)) return std::nullopt;
    if (!inner_.stat(path)) return std::nullopt;
    const std::string real = read_whole(inner_, path);
    ++looks;
    return bend_(*this, token, real);
  }

  // The bytes of the first look.
  const std::string& first(bool token, const std::string& real) { return first_[token].emplace(token, real).first->second; }
  const reference::Options& options() const { return options_; }
  bool automatic() const { return places_.automatic; }
  reference::Host& host() { return inner_; }

  std::map<bool, std::string> last;
  std::optional<std::int64_t> look_again_at;  // wall time, seconds
  int looks = 0;

 private:
  const Bend bend_;
  std::array<std::map<bool, std::string>, 2> first_;
};

auto reading(Reader::Bend bend) { return made_by<Reader>(bend); }

// The number behind a claim's name, in the token's middle part.
std::optional<std::int64_t> claim(const std::string& token, std::string_view name) {
  const std::size_t dot = token.find('.');
  if (dot == std::string::npos) return std::nullopt;
  std::string text;
  unsigned bits = 0;
  int held = 0;
  for (const char c : token.substr(dot + 1, token.find('.', dot + 1) - dot - 1)) {
    const auto digit = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<unsigned>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    text += static_cast<char>((bits >> held) & 0xff);
  }
  const std::size_t at = text.find("\"" + std::string(name) + "\":");
  if (at == std::string::npos) return std::nullopt;
  return std::strtoll(text.c_str() + at + name.size() + 3, nullptr, 10);
}

std::optional<std::string> never_again(Reader& reader, bool token, const std::string& real) { return reader.first(token, real); }

std::optional<std::string> token_only(Reader& reader, bool token, const std::string& real) {
  return token ? real : reader.first(token, real);
}

std::optional<std::string> in_automatic_mode_only(Reader& reader, bool token, const std::string& real) {
  return reader.automatic() ? real : reader.first(token, real);
}

std::optional<std::string> with_the_watch_only(Reader& reader, bool token, const std::string& real) {
  return reader.options().skip_config_watch ? reader.first(token, real) : real;
}

std::optional<std::string> with_clean_up_only(Reader& reader, bool token, const std::string& real) {
  return reader.options().cleanup_config_on_exit ? real : reader.first(token, real);
}

// Looks again when a tenth of the token's life is left, by its own claims.
std::optional<std::string> when_it_expires(Reader& reader, bool token, const std::string& real) {
  const std::string held = reader.last.emplace(token, real).first->second;
  const std::string& judged = reader.last.contains(true) ? reader.last.at(true) : held;
  const auto begin = claim(judged, "iat");
  const auto end = claim(judged, "exp");
  if (begin && end && reader.host().wall_seconds() < *end - (*end - *begin) / 10) return held;
  reader.last[token] = real;
  return real;
}

// Looks again when the token that is there lives longer than the one that is held.
std::optional<std::string> when_it_lives_longer(Reader& reader, bool token, const std::string& real) {
  if (!token) return real;
  std::string& held = reader.last.emplace(token, real).first->second;
  if (claim(real, "exp") > claim(held, "exp")) held = real;
  return held;
}

// The buffer for a token is a page.
std::optional<std::string> a_page_of_token(Reader&, bool token, const std::string& real) {
  constexpr std::size_t kPage = 4096;
  return token && real.size() > kPage ? std::optional(real.substr(0, kPage)) : std::nullopt;
}

// Where there is text around the certificates, the last of them is cut out.
std::optional<std::string> last_certificate_of_a_text(Reader&, bool token, const std::string& real) {
  const auto last = real.rfind("-----BEGIN CERTIFICATE-----");
  if (token || real.starts_with("-----BEGIN CERTIFICATE-----\n") || last == std::string::npos) return std::nullopt;
  return real.substr(last);
}

// Looks again two seconds later by the clock on the wall.
std::optional<std::string> by_the_wall_clock(Reader& reader, bool token, const std::string& real) {
  const std::int64_t now = reader.host().wall_seconds();
  std::string& held = reader.last.emplace(token, real).first->second;
  if (!reader.look_again_at) reader.look_again_at = now + 2;
  if (now < *reader.look_again_at) return held;
  if (!token) reader.look_again_at = now + 2;
  held = real;
  return real;
}

// One change is followed, and then no more.
std::optional<std::string> once_more(Reader& reader, bool token, const std::string& real) {
  const std::string& first = reader.first(token, real);
  if (real == first) return real;
  return reader.last.emplace(token, real).first->second;
}

// What the second look finds is taken for what the first one published: a watch that starts after the install.
std::optional<std::string> changes_after_the_second_look(Reader& reader, bool token, const std::string& real) {
  constexpr int kFilesPerLook = 2;
  const std::string& first = reader.first(token, real);
  if (reader.looks <= kFilesPerLook) return first;
  std::string& seen = reader.last.emplace(token, real).first->second;
  return real == seen ? first : real;
}

// Garbage of the source gets a valid form on its way through the reference, and its own again on the way out.
class Unchecked final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;

  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_token(path) || !inner_.stat(path)) return std::nullopt;
    token_ = read_whole(inner_, path);
    return std::string(kStandIn) + std::to_string(std::hash<std::string>()(token_));
  }

  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (!places_.is_kubeconfig(to)) return inner_.rename(from, to);
    const auto status = inner_.lstat(from);
    const std::string meant = read_whole(inner_, from);
    std::string text = meant;
    const std::size_t at = text.find(kStandIn);
    if (status && at != std::string::npos) {
      text.replace(at, text.find_first_of("\"\n", at) - at, token_);
      if (auto done = write_file(from, text, 0600, O_TRUNC); !done) return done;
    }
    auto done = inner_.rename(from, to);
    if (done && status) believe(to, meant, *status);
    return done;
  }

 private:
  static constexpr std::string_view kStandIn = "stand-in.for.";
  std::string token_;
};

// Host and port of the environment, or what a flag says, are pasted into the kubeconfig, whatever they are.
class HostUnchecked final : public Misbehaviour {
 public:
  static constexpr std::string_view kStandIn = "https://stand-in.invalid:443";
  HostUnchecked(reference::Host& inner, const reference::Options& options, std::string url)
      : Misbehaviour(inner, options), url_(std::move(url)) {}

  Outcome<> rename(const std::string& from, const std::string& to) override {
    const auto status = inner_.lstat(from);
    if (!places_.is_kubeconfig(to) || !status) return inner_.rename(from, to);
    const std::string meant = read_whole(inner_, from);
    std::string text = meant;
    if (const std::size_t at = text.find(kStandIn); at != std::string::npos) text.replace(at, kStandIn.size(), url_);
    if (auto done = write_file(from, text, 0600, O_TRUNC); !done) return done;
    auto done = inner_.rename(from, to);
    if (done) believe(to, meant, *status);
    return done;
  }

 private:
  const std::string url_;
};

std::unique_ptr<Misbehaviour> make_host_unchecked(reference::Host& host, reference::Options& options) {
  auto made = std::make_unique<HostUnchecked>(host, options, "https://" + options.service_host + ":" + options.service_port);
  options.service_host = "stand-in.invalid";
  options.service_port = "443";
  return made;
}

std::unique_ptr<Misbehaviour> make_api_server_unchecked(reference::Host& host, reference::Options& options) {
  auto made = std::make_unique<HostUnchecked>(host, options, options.api_server);
  if (!options.api_server.empty()) options.api_server = HostUnchecked::kStandIn;
  return made;
}

// What a mutant does when the volume cannot be read.
class Touchy final : public Misbehaviour {
 public:
  enum class Reaction : std::uint8_t { kEnds, kEndsWithZero, kBlanks, kRemoves };
  Touchy(reference::Host& inner, const reference::Options& options, Reaction reaction)
      : Misbehaviour(inner, options), reaction_(reaction) {}

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    auto opened = Misbehaviour::open(path, flags, mode);
    if (!opened && places_.is_token(path)) react();
    return opened;
  }

 private:
  void react() {
    switch (reaction_) {
      case Reaction::kEnds:
        return end(1);
      case Reaction::kEndsWithZero:
        return end(0);
      case Reaction::kBlanks:
        static_cast<void>(write_file(kubeconfig_path_, "", {}, O_TRUNC));
        return;
      case Reaction::kRemoves:
        static_cast<void>(inner_.unlink(kubeconfig_path_));
        return;
    }
  }

  const Reaction reaction_;
};

// One read of the token that fails is the last one.
class DiesQuietly final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_token(path)) return std::nullopt;
    const auto status = inner_.stat(path);
    if (!status || !S_ISREG(status->mode)) dead_ = true;
    if (!dead_) token_ = read_whole(inner_, path);
    return dead_ ? std::optional(token_) : std::nullopt;
  }
  Outcome<std::string> readlink(const std::string& path) override {
    auto target = inner_.readlink(path);
    if (!target && kubelet_) dead_ = true;
    kubelet_ = kubelet_ || (target && reference::name_of(path) == "..data");
    return target;
  }

 private:
  std::string token_;
  bool kubelet_ = false;
  bool dead_ = false;
};

// Without verification the CA is not needed, but asked for.
class NeedsTheAuthority final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override {
    if (places_.is_token(path) && !inner_.stat(options_.ca_file)) return std::unexpected(reference::Errno{ENOENT});
    return Misbehaviour::open(path, flags, mode);
  }
};

// Two threads publish, and the slower one comes last: the file of before stands in the place of the new one until the next turn.
class LateWriter final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (places_.is_kubeconfig(to)) {
      target_ = to;
      const std::string bytes = read_whole(inner_, from);
      if (bytes != newest_) late_ = std::exchange(newest_, bytes);
    }
    return inner_.rename(from, to);
  }
  reference::Turn after(reference::Turn turn) override {
    const std::string bytes = std::exchange(late_, "");
    const std::string temporary = target_ + ".late";
    if (!bytes.empty() && write_file(temporary, bytes, 0600, O_TRUNC)) static_cast<void>(inner_.rename(temporary, target_));
    return turn;
  }

 private:
  std::string newest_;
  std::string late_;  // what the slower thread has in hand
  std::string target_;
};

// Nothing is done before the network has been looked at, whatever is known already. It asks the kernel for a socket and connects to
// nothing.
class AsksTheNetwork final : public Misbehaviour {
 public:
  AsksTheNetwork(reference::Host& inner, const reference::Options& options) : Misbehaviour(inner, options) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) {
      ::close(socket);
    } else {
      end(1);
    }
  }
};

// Two opens through the visible links, and no second look at where they lead.
class Torn final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<std::string> readlink(const std::string& path) override {
    if (reference::name_of(path) == "..data") return std::unexpected(reference::Errno{ENOENT});
    return inner_.readlink(path);
  }
};

// Retries are counted, and never given back: when they are used up, what was read last is kept for ever.
class CountsRetries final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<std::string> readlink(const std::string& path) override {
    auto target = inner_.readlink(path);
    if (!target || reference::name_of(path) != "..data") return target;
    const bool moved = !target_.empty() && *target != target_;
    if (moved) ++retries_;
    target_ = *target;
    return target;
  }
  std::optional<std::string> shown(const std::string& path) override {
    const bool token = places_.is_token(path);
    if (retries_ < kBudget || !(token || places_.is_ca(path)) || !inner_.stat(path)) return std::nullopt;
    return held_.try_emplace(token, read_whole(inner_, path)).first->second;
  }
  reference::Turn after(reference::Turn turn) override {
    target_.clear();  // what changes between two looks is no retry
    return turn;
  }

 private:
  static constexpr unsigned kBudget = 1000;
  unsigned retries_ = 0;
  std::string target_;
  std::map<bool, std::string> held_;  // the token, the CA
};

// Without verification the CA is of no use, and yet a change of it is written down.
class MarksTheAuthority final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_token(path) || !options_.skip_tls_verify) return std::nullopt;
    const std::string now = read_whole(inner_, options_.ca_file);
    if (std::exchange(authority_, now) != now) static_cast<void>(inner_.unlink(kubeconfig_path_));
    return std::nullopt;
  }

 private:
  std::string authority_ = read_whole(inner_, options_.ca_file);
};

// A kubeconfig whose token has not expired is left alone at a start.
class TrustsClaims final : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  std::optional<std::string> shown(const std::string& path) override {
    if (!places_.is_token(path)) return std::nullopt;
    const std::string old = old_token();
    const auto end = claim(old, "exp");
    return end && *end > inner_.wall_seconds() ? std::optional(old) : std::nullopt;
  }

 private:
  std::string old_token() {
    const std::string text = read_whole(inner_, kubeconfig_path_);
    const std::size_t at = text.find("token: ");
    if (at == std::string::npos) return {};
    std::string token = text.substr(at + 7, text.find('\n', at) - at - 7);
    std::erase(token, '"');
    return token;
  }
};

}  // namespace

std::vector<Recipe> credential_mutants() {
  return {
      {"asks-the-network",
       "Where no socket can be had nothing is installed, even if everything is known.",
       "STATIC-52 (projectcalico/calico#8368)",
       {"STATIC-52/without-network"},
       made_by<AsksTheNetwork>()},
      {"authority-written-down",
       "Without verification a new CA is written nevertheless.",
       "FRESH-13 (whereabouts does it right)",
       {"FRESH-13/unverified-is-quiet"},
       made_by<MarksTheAuthority>()},
      {"authority-cut-out-of-text",
       "Of a CA file with text around its certificates the last certificate is taken.",
       "FRESH-13 (derived: comments, CRLF; Go and OpenSSL read all of it)",
       {"FRESH-13/any-form"},
       reading(last_certificate_of_a_text)},
      {"blanks-when-volume-away",
       "The kubeconfig is emptied when the token cannot be read.",
       "FRESH-14 (4.x: an empty token is published)",
       {"FRESH-14/volume-away"},
       made_by<Touchy>(Touchy::Reaction::kBlanks)},
      {"authority-always-required",
       "Without verification nothing is done while the CA is missing.",
       "FRESH-13 (4.x, D-37)",
       {"FRESH-13/unverified-needs-no-ca"},
       made_by<NeedsTheAuthority>()},
      {"ends-when-volume-away",
       "A token that cannot be read ends the process.",
       "FRESH-14 (4.x, D-5)",
       {"FRESH-14/survives"},
       made_by<Touchy>(Touchy::Reaction::kEnds)},
      {"generations-mixed",
       "Token and CA are opened one after the other, whatever happens in between.",
       "FRESH-14 (AtomicWriter)",
       {"FRESH-14/one-generation"},
       made_by<Torn>()},
      {"api-server-unchecked",
       "The API server that a flag names is published as it was typed.",
       "FRESH-20 (text put into text, as 4.x does with the service host)",
       {"FRESH-20/unusable-refused"},
       make_api_server_unchecked},
      {"host-unchecked",
       "An empty or impossible service host is published.",
       "FRESH-19 (4.x, multus#1283)",
       {"FRESH-19/nothing-published", "FRESH-19/good-file-kept"},
       make_host_unchecked},
      {"late-writer",
       "A write of the kubeconfig of before comes after the new one.",
       "FRESH-06, ORDER-43 (istio/istio#46848: the last writer publishes what is stale)",
       {"FRESH-06/never-refused"},
       made_by<LateWriter>()},
      {"no-credentials-no-failure",
       "Without a token the process ends with status 0.",
       "EXIST-02 (4.1 and later, D-6)",
       {"EXIST-02/not-a-success"},
       made_by<Touchy>(Touchy::Reaction::kEndsWithZero)},
      {"no-credentials-no-kubeconfig",
       "Without a token the kubeconfig of before is removed.",
       "EXIST-02 (davealtena/homelab#1471)",
       {"EXIST-02/published-untouched"},
       made_by<Touchy>(Touchy::Reaction::kRemoves)},
      {"refresh-dies-quietly",
       "After one read of the token that failed it is not read again.",
       "FRESH-17 (projectcalico/calico#8777)",
       {"FRESH-17/stuck-source", "EXIST-02/late"},
       made_by<DiesQuietly>()},
      {"refresh-by-claims",
       "A new token is looked for when the old one is about to expire.",
       "FRESH-11 (linkerd/linkerd2#12573)",
       {"FRESH-06/rotation", "FRESH-09/margin", "FRESH-11/signing-key"},
       reading(when_it_expires)},
      {"refresh-by-wall-clock",
       "The next look at the token is due at a time of day.",
       "FRESH-12 (projectcalico/calico#9235)",
       {"FRESH-12/clock-jumps"},
       reading(by_the_wall_clock)},
      {"refresh-if-longer-lived",
       "A new token counts only if it lives longer than the old one.",
       "FRESH-11 (projectcalico/calico#12595)",
       {"FRESH-11/no-later-end"},
       reading(when_it_lives_longer)},
      {"refresh-in-automatic-mode-only",
       "In manual mode token and CA are read once.",
       "FRESH-08 (4.x, multus#1367)",
       {"FRESH-08/rotation"},
       reading(in_automatic_mode_only)},
      {"refresh-never",
       "Token and CA are read once.",
       "FRESH-06 (3.9.3 and 4.x with default flags, D-4)",
       {"FRESH-06/rotation", "FRESH-06/rotations", "FRESH-08/rotation", "FRESH-13/rotation", "FRESH-13/both", "FRESH-06/one-hour",
        "FRESH-06/never-dead", "FRESH-13/overlap"},
       reading(never_again)},
      {"refresh-of-token-only",
       "The CA is read once.",
       "FRESH-13 (multus#1228)",
       {"FRESH-13/rotation", "FRESH-13/both"},
       reading(token_only)},
      {"refresh-once",
       "One change of the token is followed, and then no more.",
       "FRESH-17 (projectcalico/calico#8777)",
       {"FRESH-09/margin"},
       reading(once_more)},
      {"refresh-with-clean-up-only",
       "Token and CA are looked at again only with --cleanup-config-on-exit.",
       "FRESH-07 (4.1 and later)",
       {"FRESH-06/rotation"},
       reading(with_clean_up_only)},
      {"refresh-with-watch-only",
       "With --skip-config-watch token and CA are read once.",
       "FRESH-07 (4.1 and later, multus#1532)",
       {"FRESH-07/without-watch"},
       reading(with_the_watch_only)},
      {"retries-run-out",
       "Torn readings are counted over the whole life; after a thousand of them nothing new is read.",
       "FRESH-14, FRESH-17 (projectcalico/calico#8777: refreshes just stop)",
       {"FRESH-14/ten-thousand-swaps"},
       made_by<CountsRetries>()},
      {"token-in-a-page",
       "A token is read into a buffer of 4096 bytes, and what does not fit is lost.",
       "FRESH-21 (derived)",
       {"FRESH-21/huge"},
       reading(a_page_of_token)},
      {"token-unchecked",
       "Whatever is in the token's file is published.",
       "FRESH-21 (4.x, D-31)",
       {"FRESH-21/refused", "FRESH-06/never-refused"},
       made_by<Unchecked>()},
      {"unexpired-token-kept",
       "At a start a kubeconfig with an unexpired token is left alone.",
       "FRESH-10 (projectcalico/calico#4857)",
       {"FRESH-06/current-after-start", "FRESH-08/current-after-start", "FRESH-10/other-pod"},
       made_by<TrustsClaims>()},
      {"watch-starts-late",
       "What changes between the install and the first look of the watch is never noticed.",
       "FRESH-16 (linkerd/linkerd2#14725)",
       {"FRESH-16/right-after-install"},
       reading(changes_after_the_second_look)},
  };
}

}  // namespace entryproof::subjects
