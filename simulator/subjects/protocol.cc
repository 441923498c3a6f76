#include "simulator/subjects/protocol.h"

namespace entryproof::subjects {

void pack(Pack& to, const Bind& bind) { to.text(bind.root).text(bind.below).text(bind.inside).number(bind.read_only ? 1 : 0); }

Bind unpack_bind(Unpack& from) {
  Bind bind;
  bind.root = from.text();
  bind.below = from.text();
  bind.inside = from.text();
  bind.read_only = from.number() != 0;
  return bind;
}

void pack(Pack& to, const SandboxSpec& spec) {
  to.text(spec.executable.outside).text(spec.executable.inside).texts(spec.argv).texts(spec.environment);
  to.number(spec.binds.size());
  for (const auto& bind : spec.binds) pack(to, bind);
  to.number(spec.neighbours.size());
  for (const auto& neighbour : spec.neighbours) to.text(neighbour.outside).text(neighbour.inside);
  to.text(spec.working_directory).text(spec.hostname).number(spec.umask).number(spec.uid).number(spec.gid);
  const auto& limits = spec.limits;
  to.number(limits.processes).number(limits.memory_bytes).number(limits.output_bytes).number(limits.file_bytes).number(limits.open_files);
  to.number(static_cast<std::uint64_t>(spec.processor + 1));
  to.number(spec.deny_inotify ? 1 : 0)
      .number(spec.deny_watches ? 1 : 0)
      .number(spec.deny_network ? 1 : 0)
      .number(spec.can_be_denied ? 1 : 0);
  to.number(spec.network >= 0 ? 1 : 0);
}

SandboxSpec unpack_sandbox(Unpack& from) {
  SandboxSpec spec;
  spec.executable.outside = from.text();
  spec.executable.inside = from.text();
  spec.argv = from.texts();
  spec.environment = from.texts();
  for (auto count = from.number(); count > 0 && from.ok(); --count) {
    spec.binds.push_back(unpack_bind(from));
  }
  for (auto count = from.number(); count > 0 && from.ok(); --count) {
    Neighbour neighbour;
    neighbour.outside = from.text();
    neighbour.inside = from.text();
    spec.neighbours.push_back(std::move(neighbour));
  }
  spec.working_directory = from.text();
  spec.hostname = from.text();
  spec.umask = from.number_as<mode_t>();
  spec.uid = from.number_as<uid_t>();
  spec.gid = from.number_as<gid_t>();
  spec.limits.processes = from.number_as<unsigned>();
  spec.limits.memory_bytes = from.number();
  spec.limits.output_bytes = from.number();
  spec.limits.file_bytes = from.number();
  spec.limits.open_files = from.number();
  spec.processor = from.number_as<int>() - 1;
  spec.deny_inotify = from.number() != 0;
  spec.deny_watches = from.number() != 0;
  spec.deny_network = from.number() != 0;
  spec.can_be_denied = from.number() != 0;
  spec.network = from.number() != 0 ? 0 : -1;
  return spec;
}

void pack(Pack& to, const NetworkSpec& spec) {
  to.texts(spec.addresses).number(spec.listen.size());
  for (const auto& endpoint : spec.listen) to.text(endpoint.address).number(endpoint.port);
}

NetworkSpec unpack_network(Unpack& from) {
  NetworkSpec spec;
  spec.addresses = from.texts();
  for (auto count = from.number(); count > 0 && from.ok(); --count) {
    NetworkSpec::Endpoint endpoint;
    endpoint.address = from.text();
    endpoint.port = from.number_as<std::uint16_t>();
    spec.listen.push_back(std::move(endpoint));
  }
  return spec;
}

void pack(Pack& to, const Error& error) { to.number(static_cast<std::uint64_t>(error.code)).text(error.message).text(error.where); }

Error unpack_error(Unpack& from) {
  Error error;
  error.code = from.number_as<ErrorCode>();
  error.message = from.text();
  error.where = from.text();
  return error;
}

}  // namespace entryproof::subjects
