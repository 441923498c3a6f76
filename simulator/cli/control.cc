#include "simulator/cli/control.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "simulator/base/file.h"

namespace entryproof::cli {

namespace {

constexpr std::size_t kMostClients = 8;
constexpr std::size_t kMostFile = 2 * faults::kMostRules * faults::kMostRuleBytes;

bool send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return false;  // it does not listen; its loss
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Result<faults::Plan> load_faults(const std::vector<std::string>& given) {
  faults::Plan plan;
  for (const auto& text : given) {
    const bool is_file = text.starts_with('@');
    const std::string name = is_file ? text.substr(1) : "--fault";
    const auto rules = is_file ? read_file(name, kMostFile) : Result<std::string>(text);
    if (!rules) return std::unexpected(rules.error());
    auto read = faults::parse(*rules, name);
    if (!read) return std::unexpected(read.error());
    if (read->empty()) return fail(ErrorCode::kUsage, "no rule in it; see docs/faults.md", name);
    plan.insert(plan.end(), read->begin(), read->end());
  }
  if (plan.size() > faults::kMostRules)
    return fail(ErrorCode::kLimit, "--fault: more than " + std::to_string(faults::kMostRules) + " rules");
  return plan;
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& path, runner::FaultDesk& desk) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kUsage, "the path of a socket has 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes", path);
  }
  path.copy(static_cast<char*>(address.sun_path), path.size());
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!listener || !stop) return fail_errno("make", "a control socket", errno);
  // The mode that it is made with, so that nobody can be quicker: what bind(2) makes has the socket's own permissions.
  ::fchmod(listener.get(), 0600);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    auto failure = fail_errno("bind control socket", path, error);
    if (error == EADDRINUSE) failure.error().message += "; if no other run uses it, remove it";
    return failure;
  }
  std::unique_ptr<ControlSocket> made(new ControlSocket(path, desk, std::move(listener), std::move(stop)));
  if (::listen(made->listener_.get(), static_cast<int>(kMostClients)) != 0) return fail_errno("listen at", path, errno);
  return made;
}

ControlSocket::~ControlSocket() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  ::unlink(path_.c_str());
}

void ControlSocket::serve() {
  thread_ = std::thread([this] { answer(); });
}

void ControlSocket::answer() {
  for (;;) {
    std::vector<pollfd> waiting = {{stop_.get(), POLLIN, 0}, {clients_.size() < kMostClients ? listener_.get() : -1, POLLIN, 0}};
    for (const Client& client : clients_) waiting.push_back({client.connection.get(), POLLIN, 0});
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    if (waiting[0].revents != 0) return;
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (waiting[i + 2].revents != 0 && !hear(clients_[i])) clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waiting[1].revents == 0) continue;
    if (Descriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); connection)
      clients_.push_back({std::move(connection), {}});
  }
}

bool ControlSocket::hear(Client& client) {
  std::array<char, 4096> buffer{};
  const auto got = ::recv(client.connection.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
  client.unread.append(buffer.data(), static_cast<std::size_t>(got));
  for (auto end = client.unread.find('\n'); end != std::string::npos; end = client.unread.find('\n')) {
    const std::string line = client.unread.substr(0, end);
    client.unread.erase(0, end + 1);
    if (!send_all(client.connection.get(), obey(line))) return false;
  }
  if (client.unread.size() <= faults::kMostRuleBytes) return true;
  send_all(client.connection.get(), "error: a line of more than " + std::to_string(faults::kMostRuleBytes) + " bytes\n");
  return false;
}

std::string ControlSocket::obey(const std::string& line) {
  const auto count = [this] { return "ok " + std::to_string(desk_.rules().size()) + " rules\n"; };
  if (line == "list") return faults::to_string(desk_.rules()) + count();
  if (line == "clear") {
    desk_.clear();
    return count();
  }
  const auto rules = faults::parse(line, "control");
  if (!rules) return "error: " + rules.error().line() + "\n";
  if (rules->empty()) return "error: a rule, \"list\" or \"clear\" is wanted\n";
  const auto added = desk_.add(*rules);
  return added ? count() : "error: " + added.error().line() + "\n";
}

}  // namespace entryproof::cli
