// KubeconfigKeeper: from what kubelet projects to the kubeconfig that the plugin reads, turn after turn.
//
// What was good last is kept: a source that is missing or no good never replaces it, and a damaged file is repaired from it. Nothing is
// decided by a clock or by what a token says of itself; any change of token or CA is published. Expiry is only told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "reference/instances.h"
#include "reference/kubeconfig.h"
#include "reference/log.h"
#include "reference/options.h"
#include "reference/publish.h"
#include "reference/service_account.h"

namespace reference {

class KubeconfigKeeper {
 public:
  KubeconfigKeeper(Host& host, const Options& options, const Instances& instances, Publisher& publisher, Log& log)
      : host_(host), options_(options), instances_(instances), publisher_(publisher), log_(log) {}

  // Once: finds the API server. `path` is where the kubeconfig may stand from before. The flag goes first, then the environment; if kubelet
  // gave no variables (it may start a Pod before it knows them), then the server of the kubeconfig that is there.
  Result<> find_server(const std::string& path);

  // Reads token and CA. True: publish() has something to keep at `path`. False: the policy leaves that to somebody else.
  Result<bool> refresh(const std::string& path);
  // Makes sure of the content, in a directory that is there.
  Result<> publish(const std::string& path);

  bool calm() const { return calm_; }                                         // the last two found nothing to do and nothing to complain of
  std::optional<std::int64_t> published_at() const { return published_at_; }  // seconds since 1970
  std::optional<std::int64_t> token_expires() const { return token_expires_; }  // of the published one

 private:
  Result<bool> provided_by_others(const std::string& path);
  bool yields(const std::string& path);
  void told(const std::string& path);
  void warn_of_end(const std::string& why);
  void warn_of_their_end(const std::string& path);

  Host& host_;
  const Options& options_;
  const Instances& instances_;
  Publisher& publisher_;
  Log& log_;
  Result<Endpoint> endpoint_;
  Credentials good_;             // what was good last
  std::string desired_;          // the content that is made of them
  std::string published_token_;  // that stands in the file
  std::optional<std::int64_t> published_at_;
  std::optional<std::int64_t> token_expires_;
  std::string warned_of_;  // the token of a file that others provide
  bool calm_ = false;
  bool yielding_ = false;
};

}  // namespace reference
