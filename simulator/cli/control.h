// Faults from the command line: rules given with it, and a socket that takes more while a run lasts.
//
// The socket is a Unix socket of the user's own (mode 0600). It takes a command a line, and answers each with lines of which the last
// begins with "ok" or "error": a rule (as --fault takes it), "list", "clear". It is there from before the first case until after the last.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/faults/plan.h"
#include "simulator/runner/fault_desk.h"

namespace entryproof::cli {

// What --fault was given: a rule each, or "@FILE" for a file of them.
Result<faults::Plan> load_faults(const std::vector<std::string>& given);

class ControlSocket {
 public:
  // Makes the socket at that path, where nothing may be. It answers from serve() on; `desk` must outlive it.
  static Result<std::unique_ptr<ControlSocket>> open(const std::string& path, runner::FaultDesk& desk);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  // Starts the thread that answers; once, and not before everything that forks has done so.
  void serve();

 private:
  struct Client {
    Descriptor connection;
    std::string unread;
  };

  ControlSocket(std::string path, runner::FaultDesk& desk, Descriptor listener, Descriptor stop)
      : path_(std::move(path)), desk_(desk), listener_(std::move(listener)), stop_(std::move(stop)) {}
  void answer();
  // False when there is nothing more to be had from the client.
  bool hear(Client& client);
  std::string obey(const std::string& line);

  const std::string path_;
  runner::FaultDesk& desk_;
  Descriptor listener_;
  Descriptor stop_;
  std::vector<Client> clients_;
  std::thread thread_;
};

}  // namespace entryproof::cli
