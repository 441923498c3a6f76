// TlsStream: a socket that speaks TLS as a client, or does not, with one deadline for all that is done on it.
//
// TLS runs on memory and this moves the bytes, so that no write can raise SIGPIPE in the harness. Certificates are not verified here:
// whoever holds a stream verifies the chain that it shows, resumed or not, before it says anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/base/clock.h"
#include "simulator/base/descriptor.h"

struct ssl_st;          // SSL
struct ssl_ctx_st;      // SSL_CTX
struct ssl_session_st;  // SSL_SESSION

namespace entryproof::cluster {

class TlsStream {
 public:
  enum class Outcome : std::uint8_t { kDone, kEnded, kFailed, kTimeout };

  // Without a context: plain. The socket is non-blocking and connected.
  TlsStream(Descriptor socket, ssl_ctx_st* context, const Clock& clock, Moment deadline);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Before shake_hands(): the name sent as SNI ("" = none), the session to be resumed (may be null).
  void prepare(const std::string& server_name, ssl_session_st* session);
  Outcome shake_hands();
  Outcome write(std::string_view bytes);
  // Appends what comes next; kEnded at an orderly or disorderly end.
  Outcome read(std::string& into);
  // TLS' farewell, if it can be said at once.
  void close();

  bool resumed() const;
  // PEM of what the server showed, leaf first.
  std::string chain_pem() const;
  // Why an operation kFailed: an errno's or OpenSSL's words, never bytes of the stream.
  const std::string& problem() const { return problem_; }

 private:
  Outcome step(const std::function<int()>& operation);
  Outcome send_all(std::string_view bytes);
  Outcome flush();
  Outcome receive(std::string& into);
  Outcome wait(short events);
  Outcome fail(std::string problem);

  Descriptor socket_;
  ssl_st* ssl_ = nullptr;
  const Clock& clock_;
  Moment deadline_;
  std::string problem_;
};

}  // namespace entryproof::cluster
