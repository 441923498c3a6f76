#include "simulator/cli/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>

#include "simulator/base/descriptor.h"
#include "simulator/reports/text.h"
#include "simulator/runner/given.h"
#include "simulator/runner/world.h"

namespace entryproof::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kWho = "shell";
constexpr const char* kInside = "/entrypoint/input";
constexpr Duration kLongest = 60s;
constexpr int kPollMs = 20;

Result<std::unique_ptr<runner::World>> world_with(runner::Stage& stage, const node::Tree& tree, const std::atomic<bool>& interrupted) {
  runner::WorldRequest request;
  request.site = runner::Site::usual();
  request.image = tree;
  request.cancelled = &interrupted;
  return stage.maker()(std::move(request));
}

Result<> start_shell(runner::World& world, const std::string& command, const std::string& input) {
  std::error_code error;
  const auto shell = std::filesystem::canonical("/bin/sh", error);
  if (error) return fail(ErrorCode::kUnavailable, "there is no shell on this machine", "/bin/sh");
  runner::Start start;
  start.build = {.name = kWho, .spec = "/bin/sh", .executable = shell.string(), .variant = {}, .sha256 = {}};
  start.arguments = {"-c", command};
  start.environment = runner::environment({}, {{"TERM", "dumb"}, {"PS1", "node-1# "}});
  if (!input.empty()) start.with = {{input, kInside}};
  return world.start(kWho, start);
}

// What the shell printed since the last time.
void print_new(runner::World& world, std::size_t& printed, Streams& streams) {
  const std::string output = world.life(kWho).output;
  if (output.size() > printed) (streams.out << reports::visible(output.substr(printed))).flush();
  printed = output.size();
}

// A FIFO in a directory of its own; both go with the object.
class Fifo {
 public:
  static Result<std::unique_ptr<Fifo>> make() {
    std::string directory = (std::filesystem::temp_directory_path() / "entryproof-shell-XXXXXX").string();
    if (::mkdtemp(directory.data()) == nullptr) return fail_errno("make directory", directory, errno);
    std::unique_ptr<Fifo> fifo(new Fifo(directory));
    if (::mkfifo(fifo->path().c_str(), 0600) != 0) return fail_errno("make FIFO", fifo->path(), errno);
    // For reading, too: opening does not wait for the shell then.
    fifo->descriptor_ = Descriptor(::open(fifo->path().c_str(), O_RDWR | O_CLOEXEC));
    if (fifo->descriptor_.get() < 0) return fail_errno("open", fifo->path(), errno);
    return fifo;
  }
  ~Fifo() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;

  std::string path() const { return directory_ + "/input"; }
  bool write(std::string_view bytes) const {
    return ::write(descriptor_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

 private:
  explicit Fifo(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
  Descriptor descriptor_;
};

}  // namespace

Result<> run_in_node(runner::Stage& stage, const node::Tree& tree, const std::string& command, Streams& streams,
                     const std::atomic<bool>& interrupted) {
  auto world = world_with(stage, tree, interrupted);
  if (!world) return std::unexpected(world.error());
  if (auto started = start_shell(**world, command, {}); !started) return started;
  const auto deadline = (*world)->clock().now() + kLongest;
  (*world)->pass(deadline, [&] { return !(*world)->life(kWho).running; }, std::nullopt);
  std::size_t printed = 0;
  print_new(**world, printed, streams);
  if ((*world)->life(kWho).running) return fail(ErrorCode::kLimit, "the command had not ended after a minute");
  return {};
}

Result<> talk_in_node(runner::Stage& stage, const node::Tree& tree, Streams& streams, const std::atomic<bool>& interrupted) {
  const auto input = Fifo::make();
  if (!input) return std::unexpected(input.error());
  auto world = world_with(stage, tree, interrupted);
  if (!world) return std::unexpected(world.error());
  const std::string command = std::string("exec sh -i < ") + kInside + " 2>&1";
  if (auto started = start_shell(**world, command, (*input)->path()); !started) return started;
  std::size_t printed = 0;
  std::array<char, 4096> buffer{};
  bool open = true;
  while ((*world)->life(kWho).running && !interrupted.load()) {
    print_new(**world, printed, streams);
    pollfd standard_input{STDIN_FILENO, POLLIN, 0};
    if (::poll(open ? &standard_input : nullptr, open ? 1 : 0, kPollMs) <= 0) continue;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    // The end of input is the shell's end: the FIFO itself never ends, since this process holds it for reading, too.
    open = got > 0;
    const std::string_view bytes = open ? std::string_view(buffer.data(), static_cast<std::size_t>(got)) : "\nexit\n";
    if (!(*input)->write(bytes)) return fail_errno("write", "the shell's input", errno);
  }
  print_new(**world, printed, streams);
  streams.out << std::endl;
  return {};
}

}  // namespace entryproof::cli
