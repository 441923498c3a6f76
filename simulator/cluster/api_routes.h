// ApiRoutes: what the API server answers, as a function of a request and the cluster. Pure but for what a PATCH changes.
//
// In the order of a kube-apiserver that admits nobody without a name (--anonymous-auth=false): who are you (401), may you (403), is there
// such a thing (404), then the answer. Discovery is complete enough for kubectl. Apart from the sockets, so that tests and fuzzers call it
// with whatever they like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulator/cluster/control_plane.h"
#include "simulator/cluster/http.h"

namespace entryproof::cluster {

struct ApiAnswer {
  HttpAnswer http;
  // Evidence. Nothing here was written by the client, which might have put its token anywhere.
  std::string what;                      // "get pods", "get /version"; "" if the request was about nothing that exists
  std::optional<TokenFault> fault = {};  // of a 401
  std::uint64_t generation = 0;          // of the token; 0 = never projected, or none
};

ApiAnswer answer(const HttpRequest& request, ControlPlane& cluster);

// A Status object, which is the body of every refusal.
HttpAnswer status_answer(int code, std::string_view message);

}  // namespace entryproof::cluster
