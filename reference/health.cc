#include "reference/health.h"

#include <fcntl.h>

#include <charconv>
#include <string_view>

#include "reference/files.h"
#include "reference/json.h"
#include "reference/problem.h"
#include "reference/utc.h"

namespace reference {
namespace {

constexpr std::size_t kCap = 64 * 1024;
constexpr std::chrono::seconds kGrace{15};  // a slow disk, a busy node
constexpr int kMissedBeats = 3;
constexpr mode_t kMode = 0644;

std::string number_or_null(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : "null"; }
std::string time_or_null(const std::optional<std::int64_t>& time) { return time ? json::quote(utc(*time)) : "null"; }

std::string safe(std::string text) {
  if (json::valid_utf8(text)) return json::quote(text);
  for (char& c : text) c = static_cast<unsigned char>(c) >= 0x80 ? '?' : c;
  return json::quote(text);
}

std::string render(const Pulse& pulse, const Host& host, const Options& options) {
  std::optional<std::int64_t> margin;
  if (pulse.token_expires) margin = *pulse.token_expires - host.wall_seconds();
  return "{\"lastCheck\":" + json::quote(utc(host.wall_seconds())) +
         ",\"lastCheckMonotonicMs\":" + std::to_string(host.monotonic().count() / 1'000'000) +
         ",\"intervalMs\":" + std::to_string(options.poll_interval.count()) + ",\"lastPublish\":" + time_or_null(pulse.published) +
         ",\"tokenExpires\":" + time_or_null(pulse.token_expires) + ",\"tokenMarginSeconds\":" + number_or_null(margin) +
         ",\"inPlace\":" + (pulse.in_place ? "true" : "false") + ",\"problem\":" + (pulse.problem.empty() ? "null" : safe(pulse.problem)) +
         "}\n";
}

std::optional<std::int64_t> number(const json::Value& root, std::string_view name) {
  const auto found = root.find(name);
  if (!found || found->kind() != json::Kind::kNumber) return std::nullopt;
  const std::string_view text = found->source();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string word(const json::Value& root, std::string_view name) {
  const auto found = root.find(name);
  return found && found->is_string() ? found->text() : "";
}

int say(Log& log, int exit_code, const std::string& text) {
  exit_code == kExitOk ? log.info(text) : log.error(text);
  return exit_code;
}

}  // namespace

void Health::beat(const Pulse& pulse) {
  if (options_.health_file.empty()) return;
  const auto now = host_.monotonic();
  if (last_ && *last_ == pulse && now - written_ < kEvery) return;
  if (const auto wrote = write(render(pulse, host_, options_)); !wrote) {
    log_.problem(system_problem("write", options_.health_file, wrote.error(), kExitOutput).text);
    return;
  }
  last_ = pulse;
  written_ = now;
}

// Nobody needs it after a power cut, so nothing is synced.
Outcome<> Health::write(const std::string& text) {
  const std::string temporary = options_.health_file + ".new";
  auto file = open_file(host_, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, kMode);
  if (!file) return std::unexpected(file.error());
  const auto wrote = host_.write(file->get(), text);
  if (!wrote) return std::unexpected(wrote.error());
  if (*wrote != text.size()) return std::unexpected(Errno{ENOSPC});
  if (auto closed = file->close(); !closed) return closed;
  return host_.rename(temporary, options_.health_file);
}

int report_health(Host& host, const Options& options) {
  Log log(host, options.log_format);
  const auto content = read_file(host, options.health_file, kCap);
  if (!content) return say(log, kExitUnavailable, content.error().text + "; is an entrypoint running with this --health-file?");
  const auto document = json::Document::parse(content->bytes);
  const auto checked = document ? number(document->root(), "lastCheckMonotonicMs") : std::nullopt;
  const auto interval = document ? number(document->root(), "intervalMs") : std::nullopt;
  if (!checked || !interval || *interval < 0 || *interval > 60'000)
    return say(log, kExitUnavailable, options.health_file + " is no heartbeat");
  const std::int64_t age = host.monotonic().count() / 1'000'000 - *checked;
  const json::Value root = document->root();
  const std::string seen = "last look " + word(root, "lastCheck");
  // A future beat is one from before a reboot.
  if (age < 0 || age > kMissedBeats * *interval + std::chrono::milliseconds(kGrace).count())
    return say(log, kExitUnavailable, "the heartbeat has stopped; " + seen);
  const auto in_place = root.find("inPlace");
  const bool ready = in_place && in_place->kind() == json::Kind::kTrue;
  const std::string problem = word(root, "problem");
  const std::string expires = word(root, "tokenExpires");
  const std::string text = std::string(ready ? "everything is in place" : "not everything is in place") + "; " + seen +
                           (expires.empty() ? "" : "; token expires " + expires) + (problem.empty() ? "" : "; " + problem);
  return say(log, options.ready && !ready ? kExitTimeout : kExitOk, text);
}

}  // namespace reference
