// Http: messages of HTTP/1.1, between bytes and values. Pure.
//
// Our API server reads requests that any build may send, and our client reads answers from whatever listens where a kubeconfig points: both
// are untrusted, so every length has a cap and a bad message is refused with a reason that quotes none of it (it may hold a token). These
// functions are all that stands between the socket and the routing, so a fuzzer can feed them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::cluster {

struct HttpHeader {
  std::string name;  // lower case
  std::string value;
};

struct HttpRequest {
  std::string method;
  std::string path;   // decoded, without the query
  std::string query;  // as sent, without "?"
  std::vector<HttpHeader> headers;
  std::string body;
  bool keep_alive = true;

  // The first header of that (lower-case) name; "" if there is none.
  std::string_view header(std::string_view name) const;
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<HttpHeader> headers = {};  // more of them
};

struct HttpLimits {
  std::size_t head_bytes = 64U << 10;  // start line and headers
  std::size_t headers = 100;
  std::size_t body_bytes = 1U << 20;
};

enum class HttpProgress : unsigned char { kMore, kWhole, kRefused };

struct HttpRequestRead {
  HttpProgress progress = HttpProgress::kMore;
  HttpRequest request;           // kWhole
  std::size_t used = 0;          // kWhole: bytes of the buffer that were the request
  std::size_t needs = 0;         // kMore: nothing new can be said before the buffer has this many bytes
  bool awaits_continue = false;  // kMore: the client wants "100 Continue" before it sends the body
  int status = 400;              // kRefused: what to answer, then close
  std::string_view reason = {};  // kRefused
};
// Reads the request at the beginning of the buffer.
HttpRequestRead read_request(std::string_view buffer, const HttpLimits& limits = {});

struct HttpAnswerRead {
  HttpProgress progress = HttpProgress::kMore;
  int status = 0;
  std::string body;
  std::string_view reason = {};  // kRefused
};
// Reads the answer at the beginning of the buffer; interim answers (1xx) are passed over. `ended`: nothing more will come.
HttpAnswerRead read_answer(std::string_view buffer, bool ended, const HttpLimits& limits = {});

// The bytes of an answer. `with_body` is false for HEAD: the length is told, the body is not sent.
std::string to_bytes(const HttpAnswer& answer, bool keep_alive, bool with_body = true);

// The value of a query's parameter, decoded; "" if it is not there.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace entryproof::cluster
