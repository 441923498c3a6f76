// Configuration: the CNI configuration that we publish, and where it comes from: generated around a primary, or a file given by hand.
//
// Both kinds keep the last good content whatever happens to their source, act on a source only when two looks at it agree, and write only
// when what is published is not what it should be.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reference/footprint.h"
#include "reference/host_paths.h"
#include "reference/instances.h"
#include "reference/log.h"
#include "reference/options.h"
#include "reference/publish.h"

namespace reference {

// Where the directories of the options really are in this turn (directories.h).
struct Places {
  std::string configuration;
  Result<std::string> primaries;
};

// What both kinds work with; everything outlives them.
struct Workbench {
  Host& host;
  const Options& options;
  const HostPaths& paths;
  const Places& places;
  const std::string& kubeconfig;  // where we write it, as this container sees it
  Publisher& publisher;
  const Instances& instances;
  Log& log;
};

class Configuration {
 public:
  virtual ~Configuration() = default;

  // Looks at the source and at what is published, and repairs. Success: a configuration of ours is in place.
  virtual Result<> keep() = 0;
  // What the answer of keep() depends on, beside the directories themselves.
  virtual std::vector<Trace> traces() const = 0;
  // Something has changed and waits for a second look.
  virtual bool unsettled() const = 0;
  // At the start: is this a trouble that the node may well live with until somebody else has solved it?
  virtual bool may_wait(const Problem& problem) = 0;
  // The end was asked for: removes what we published, and nothing that somebody else has put in its place.
  virtual void clean_up() = 0;
};

std::unique_ptr<Configuration> make_automatic_configuration(const Workbench& bench);
std::unique_ptr<Configuration> make_manual_configuration(const Workbench& bench);

}  // namespace reference
