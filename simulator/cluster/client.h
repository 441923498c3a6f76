// Client: our client of the API server, the oracle behind "authenticates": what somebody with this configuration experiences, in fact.
//
// As the CNI plugin, it is a new client every time: each question opens a connection of its own, verifies the certificate that the server
// shows now (chain.h: the rules of Go), sends the token and reads the answer. Only TLS sessions are kept, which saves the server's
// signature; a server with another certificate does not know them, and the certificates of a resumed session are verified anew each time,
// so that nothing old vouches for anything. A connection kept alive would: that is why there is none.
//
// The other side may be anything that listens there: answers have caps and one deadline for all.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/base/clock.h"
#include "simulator/base/descriptor.h"
#include "simulator/cluster/client_config.h"
#include "simulator/cluster/handshake.h"

namespace entryproof::cluster {

// What came of a question; the kinds are those of the prediction (handshake.h), so that the two can be compared.
struct Contact {
  Experience::Kind kind = Experience::Kind::kMalformed;
  std::string cause;     // one line, without token bytes; "" if authenticated
  int status = 0;        // of the answer; 0 = none came
  std::string body;      // of the answer; may hold whatever the server said
  bool resumed = false;  // the TLS session was
};

// Connects to an address (IPv6 without brackets), or tells the errno of connect(2); ENOENT: the name is unknown. From wherever the client
// shall be: in a world, from inside its network namespace.
using Connect = std::function<std::expected<Descriptor, int>(const std::string& host, std::uint16_t port, Duration timeout)>;

// Thread contract: one thread at a time.
class Client {
 public:
  // Certificates are judged at the wall time that `wall_ns` gives.
  Client(Connect connect, std::function<std::int64_t()> wall_ns);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // GET of a path.
  Contact get(const ClientConfig& config, std::string_view path);
  // The same question as to attempt(). A "get" is asked of an object that need not exist: 404 is an answer to somebody who may ask.
  Contact ask(const ClientConfig& config, const Question& question = {});

  void forget_sessions();

 private:
  struct Sessions;
  Contact exchange(const ClientConfig& config, std::string_view path);

  Connect connect_;
  std::function<std::int64_t()> wall_ns_;
  RealClock clock_;  // for deadlines
  std::unique_ptr<Sessions> sessions_;
};

}  // namespace entryproof::cluster
