#include "simulator/subjects/agent.h"

#include <sys/wait.h>

#include <cerrno>
#include <mutex>

#include "simulator/subjects/agent_process.h"
#include "simulator/subjects/channel.h"

namespace entryproof::subjects {

std::string_view to_string(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::kWrite:
      return "write";
    case Change::Kind::kReplace:
      return "replace";
    case Change::Kind::kRemove:
      return "remove";
    case Change::Kind::kRename:
      return "rename";
    case Change::Kind::kMkdir:
      return "mkdir";
    case Change::Kind::kSymlink:
      return "symlink";
    case Change::Kind::kLink:
      return "link";
    case Change::Kind::kFifo:
      return "mkfifo";
    case Change::Kind::kAttributes:
      return "change the attributes of";
    case Change::Kind::kSync:
      return "fsync";
  }
  return "change";
}

class Agent::Client {
 public:
  Client(Channel channel, pid_t pid) : channel_(std::move(channel)), pid_(pid) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() {
    channel_.finish();
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  }

  pid_t pid() const { return pid_; }

  Result<> ask(const std::string& request) {
    const std::lock_guard lock(mutex_);
    if (auto sent = channel_.send(request); !sent) return sent;
    auto message = channel_.receive();
    if (!message) return std::unexpected(message.error());
    if (!*message) return fail(ErrorCode::kIo, "the agent process has ended; was it killed?");
    Unpack words((*message)->bytes);
    if (words.number() == 1) return {};
    const auto code = words.number_as<ErrorCode>();
    return fail(code, words.text());
  }

 private:
  Channel channel_;
  pid_t pid_;
  std::mutex mutex_;
};

Agent::Agent(std::unique_ptr<Client> client) : client_(std::move(client)) {}
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::start() {
  auto ends = Channel::pair();
  if (!ends) return std::unexpected(ends.error());
  auto pid = fork_agent(std::move(ends->second));
  if (!pid) return std::unexpected(pid.error());
  return std::unique_ptr<Agent>(new Agent(std::make_unique<Client>(std::move(ends->first), *pid)));
}

Result<> Agent::apply(const std::string& mount_point, const std::vector<Change>& changes) {
  Pack request;
  request.text(mount_point).number(changes.size());
  const auto optional = [&request](const auto& value) {
    request.number(value ? 1 : 0);
    if (value) request.number(*value);
  };
  for (const auto& change : changes) {
    request.number(static_cast<std::uint64_t>(change.kind)).text(change.path).text(change.content).text(change.other);
    optional(change.mode);
    optional(change.uid);
    optional(change.gid);
  }
  return client_->ask(request.bytes());
}

pid_t Agent::pid() const { return client_->pid(); }

}  // namespace entryproof::subjects
