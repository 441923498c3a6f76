// KubeconfigHolder: to whom the kubeconfig belongs that stands in its place, where the policy lets somebody else provide it.
//
// Told by the content and not by memory, so that a restart decides like the life before it: what has the form that an entrypoint writes is
// an entrypoint's, and must not be left to grow old; anything else that is not empty was put there by somebody who wants it so.
#pragma once

#include <string>
#include <string_view>

#include "reference/host.h"
#include "reference/problem.h"

namespace reference {

enum class Holder {
  kNobody,    // nothing is there, or an empty file, or what is no file
  kUs,        // an entrypoint wrote it, perhaps a life ago
  kSomebody,  // provided
};

// `desired` is what we wrote last, or empty: a piece of it is ours, too. A file that cannot be read or a link that leads nowhere is a
// problem: the plugin would find as little.
Result<Holder> find_holder(Host& host, const std::string& kubeconfig, std::string_view desired);

}  // namespace reference
