// ApiConnection: one client's connection to an API server, from accept(2) to its end. Private to the server; lives on its thread.
//
// It is always waiting for one thing and has one deadline for it: a request, the end of a delay, the last bytes to go out, the client to
// hang up. Each of them is bounded, so no client can keep it by being slow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "simulator/base/descriptor.h"
#include "simulator/cluster/api_server.h"

struct bufferevent;
struct event;
struct event_base;
struct ssl_ctx_st;

namespace entryproof::cluster {

class ApiConnection;

// What a connection needs of its world.
struct ApiConnectionOwner {
  virtual ~ApiConnectionOwner() = default;
  virtual ControlPlane& plane() = 0;
  virtual const ApiServer::Limits& limits() const = 0;
  virtual void record(Exchange exchange) = 0;
  // Counts the bytes of unfinished requests; false when the world holds too many.
  virtual bool hold(std::int64_t more_bytes) = 0;
  // Destroys the connection.
  virtual void forget(ApiConnection* connection) = 0;
};

class ApiConnection {
 public:
  ApiConnection(ApiConnectionOwner& owner, event_base* base, ssl_ctx_st* context, Descriptor socket);
  ~ApiConnection();
  ApiConnection(const ApiConnection&) = delete;
  ApiConnection& operator=(const ApiConnection&) = delete;

  bool ok() const { return stream_ != nullptr; }
  // Its end shall be a reset, not a farewell.
  void reset_at_end();

 private:
  enum class State : std::uint8_t {
    kReading,    // a request
    kDelaying,   // an answer is ready, and held back
    kAborting,   // will be reset at the deadline
    kFlushing,   // the last answer goes out
    kLingering,  // all is said; what still comes is thrown away, for a reset would take the answer back
  };
  struct Callbacks;

  void wait_for(State state, std::chrono::nanoseconds at_most);
  void on_readable();
  void on_written();
  void on_event(int what);
  void on_deadline();

  // These may end the connection, and then `this` is gone: false.
  bool read_requests();
  bool handle(const HttpRequest& request);
  bool refuse(int status, std::string_view reason);
  bool send(const std::string& bytes, bool keep_alive);
  void linger();
  void end(std::string problem = {});

  void hold(std::size_t bytes);
  bool holds_too_much_ = false;

  ApiConnectionOwner& owner_;
  bufferevent* stream_ = nullptr;
  event* deadline_ = nullptr;
  State state_ = State::kReading;
  bool begun_ = false;      // the first byte of the next request is there
  bool continued_ = false;  // "100 Continue" was sent
  bool keep_alive_ = true;  // of the delayed answer
  bool spoke_ = false;      // something was recorded about it
  std::string delayed_;
  std::size_t needs_ = 0;      // bytes before the request can be read on
  std::size_t held_ = 0;       // bytes reported to the owner
  std::size_t discarded_ = 0;  // while lingering
};

}  // namespace entryproof::cluster
