#include "simulator/cluster/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "simulator/base/result.h"
#include "simulator/cluster/keys.h"

namespace entryproof::cluster {

using Outcome = TlsStream::Outcome;

TlsStream::TlsStream(Descriptor socket, ssl_ctx_st* context, const Clock& clock, Moment deadline)
    : socket_(std::move(socket)), clock_(clock), deadline_(deadline) {
  if (context == nullptr) return;
  ssl_ = SSL_new(context);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (ssl_ == nullptr || in == nullptr || out == nullptr) std::abort();  // no memory
  SSL_set_bio(ssl_, in, out);
  SSL_set_connect_state(ssl_);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

void TlsStream::prepare(const std::string& server_name, ssl_session_st* session) {
  // The macro of that name casts in the old style.
  auto* name = const_cast<char*>(server_name.c_str());
  if (!server_name.empty()) SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
  if (session != nullptr) SSL_set_session(ssl_, session);
}

Outcome TlsStream::shake_hands() {
  return step([&] { return SSL_do_handshake(ssl_); });
}

Outcome TlsStream::write(std::string_view bytes) {
  if (ssl_ == nullptr) return send_all(bytes);
  return step([&] { return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())); });
}

Outcome TlsStream::read(std::string& into) {
  if (ssl_ == nullptr) return receive(into);
  std::array<char, 16384> buffer;
  int got = 0;
  const auto outcome = step([&] { return got = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size())); });
  if (outcome == Outcome::kDone) into.append(buffer.data(), static_cast<std::size_t>(got));
  return outcome;
}

void TlsStream::close() {
  if (ssl_ == nullptr) return;
  SSL_shutdown(ssl_);
  ERR_clear_error();
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
  if (size > 0) static_cast<void>(::send(socket_.get(), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL));
}

bool TlsStream::resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }

std::string TlsStream::chain_pem() const {
  const std::unique_ptr<BIO, Freer<BIO_free_all>> out(BIO_new(BIO_s_mem()));
  const auto* chain = SSL_get_peer_cert_chain(ssl_);
  for (int i = 0; i < sk_X509_num(chain); ++i) PEM_write_bio_X509(out.get(), sk_X509_value(chain, i));
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(std::max(size, 0L))};
}

// Does an operation of OpenSSL, and for as long as it needs bytes, moves them.
Outcome TlsStream::step(const std::function<int()>& operation) {
  for (;;) {
    ERR_clear_error();
    const int result = operation();
    const int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, result);
    const auto code = ERR_peek_error();
    // Also what a failure has to say: the alert.
    if (const auto sent = flush(); sent != Outcome::kDone && error != SSL_ERROR_SSL) return sent;
    if (error == SSL_ERROR_NONE) return Outcome::kDone;
    if (error == SSL_ERROR_ZERO_RETURN) return Outcome::kEnded;
    if (error != SSL_ERROR_WANT_READ) {
      const char* reason = ERR_reason_error_string(code);
      return fail(std::string("tls: ") + (reason != nullptr ? reason : "an error"));
    }
    std::string bytes;
    if (const auto got = receive(bytes); got != Outcome::kDone) return got;
    BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  }
}

Outcome TlsStream::flush() {
  BIO* out = SSL_get_wbio(ssl_);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(out, &bytes);
  if (size <= 0) return Outcome::kDone;
  const auto sent = send_all({bytes, static_cast<std::size_t>(size)});
  BIO_reset(out);
  return sent;
}

Outcome TlsStream::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const auto ready = wait(POLLOUT); ready != Outcome::kDone) return ready;
    } else if (errno != EINTR) {
      return fail(errno_text(errno));
    }
  }
  return Outcome::kDone;
}

Outcome TlsStream::receive(std::string& into) {
  std::array<char, 16384> buffer;
  for (;;) {
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      into.append(buffer.data(), static_cast<std::size_t>(got));
      return Outcome::kDone;
    }
    if (got == 0) return Outcome::kEnded;
    if (errno == EAGAIN) {
      if (const auto ready = wait(POLLIN); ready != Outcome::kDone) return ready;
    } else if (errno != EINTR) {
      return fail(errno_text(errno));
    }
  }
}

Outcome TlsStream::wait(short events) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - clock_.now()).count();
  if (left <= 0) return Outcome::kTimeout;
  pollfd waiting{socket_.get(), events, 0};
  poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 3'600'000)));
  // Whatever it was: the operation is tried again, and then knows.
  return Outcome::kDone;
}

Outcome TlsStream::fail(std::string problem) {
  problem_ = std::move(problem);
  return Outcome::kFailed;
}

}  // namespace entryproof::cluster
