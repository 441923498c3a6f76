// ApiServer: the API servers of all worlds of this process, on one thread.
//
// A world brings its ControlPlane and the sockets that listen in its network namespace; from then on whoever connects there meets TLS 1.2
// or 1.3 with the certificate of the moment and HTTP/1.1 (api_routes.h says what is answered). Event-driven, by libevent over OpenSSL:
// an idle world costs nothing. Contexts are shared between worlds with the same certificate, and sessions can be
// resumed as long as the certificate stays.
//
// Clients are builds under test, so hostile: heads, bodies, connections and times have caps, a slow or half-open client is dropped at a
// deadline however it trickles, plain HTTP and garbage are answered as Go's server does. The messages are read by our own http.h, not by
// evhttp: that can neither bound a world's connections nor the time of one request, and gives a fuzzer no way in.
//
// Thread contract: any thread may attach, detach and read evidence; the ControlPlane is asked from the server's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/cluster/control_plane.h"
#include "simulator/cluster/http.h"

namespace entryproof::cluster {

// One request as evidence, or a connection that ended before any. Never anything that the client wrote.
struct Exchange {
  std::int64_t wall_ns = 0;              // by the world's clock
  std::string what;                      // "get pods", "get /version"; "" = about nothing that exists, or not understood
  int status = 0;                        // 0: a connection that ended without a request
  std::optional<TokenFault> fault = {};  // of a 401
  std::uint64_t generation = 0;          // of the token; 0 = never projected, or none
  std::string problem = {};              // why it was no request: "tls: tlsv1 alert unknown ca", "the headers are too long"
};

struct Evidence {
  std::vector<Exchange> exchanges;  // the first ones, up to ApiServer::Limits::evidence
  std::uint64_t total = 0;          // all there were
};

class ApiServer {
 public:
  struct Limits {
    HttpLimits http = {};
    std::size_t connections = 4096;      // of one world; more are reset
    std::size_t connections_in_all = 0;  // of all worlds; 0 = half of the open files that the process may have. More are reset
    std::chrono::milliseconds request = std::chrono::seconds(10);  // from the first byte (or from connecting) to the whole request
    std::chrono::milliseconds idle = std::chrono::seconds(90);     // between requests
    std::size_t evidence = 10'000;
  };

  // Starts the thread.
  explicit ApiServer(Limits limits);
  ApiServer() : ApiServer(Limits{}) {}
  // Every attachment must be gone.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // A world that is served; its end closes the sockets and resets the connections, and returns when nothing of the world is used any more.
  class Attachment {
   public:
    ~Attachment();
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    Evidence evidence() const;
    std::size_t connections() const;  // open now
    // Says that endpoints or availability have changed, so that refused connections are refused by the kernel, before any byte. Without it
    // the server notices at the next connection and resets it. Returns when it is so.
    void refresh();

   private:
    friend class ApiServer;
    struct World;
    Attachment(ApiServer& server, std::shared_ptr<World> world) : server_(server), world_(std::move(world)) {}
    ApiServer& server_;
    std::shared_ptr<World> world_;
  };

  // `listeners` listen, are non-blocking, and are bound to what ControlPlane::endpoints() names (others are served, too, as long as they
  // are not on another port or address than the endpoints that are left; see refresh()). The plane must outlive the attachment.
  std::unique_ptr<Attachment> attach(ControlPlane& plane, std::vector<Descriptor> listeners);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace entryproof::cluster
