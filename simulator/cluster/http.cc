#include "simulator/cluster/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace entryproof::cluster {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
// Framing of chunks: a size and two line ends each. A body of one-byte chunks is more framing than body.
constexpr std::size_t kChunkOverhead = 8;

struct Head {
  std::string_view start_line;
  std::vector<HttpHeader> headers;
};

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kMarks.contains(c);
  });
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); });
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return result;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view find(const std::vector<HttpHeader>& headers, std::string_view name) {
  const auto found = std::ranges::find(headers, name, &HttpHeader::name);
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

// What the head says, or why it is refused. `head` has no final empty line.
std::string_view parse_head(std::string_view head, const HttpLimits& limits, Head& parsed) {
  const auto first = std::min(head.find(kLineEnd), head.size());
  parsed.start_line = head.substr(0, first);
  head.remove_prefix(std::min(first + kLineEnd.size(), head.size()));
  while (!head.empty()) {
    const auto end = std::min(head.find(kLineEnd), head.size());
    const auto line = head.substr(0, end);
    head.remove_prefix(std::min(end + kLineEnd.size(), head.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return "a header line without a proper name";
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return "a control character in a header";
    if (parsed.headers.size() == limits.headers) return "too many headers";
    parsed.headers.push_back({lower(line.substr(0, colon)), std::string(value)});
  }
  return {};
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      result += ' ';
    } else if (text[i] == '%') {
      unsigned value = 0;
      const auto digits = text.substr(i + 1, 2);
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() != 2 || read.ptr != digits.data() + 2) return std::nullopt;
      result += static_cast<char>(value);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

// How the body is framed: its length, or chunks, or neither.
struct Framing {
  bool chunked = false;
  std::optional<std::size_t> length = {};
  std::string_view reason = {};  // why it is refused
  int status = 400;
};

Framing framing_of(const std::vector<HttpHeader>& headers, const HttpLimits& limits) {
  Framing framing;
  for (const auto& [name, value] : headers) {
    if (name == "transfer-encoding") {
      if (framing.chunked || lower(value) != "chunked") return {.reason = "an unknown transfer encoding", .status = 501};
      framing.chunked = true;
    } else if (name == "content-length") {
      std::size_t length = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), length);
      if (value.empty() || read.ec != std::errc() || read.ptr != value.data() + value.size()) return {.reason = "a bad content length"};
      if (framing.length && *framing.length != length) return {.reason = "two content lengths"};
      framing.length = length;
    }
  }
  // Two lengths are how one message is smuggled inside another.
  if (framing.chunked && framing.length) return {.reason = "both a content length and chunks"};
  if (framing.length.value_or(0) > limits.body_bytes) return {.reason = "the body is too long", .status = 413};
  return framing;
}

struct Chunks {
  HttpProgress progress = HttpProgress::kMore;
  std::string body;
  std::size_t used = 0;
  std::string_view reason = {};
  int status = 400;
};

Chunks read_chunks(std::string_view text, const HttpLimits& limits) {
  Chunks chunks;
  const auto refuse = [&](std::string_view reason, int status = 400) {
    chunks.progress = HttpProgress::kRefused;
    chunks.reason = reason;
    chunks.status = status;
    return std::move(chunks);
  };
  if (text.size() > limits.body_bytes * kChunkOverhead) return refuse("the body is too long", 413);
  for (std::size_t at = 0;;) {
    const auto end = text.find(kLineEnd, at);
    if (end == std::string_view::npos) return text.size() - at > 1024 ? refuse("a bad chunk size") : std::move(chunks);
    std::size_t size = 0;
    const auto line = text.substr(at, end - at);
    const auto read = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (read.ec != std::errc() || read.ptr == line.data()) return refuse("a bad chunk size");
    if (read.ptr != line.data() + line.size() && *read.ptr != ';') return refuse("a bad chunk size");
    if (size > limits.body_bytes - chunks.body.size()) return refuse("the body is too long", 413);
    at = end + kLineEnd.size();
    if (size == 0) {
      // No trailers: nobody who talks to an API server sends any.
      if (text.size() < at + kLineEnd.size()) return chunks;
      if (text.substr(at, kLineEnd.size()) != kLineEnd) return refuse("a trailer");
      chunks.progress = HttpProgress::kWhole;
      chunks.used = at + kLineEnd.size();
      return chunks;
    }
    if (text.size() < at + size + kLineEnd.size()) return chunks;
    chunks.body.append(text.substr(at, size));
    at += size;
    if (text.substr(at, kLineEnd.size()) != kLineEnd) return refuse("a chunk longer than it said");
    at += kLineEnd.size();
  }
}

HttpRequestRead refused(int status, std::string_view reason) {
  return {.progress = HttpProgress::kRefused, .request = {}, .status = status, .reason = reason};
}

// "GET /path?query HTTP/1.1". Empty if right.
std::string_view parse_request_line(std::string_view line, HttpRequest& request, bool& old) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "no HTTP request line";
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return "not HTTP/1.1";
  old = version == "HTTP/1.0";
  request.method = line.substr(0, first);
  if (!is_token(request.method)) return "a bad method";
  if (!target.starts_with('/') || !is_field_value(target) || target.contains(' ')) return "a bad request target";
  const auto mark = std::min(target.find('?'), target.size());
  auto path = decode(target.substr(0, mark), false);
  if (!path) return "a bad escape in the request target";
  request.path = std::move(*path);
  request.query = target.substr(std::min(mark + 1, target.size()));
  return {};
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const { return find(headers, name); }

HttpRequestRead read_request(std::string_view buffer, const HttpLimits& limits) {
  const auto end = buffer.substr(0, limits.head_bytes).find(kHeadEnd);
  if (end == std::string_view::npos) {
    if (buffer.size() >= limits.head_bytes) return refused(431, "the headers are too long");
    return {.progress = HttpProgress::kMore, .request = {}, .needs = buffer.size() + 1};
  }
  HttpRequestRead read{.progress = HttpProgress::kWhole, .request = {}};
  Head head;
  bool old = false;
  if (const auto reason = parse_head(buffer.substr(0, end), limits, head); !reason.empty()) return refused(400, reason);
  if (const auto reason = parse_request_line(head.start_line, read.request, old); !reason.empty()) return refused(400, reason);
  const auto framing = framing_of(head.headers, limits);
  if (!framing.reason.empty()) return refused(framing.status, framing.reason);

  read.used = end + kHeadEnd.size();
  const auto rest = buffer.substr(read.used);
  const auto waiting = [&](std::size_t needs) {
    const bool asks = rest.empty() && lower(find(head.headers, "expect")) == "100-continue";
    return HttpRequestRead{.progress = HttpProgress::kMore, .request = {}, .needs = needs, .awaits_continue = asks};
  };
  if (framing.chunked) {
    auto chunks = read_chunks(rest, limits);
    if (chunks.progress == HttpProgress::kRefused) return refused(chunks.status, chunks.reason);
    if (chunks.progress == HttpProgress::kMore) return waiting(buffer.size() + 1);
    read.request.body = std::move(chunks.body);
    read.used += chunks.used;
  } else if (const auto length = framing.length.value_or(0); length > 0) {
    if (rest.size() < length) return waiting(read.used + length);
    read.request.body = rest.substr(0, length);
    read.used += length;
  }
  const auto connection = lower(find(head.headers, "connection"));
  read.request.keep_alive = old ? connection == "keep-alive" : connection != "close";
  read.request.headers = std::move(head.headers);
  return read;
}

HttpAnswerRead read_answer(std::string_view buffer, bool ended, const HttpLimits& limits) {
  const auto refuse = [](std::string_view reason) {
    return HttpAnswerRead{.progress = HttpProgress::kRefused, .body = {}, .reason = reason};
  };
  const auto more = [&] { return ended ? refuse("the answer is cut off") : HttpAnswerRead{}; };
  HttpAnswerRead read;
  Head head;
  do {
    const auto end = buffer.substr(0, limits.head_bytes).find(kHeadEnd);
    if (end == std::string_view::npos) return buffer.size() >= limits.head_bytes ? refuse("its headers are too long") : more();
    head = {};
    if (const auto reason = parse_head(buffer.substr(0, end), limits, head); !reason.empty()) return refuse(reason);
    const auto line = head.start_line;
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return refuse("it does not speak HTTP/1.1");
    const auto digits = std::from_chars(line.data() + 9, line.data() + 12, read.status);
    if (digits.ptr != line.data() + 12 || read.status < 100) return refuse("it does not speak HTTP/1.1");
    buffer.remove_prefix(end + kHeadEnd.size());
  } while (read.status < 200 && read.status != 101);

  const auto framing = framing_of(head.headers, limits);
  if (!framing.reason.empty()) return refuse(framing.reason);
  if (read.status == 204 || read.status == 304 || read.status == 101) {
    read.progress = HttpProgress::kWhole;
  } else if (framing.chunked) {
    auto chunks = read_chunks(buffer, limits);
    if (chunks.progress == HttpProgress::kRefused) return refuse(chunks.reason);
    if (chunks.progress == HttpProgress::kMore) return more();
    read.body = std::move(chunks.body);
  } else {
    if (!framing.length && buffer.size() > limits.body_bytes) return refuse("its body is too long");
    if (framing.length ? buffer.size() < *framing.length : !ended) return more();
    read.body = buffer.substr(0, framing.length.value_or(buffer.size()));
  }
  read.progress = HttpProgress::kWhole;
  return read;
}

std::string to_bytes(const HttpAnswer& answer, bool keep_alive, bool with_body) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {{200, "OK"},
                                                                  {201, "Created"},
                                                                  {400, "Bad Request"},
                                                                  {401, "Unauthorized"},
                                                                  {403, "Forbidden"},
                                                                  {404, "Not Found"},
                                                                  {405, "Method Not Allowed"},
                                                                  {406, "Not Acceptable"},
                                                                  {408, "Timeout"},
                                                                  {409, "Conflict"},
                                                                  {413, "Payload Too Large"},
                                                                  {415, "Unsupported Media Type"},
                                                                  {422, "Invalid"},
                                                                  {429, "Too Many"},
                                                                  {431, "Headers Too Large"},
                                                                  {500, "Internal Server Error"},
                                                                  {501, "Not Implemented"},
                                                                  {503, "Unavailable"}};
  const auto* found = std::ranges::find(kReasons, answer.status, &std::pair<int, std::string_view>::first);
  auto bytes = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n", answer.status,
                           found == std::end(kReasons) ? "Status" : found->second, answer.content_type, answer.body.size());
  for (const auto& [name, value] : answer.headers) bytes += fmt::format("{}: {}\r\n", name, value);
  bytes += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  if (with_body) bytes += answer.body;
  return bytes;
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (decode(pair.substr(0, equals), true) == name) return decode(pair.substr(std::min(equals + 1, pair.size())), true).value_or("");
  }
  return {};
}

}  // namespace entryproof::cluster
