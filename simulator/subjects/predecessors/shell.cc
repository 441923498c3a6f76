#include "simulator/subjects/predecessors/shell.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "simulator/subjects/predecessors/kubeconfig.h"
#include "simulator/subjects/predecessors/signals.h"

namespace entryproof::subjects::predecessor {
namespace {

constexpr std::string_view kTrapped = "Trapped sigterm, exiting.";

std::string into_directory(const std::string& source, const std::string& target) {
  return is_directory(target) ? target + "/" + base_name(source) : target;
}

}  // namespace

int Shell::run() {
  trap_termination();
  const auto outcome = script();
  if (outcome) return 0;
  if (outcome.error().message == kTrapped) {
    log_line(std::string(kTrapped));
  } else if (!outcome.error().message.empty()) {
    complain(outcome.error().message);
  }
  return outcome.error().exit_code;
}

Outcome<> Shell::script() {
  if (auto checked = check_locations(); !checked) return checked;
  if (options_.skip_multus_binary_copy) {
    log_line("Entrypoint skipped copying Multus binary.");
  } else if (auto installed = install_binary(); !installed) {
    return installed;
  }
  if (auto trapped = run_trap(); !trapped) return trapped;
  if (!options_.automatic()) {
    if (auto copied = copy_file(options_.multus_conf_file, options_.cni_conf_dir); !copied) return copied;
  }
  if (auto written = write_kubeconfig(); !written) return written;
  if (auto trapped = run_trap(); !trapped) return trapped;
  if (options_.automatic()) {
    if (auto generated = generate_config(); !generated) return generated;
  }
  if (auto trapped = run_trap(); !trapped) return trapped;
  if (options_.cleanup_config_on_exit) return watch();
  log_line("Entering sleep (success)...");
  sleep_for_ever();
}

Outcome<> Shell::check_locations() const {
  const std::array<const std::string*, 4> places = {&options_.cni_conf_dir, &options_.cni_bin_dir, &options_.multus_bin_file,
                                                    &options_.multus_conf_file};
  for (const std::string* place : places) {
    if ((place == &options_.multus_conf_file && options_.automatic()) || exists(*place)) continue;
    say("WARN: {Location " + *place + " does not exist}");
    return fail("", 1);
  }
  return {};
}

Outcome<> Shell::install_binary() const {
  const std::string staged = options_.cni_bin_dir + "/_multus";
  if (auto copied = copy_file(options_.multus_bin_file, staged); !copied) return copied;
  return move_file(staged, options_.cni_bin_dir + "/multus");
}

Outcome<> Shell::write_kubeconfig() const {
  const std::string directory = options_.cni_conf_dir + "/multus.d";
  if (::mkdir(directory.c_str(), 0777) != 0 && !(errno == EEXIST && is_directory(directory))) {
    return command_failed("mkdir: " + describe("cannot create directory", directory, errno));
  }
  const auto token = read_file(kTokenFile);
  if (!token) return command_failed("cat: " + token.error().message);
  for (const char* name : {"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}) {
    if (environment(name).empty()) return script_error(std::string(name) + " is not set");
  }
  std::string tls;
  const auto ca = read_file(environment("KUBE_CA_FILE", kCaFile));
  if (environment("SKIP_TLS_VERIFY") == "true") {
    tls = "insecure-skip-tls-verify: true";
  } else if (ca) {
    tls = ca_line(*ca);
  }
  const auto staged = temporary_file(render_kubeconfig(traits_, tls, command_substitution(*token)));
  if (!staged) return std::unexpected(staged.error());
  const std::string mode = environment("KUBECONFIG_MODE", "600");
  mode_t bits = 0;
  std::from_chars(mode.data(), mode.data() + mode.size(), bits, 8);
  if (::chmod(staged->c_str(), bits) != 0) return command_failed("chmod: " + describe("changing", *staged, errno));
  return move_file(*staged, directory + "/multus.kubeconfig");
}

// Looks only at whether the master is there, once a second. In manual mode there is none, so it mourns an empty path for ever.
Outcome<> Shell::watch() {
  log_line("Entering watch loop...");
  while (true) {
    if (!exists(master_path_)) {
      log_line(fmt::format("Master plugin @ {} has been deleted. Allowing 45 seconds for its restoration...", master_path_));
      sleep_seconds(10);
      if (auto trapped = run_trap(); !trapped) return trapped;
      for (int second = 0; second < 35 && !exists(master_path_); ++second) {
        sleep_seconds(1);
        if (auto trapped = run_trap(); !trapped) return trapped;
      }
      if (options_.automatic()) {
        if (auto generated = generate_config(); !generated) return generated;
      }
      log_line("Continuing watch loop after configuration regeneration...");
    }
    sleep_seconds(1);
    if (auto trapped = run_trap(); !trapped) return trapped;
  }
}

std::unexpected<Failure> command_failed(const std::string& line) { return fail(line, 1); }

std::unexpected<Failure> script_error(const std::string& text) {
  say("ERR:  {" + text + "}");
  return fail("", 1);
}

Outcome<> run_trap() {
  if (!termination_requested()) return {};
  return fail(std::string(kTrapped), 0);
}

Outcome<> move_file(const std::string& source, std::string target) {
  target = into_directory(source, target);
  if (std::rename(source.c_str(), target.c_str()) == 0) return {};
  if (errno != EXDEV) return command_failed("mv: " + describe("cannot move to", target, errno));

  if (::unlink(target.c_str()) != 0 && errno != ENOENT) return command_failed("mv: " + describe("cannot remove", target, errno));
  const File from = open_file(source, O_RDONLY);
  if (!from.is_open()) return command_failed("mv: " + describe("cannot open", source, errno));
  struct stat status = {};
  if (::fstat(from.fd(), &status) != 0) return command_failed("mv: " + describe("cannot stat", source, errno));
  const File to = open_file(target, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!to.is_open()) return command_failed("mv: " + describe("cannot create", target, errno));
  if (const int error = copy_in_chunks(from.fd(), to.fd())) return command_failed("mv: " + describe("error writing", target, error));
  if (::fchmod(to.fd(), status.st_mode & 07777) != 0) return command_failed("mv: " + describe("preserving permissions for", target, errno));
  if (::unlink(source.c_str()) != 0) return command_failed("mv: " + describe("cannot remove", source, errno));
  return {};
}

Outcome<> copy_file(const std::string& source, std::string target) {
  const File from = open_file(source, O_RDONLY);
  if (!from.is_open()) return command_failed("cp: " + describe("cannot open", source, errno));
  struct stat status = {};
  if (::fstat(from.fd(), &status) != 0) return command_failed("cp: " + describe("cannot stat", source, errno));
  target = into_directory(source, target);
  File to = open_file(target, O_WRONLY | O_TRUNC);
  if (!to.is_open()) {
    if (errno != ENOENT && ::unlink(target.c_str()) != 0) return command_failed("cp: " + describe("cannot remove", target, errno));
    to = open_file(target, O_WRONLY | O_CREAT | O_EXCL, status.st_mode & 0777);
  }
  if (!to.is_open()) return command_failed("cp: " + describe("cannot create", target, errno));
  if (const int error = copy_in_chunks(from.fd(), to.fd())) return command_failed("cp: " + describe("error writing", target, error));
  return {};
}

Outcome<std::string> temporary_file(const std::string& text) {
  std::string path = environment("TMPDIR", "/tmp") + "/tmp.XXXXXXXXXX";
  const File file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.is_open()) return command_failed("mktemp: " + describe("failed to create", path, errno));
  if (const int error = write_all(file.fd(), text)) return command_failed(describe("write", path, error));
  return path;
}

}  // namespace entryproof::subjects::predecessor
