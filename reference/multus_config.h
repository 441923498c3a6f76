// MultusConfig: 00-multus.conf or 00-multus.conflist, around a primary that goes in as it is.
//
// Rendered completely in memory and read back before anybody sees it. Keys, their order and their meaning are upstream's.
#pragma once

#include <string>

#include "reference/host_paths.h"
#include "reference/options.h"
#include "reference/primary.h"
#include "reference/problem.h"

namespace reference {

inline constexpr const char* kSingleName = "00-multus.conf";
inline constexpr const char* kListName = "00-multus.conflist";

struct MultusConfig {
  std::string file_name;  // a list from cniVersion 1 on
  std::string text;
};

// The compact text of the only delegate of a configuration that an entrypoint generated; empty if this text is none.
std::string delegate_of(const std::string& text);

// Does this text look like a configuration that an entrypoint generated: Multus at the top, with delegates?
bool is_generated(const std::string& text);

Result<MultusConfig> render_multus_config(const Options& options, const HostPaths& paths, const Primary& primary);

}  // namespace reference
