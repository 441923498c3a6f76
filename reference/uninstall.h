// Uninstall: the way back, in the order that hurts nobody.
//
// A primary that was set aside comes back first, so that the runtime has something to fall back to; then the configuration goes, since one
// without credentials or plugin takes the node's network down; then the kubeconfig, whose token may still be good, with our temporary files
// and our directory; then the plugin, if nothing else uses it. Each step is durable before the next begins. Only what is ours goes, whoever
// ran before us, and doing it again does nothing.
//
// Not while an entrypoint runs on the node: that would put everything back.
#pragma once

#include "reference/host.h"
#include "reference/options.h"

namespace reference {

// `options` as the installation had them. Says what it removed and what it left; gives the exit status. Nothing there is a success.
int uninstall(Host& host, const Options& options);

}  // namespace reference
