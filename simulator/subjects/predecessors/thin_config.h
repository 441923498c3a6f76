// The configuration that 4.x generates: which file it delegates to, what it makes of that file, and the text it writes.
#pragma once

#include <string>

#include "simulator/subjects/predecessors/files.h"
#include "simulator/subjects/predecessors/flags.h"
#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::subjects::predecessor {

// The file to delegate to: the one named by flag where that is honoured, else the first *.conf or *.conflist in byte order.
Outcome<std::string> find_master(const Traits& traits, const Options& options);

struct Generated {
  std::string file_name;    // 00-multus.conf or 00-multus.conflist
  std::string text;         // built as text from pieces, so that some input gives invalid JSON
  std::string cni_version;  // the master's, or the one forced on it
};

// Says on the way what the release says. Valid JSON of a type the release did not expect is a panic.
Outcome<Generated> generate_config(const Traits& traits, const Options& options, const std::string& master_path,
                                   const std::string& master_text);

// Writes `NAME.new` without truncating a leftover, syncs it and renames it into cni-conf-dir.
Outcome<> publish_config(const Options& options, const Generated& generated);

}  // namespace entryproof::subjects::predecessor
