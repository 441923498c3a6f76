// ManualConfig: a configuration that somebody wrote by hand, judged before the runtime sees it.
//
// One broken file at the front of the directory takes a node's network down (containerd) or silently past Multus (CRI-O). So the file must
// be what its name says, and the kubeconfig that it names must be the one that we write.
#pragma once

#include <string>

#include "reference/host_paths.h"
#include "reference/problem.h"

namespace reference {

// Nothing if `text` may be published under the name of `path`; `kubeconfig` is where we write ours, as this container sees it.
Result<> judge_manual_config(const std::string& path, const std::string& text, const HostPaths& paths, const std::string& kubeconfig);

}  // namespace reference
