#include "simulator/cluster/client.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <cstdlib>
#include <map>
#include <utility>

#include "simulator/base/result.h"
#include "simulator/cluster/chain.h"
#include "simulator/cluster/http.h"
#include "simulator/cluster/keys.h"
#include "simulator/cluster/tls_stream.h"

namespace entryproof::cluster {
namespace {

using Kind = Experience::Kind;
using Session = std::unique_ptr<SSL_SESSION, Freer<SSL_SESSION_free>>;
using Outcome = TlsStream::Outcome;

constexpr std::size_t kMostSessions = 64;
// An object that is not there: whether somebody may ask for it is answered first.
constexpr std::string_view kNobody = "entryproof-asks";

Contact contact(Kind kind, std::string cause) { return {.kind = kind, .cause = std::move(cause), .body = {}}; }

// An interrupted conversation. What never answered is unreachable; what answered nonsense is malformed.
Contact broken(Outcome outcome, const TlsStream& stream, std::string_view during) {
  if (outcome == Outcome::kTimeout) return contact(Kind::kUnreachable, fmt::format("{}: no answer in time", during));
  if (outcome == Outcome::kEnded) return contact(Kind::kUnreachable, fmt::format("{}: the server closed the connection", during));
  const auto& problem = stream.problem();
  return contact(problem.starts_with("tls: ") ? Kind::kMalformed : Kind::kUnreachable, fmt::format("{}: {}", during, problem));
}

Contact judge(HttpAnswerRead answer) {
  Contact result{.cause = {}, .status = answer.status, .body = std::move(answer.body)};
  switch (answer.status) {
    case 401:
      result.kind = Kind::kUnauthorized;
      break;
    case 403:
      result.kind = Kind::kForbidden;
      break;
    default:
      result.kind = answer.status >= 500                          ? Kind::kUnreachable
                    : answer.status < 300 || answer.status == 404 ? Kind::kAuthenticated
                                                                  : Kind::kMalformed;
  }
  if (result.kind != Kind::kAuthenticated) result.cause = fmt::format("the server answered {}", answer.status);
  return result;
}

std::string request_bytes(const ClientConfig& config, std::string_view path) {
  const bool v6 = config.host.find(':') != std::string::npos;
  auto bytes = fmt::format("GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nAccept: application/json\r\nConnection: close\r\n", path, v6 ? "[" : "",
                           config.host, v6 ? "]" : "", config.port);
  if (!config.token.empty()) bytes += fmt::format("Authorization: Bearer {}\r\n", config.token);
  return bytes + "\r\n";
}

}  // namespace

// Sessions by server, and the context whose callback fills them.
struct Client::Sessions {
  Sessions() : context(SSL_CTX_new(TLS_client_method())) {
    if (context == nullptr) std::abort();  // no memory
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context.get(), this);
    SSL_CTX_sess_set_new_cb(context.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto* self = static_cast<Sessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      if (self->by_server.size() >= kMostSessions) self->by_server.clear();
      self->by_server[self->talking_to].reset(session);
      return 1;  // ours now
    });
  }

  std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>> context;
  std::map<std::string, Session> by_server;
  std::string talking_to;
};

Client::Client(Connect connect, std::function<std::int64_t()> wall_ns)
    : connect_(std::move(connect)), wall_ns_(std::move(wall_ns)), sessions_(std::make_unique<Sessions>()) {}
Client::~Client() = default;

void Client::forget_sessions() { sessions_->by_server.clear(); }

Contact Client::get(const ClientConfig& config, std::string_view path) {
  if (auto defect = own_defect(config); !defect.empty()) return contact(Kind::kMalformed, std::move(defect));
  return exchange(config, path);
}

Contact Client::ask(const ClientConfig& config, const Question& question) {
  if (question.resource.starts_with('/')) return get(config, question.resource);
  const bool core = question.resource.starts_with("pods");
  auto path = fmt::format("{}/namespaces/{}/{}", core ? "/api/v1" : "/apis/k8s.cni.cncf.io/v1", question.name_space,
                          question.resource.substr(0, question.resource.find('/')));
  if (question.verb == "get") path += fmt::format("/{}", kNobody);
  if (const auto sub = question.resource.find('/'); sub != std::string::npos) path += question.resource.substr(sub);
  return get(config, path);
}

Contact Client::exchange(const ClientConfig& config, std::string_view path) {
  const auto deadline = clock_.now() + config.timeout;
  auto socket = connect_(config.host, config.port, config.timeout);
  if (!socket) {
    return contact(Kind::kUnreachable,
                   socket.error() == ENOENT ? "no such host: nothing resolves names here" : "connect: " + errno_text(socket.error()));
  }
  const bool tls = config.scheme == "https";
  TlsStream stream(std::move(*socket), tls ? sessions_->context.get() : nullptr, clock_, deadline);
  if (tls) {
    const auto& name = config.tls_server_name.empty() ? config.host : config.tls_server_name;
    sessions_->talking_to = fmt::format("{} {} {}", config.host, config.port, name);
    const auto known = sessions_->by_server.find(sessions_->talking_to);
    stream.prepare(canonical_address(name) ? "" : name, known == sessions_->by_server.end() ? nullptr : known->second.get());
    if (const auto shaken = stream.shake_hands(); shaken != Outcome::kDone) return broken(shaken, stream, "TLS handshake");
    if (!config.insecure) {
      if (auto defect = chain_defect(config.ca_pem, stream.chain_pem(), name, wall_ns_()))
        return contact(Kind::kUntrusted, std::move(*defect));
    }
  }
  if (const auto sent = stream.write(request_bytes(config, path)); sent != Outcome::kDone) return broken(sent, stream, "request");

  std::string received;
  for (bool ended = false;;) {
    const auto got = stream.read(received);
    if (got == Outcome::kEnded) ended = true;
    if (got == Outcome::kTimeout || got == Outcome::kFailed) return broken(got, stream, "answer");
    if (ended && received.empty()) return broken(got, stream, "answer");
    auto answer = read_answer(received, ended);
    if (answer.progress == HttpProgress::kMore) continue;
    if (answer.progress == HttpProgress::kRefused) return contact(Kind::kMalformed, fmt::format("answer: {}", answer.reason));
    stream.close();
    auto result = judge(std::move(answer));
    result.resumed = stream.resumed();
    return result;
  }
}

}  // namespace entryproof::cluster
