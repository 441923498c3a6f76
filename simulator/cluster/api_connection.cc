#include "simulator/cluster/api_connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/cluster/api_routes.h"

namespace entryproof::cluster {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostOutput = 256U << 10;  // of answers that the client does not fetch
constexpr std::size_t kMostDiscarded = 1U << 20;
constexpr auto kFlushTime = 10s;
constexpr auto kLingerTime = 500ms;
// What Go's server says to a client that does not speak TLS.
constexpr std::string_view kNotTls = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

timeval as_timeval(std::chrono::nanoseconds duration) {
  const auto us = std::max<std::int64_t>(std::chrono::ceil<std::chrono::microseconds>(duration).count(), 0);
  return {us / 1'000'000, us % 1'000'000};
}

std::string_view view(evbuffer* buffer) {
  const auto size = evbuffer_get_length(buffer);
  return {reinterpret_cast<const char*>(evbuffer_pullup(buffer, -1)), size};
}

void say_not_tls(int socket) {
  static_cast<void>(::send(socket, kNotTls.data(), kNotTls.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  shutdown(socket, SHUT_WR);
  // A request that is still unread when the socket is closed would make that a reset, which takes the answer back.
  std::array<char, 4096> rest;
  for (int turn = 0; turn < 64 && recv(socket, rest.data(), rest.size(), MSG_DONTWAIT) > 0;) ++turn;
}

}  // namespace

struct ApiConnection::Callbacks {
  static void readable(bufferevent*, void* self) { static_cast<ApiConnection*>(self)->on_readable(); }
  static void written(bufferevent*, void* self) { static_cast<ApiConnection*>(self)->on_written(); }
  static void happened(bufferevent*, short what, void* self) { static_cast<ApiConnection*>(self)->on_event(what); }
  static void deadline(evutil_socket_t, short, void* self) { static_cast<ApiConnection*>(self)->on_deadline(); }
};

ApiConnection::ApiConnection(ApiConnectionOwner& owner, event_base* base, ssl_ctx_st* context, Descriptor socket) : owner_(owner) {
  SSL* ssl = SSL_new(context);
  if (ssl == nullptr) return;
  // Deferred: a write that fails shall not destroy the connection while it is writing.
  stream_ =
      bufferevent_openssl_socket_new(base, socket.get(), ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
  if (stream_ == nullptr) {
    SSL_free(ssl);
    return;
  }
  socket.release();
  bufferevent_openssl_set_allow_dirty_shutdown(stream_, 1);
  const auto& http = owner_.limits().http;
  bufferevent_setwatermark(stream_, EV_READ, 0, http.head_bytes + 2 * http.body_bytes);
  bufferevent_setcb(stream_, Callbacks::readable, Callbacks::written, Callbacks::happened, this);
  deadline_ = evtimer_new(base, Callbacks::deadline, this);
  bufferevent_enable(stream_, EV_READ | EV_WRITE);
  // From here on, handshake included.
  begun_ = true;
  wait_for(State::kReading, owner_.limits().request);
}

ApiConnection::~ApiConnection() {
  hold(0);
  if (deadline_ != nullptr) event_free(deadline_);
  if (stream_ != nullptr) bufferevent_free(stream_);
}

void ApiConnection::reset_at_end() {
  const ::linger at_once{1, 0};
  setsockopt(bufferevent_getfd(stream_), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void ApiConnection::wait_for(State state, std::chrono::nanoseconds at_most) {
  state_ = state;
  const auto time = as_timeval(at_most);
  evtimer_add(deadline_, &time);
}

void ApiConnection::hold(std::size_t bytes) {
  holds_too_much_ = !owner_.hold(static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(held_));
  held_ = bytes;
}

void ApiConnection::on_readable() {
  if (state_ == State::kReading) {
    read_requests();
  } else if (state_ == State::kLingering) {
    auto* input = bufferevent_get_input(stream_);
    discarded_ += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (discarded_ > kMostDiscarded) end();
  }
}

void ApiConnection::on_written() {
  if (state_ == State::kFlushing) return linger();
  if (state_ == State::kReading) read_requests();  // those that waited for the client to fetch its answers
}

bool ApiConnection::read_requests() {
  while (state_ == State::kReading && evbuffer_get_length(bufferevent_get_output(stream_)) <= kMostOutput) {
    auto* input = bufferevent_get_input(stream_);
    const auto size = evbuffer_get_length(input);
    if (size == 0) return true;
    if (!std::exchange(begun_, true)) wait_for(State::kReading, owner_.limits().request);
    if (size < needs_) return true;
    auto read = read_request(view(input), owner_.limits().http);
    if (read.progress == HttpProgress::kRefused) return refuse(read.status, read.reason);
    if (read.progress == HttpProgress::kMore) {
      needs_ = read.needs;
      hold(size);
      if (holds_too_much_) return refuse(503, "too much is under way");
      if (read.awaits_continue && !std::exchange(continued_, true)) {
        constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
        bufferevent_write(stream_, kGoOn.data(), kGoOn.size());
      }
      return true;
    }
    evbuffer_drain(input, read.used);
    hold(0);
    needs_ = 0;
    continued_ = false;
    if (!handle(read.request)) return false;
  }
  return true;
}

bool ApiConnection::handle(const HttpRequest& request) {
  auto& plane = owner_.plane();
  const auto availability = plane.availability();
  using Mode = Availability::Mode;
  if (availability.mode == Mode::kDown || availability.mode == Mode::kResetting) {
    reset_at_end();
    wait_for(State::kAborting, availability.mode == Mode::kDown ? 0ns : availability.latency);
    return true;
  }
  auto answered = answer(request, plane);
  spoke_ = true;
  owner_.record({.wall_ns = plane.wall_ns(),
                 .what = std::move(answered.what),
                 .status = answered.http.status,
                 .fault = answered.fault,
                 .generation = answered.generation});
  auto bytes = to_bytes(answered.http, request.keep_alive, request.method != "HEAD");
  if (availability.mode != Mode::kSlow) return send(bytes, request.keep_alive);
  delayed_ = std::move(bytes);
  keep_alive_ = request.keep_alive;
  wait_for(State::kDelaying, availability.latency);
  return true;
}

bool ApiConnection::refuse(int status, std::string_view reason) {
  spoke_ = true;
  owner_.record({.wall_ns = owner_.plane().wall_ns(), .what = {}, .status = status, .problem = std::string(reason)});
  return send(to_bytes(status_answer(status, reason), false), false);
}

bool ApiConnection::send(const std::string& bytes, bool keep_alive) {
  begun_ = false;
  // The state first: writing may call back.
  if (keep_alive) {
    wait_for(State::kReading, owner_.limits().idle);
  } else {
    wait_for(State::kFlushing, kFlushTime);
  }
  if (bufferevent_write(stream_, bytes.data(), bytes.size()) == 0) return true;
  end();
  return false;
}

void ApiConnection::linger() {
  wait_for(State::kLingering, kLingerTime);
  SSL_shutdown(bufferevent_openssl_get_ssl(stream_));
  shutdown(bufferevent_getfd(stream_), SHUT_WR);
}

void ApiConnection::on_event(int what) {
  if ((what & BEV_EVENT_CONNECTED) != 0) return;
  std::string problem;
  for (unsigned long code = 0; (code = bufferevent_get_openssl_error(stream_)) != 0;) {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) say_not_tls(bufferevent_getfd(stream_));
    const char* reason = ERR_reason_error_string(code);
    if (problem.empty()) problem = fmt::format("tls: {}", reason != nullptr ? reason : "an error");
  }
  end(std::move(problem));
}

void ApiConnection::on_deadline() {
  switch (state_) {
    case State::kReading:
      return end(begun_ ? "no whole request in time" : "");
    case State::kDelaying:
      if (send(std::exchange(delayed_, {}), keep_alive_)) read_requests();
      return;
    case State::kAborting:
    case State::kFlushing:
    case State::kLingering:
      return end();
  }
}

void ApiConnection::end(std::string problem) {
  if (!spoke_ || (!problem.empty() && state_ == State::kReading && begun_)) {
    if (problem.empty()) problem = state_ == State::kAborting ? "reset" : "the client hung up";
    owner_.record({.wall_ns = owner_.plane().wall_ns(), .what = {}, .status = 0, .problem = std::move(problem)});
  }
  owner_.forget(this);
}

}  // namespace entryproof::cluster
