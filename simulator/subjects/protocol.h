// Protocol: what the launcher's client and its process say to each other. Private to them.
#pragma once

#include <cstdint>
#include <string>

#include "simulator/subjects/channel.h"
#include "simulator/subjects/launcher.h"

namespace entryproof::subjects {

// Client to process: kind, id, body. Descriptors of kSpawn: stdout, stderr, and the network if SandboxSpec::network >= 0; of kMakeSockets:
// the network.
// Process to client: kind, id, body. kSpawned carries the pidfd; kNetwork the namespace and the listeners; kSockets what was opened;
// kDone answers kDeny and kRemount; kFailed an Error; kEnded an exit code, a signal and a mask of excesses.
enum class Word : std::uint64_t {
  kSpawn,
  kMakeNetwork,
  kMakeSockets,
  kDeny,
  kRemount,
  kSpawned,
  kNetwork,
  kSockets,
  kDone,
  kFailed,
  kEnded
};

void pack(Pack& to, const SandboxSpec& spec);
SandboxSpec unpack_sandbox(Unpack& from);
void pack(Pack& to, const Bind& bind);
Bind unpack_bind(Unpack& from);
void pack(Pack& to, const NetworkSpec& spec);
NetworkSpec unpack_network(Unpack& from);
void pack(Pack& to, const Error& error);
Error unpack_error(Unpack& from);

}  // namespace entryproof::subjects
