#include "simulator/subjects/predecessors/thin.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "simulator/subjects/predecessors/signals.h"
#include "simulator/subjects/predecessors/thin_config.h"

namespace entryproof::subjects::predecessor {
namespace {

// Copies a file over `target` by way of a random name beside it. On failure that name stays: the release removed another one.
Outcome<> copy_into_place(const std::string& source, const std::string& random_prefix, const std::string& target) {
  const File from = open_file(source, O_RDONLY);
  if (!from.is_open()) return fail(describe("open", source, errno));
  std::string temporary;
  const File to = create_random(random_prefix, &temporary);
  if (!to.is_open()) return fail(describe("open", temporary, errno));
  if (const int error = copy_contents(from.fd(), to.fd())) return fail(describe("write", temporary, error));
  if (::fsync(to.fd()) != 0) return fail(describe("sync", temporary, errno));
  struct stat status = {};
  if (::fstat(from.fd(), &status) != 0) return fail(describe("stat", source, errno));
  if (::chmod(temporary.c_str(), status.st_mode & 07777) != 0) return fail(describe("chmod", temporary, errno));
  if (std::rename(temporary.c_str(), target.c_str()) != 0) return fail(describe("rename", temporary + " " + target, errno));
  return {};
}

}  // namespace

int Thin::run() {
  default_go_signals();
  auto outcome = start();
  if (outcome) {
    if (traits_.handles_signals) catch_termination();
    outcome = steady_state();
    if (traits_.handles_signals && options_.cleanup_config_on_exit) clean_up();
  }
  if (outcome) return 0;
  complain(outcome.error().message);
  return outcome.error().exit_code;
}

Outcome<> Thin::start() {
  if (auto checked = check_locations(); !checked) return checked;
  if (!options_.skip_multus_binary_copy) {
    if (auto installed = prefixed(install_binary(), "failed at multus copy: "); !installed) return installed;
  }
  if (options_.automatic() || traits_.manual_kubeconfig) {
    auto created = create_kubeconfig(traits_, options_);
    if (!created) return prefixed(Outcome<>(std::unexpected(created.error())), "failed to create multus kubeconfig: ");
    credentials_ = std::move(*created);
  }
  if (!options_.automatic()) {
    if (auto copied = prefixed(copy_manual_config(), "failed at copy multus conf file: "); !copied) return copied;
    say(fmt::format("multus config file {} is copied.", options_.multus_conf_file));
    return {};
  }
  say("kubeconfig file is created.");
  if (auto created = create_config(); !created) return created;
  say("multus config file is created.");
  return {};
}

Outcome<> Thin::check_locations() const {
  const std::array<std::pair<std::string_view, const std::string&>, 4> places = {{{"cni-conf-dir", options_.cni_conf_dir},
                                                                                  {"cni-bin-dir", options_.cni_bin_dir},
                                                                                  {"multus-bin-file", options_.multus_bin_file},
                                                                                  {"multus-conf-file", options_.multus_conf_file}}};
  for (const auto& [name, path] : places) {
    if (name == "multus-conf-file" && options_.automatic()) continue;
    if (!exists(path)) return fail(fmt::format("{} is not found: {}", name, describe("stat", path, errno)));
  }
  return {};
}

Outcome<> Thin::install_binary() const {
  const std::string leftover = options_.cni_bin_dir + "/_multus";
  if (exists(leftover) && std::remove(leftover.c_str()) != 0) return fail(describe("remove", leftover, errno));
  return copy_into_place(options_.multus_bin_file, leftover, options_.cni_bin_dir + "/multus");
}

Outcome<> Thin::copy_manual_config() const {
  const std::string target = options_.cni_conf_dir + "/" + base_name(options_.multus_conf_file);
  return copy_into_place(options_.multus_conf_file, target + ".temp", target);
}

Outcome<> Thin::create_config() {
  constexpr std::string_view kPrefix = "failed to create multus config: ";
  auto path = prefixed(find_master(traits_, options_), kPrefix);
  if (!path) return std::unexpected(path.error());
  auto text = prefixed(read_file(*path), kPrefix);
  if (!text) return std::unexpected(text.error());
  auto generated = generate_config(traits_, options_, *path, *text);
  if (!generated) {
    const bool panicked = generated.error().exit_code != 0;
    return std::unexpected(prefixed(std::move(generated), panicked ? "" : kPrefix).error());
  }
  if (auto published = prefixed(publish_config(options_, *generated), kPrefix); !published) return published;
  if (traits_.watches_politely) options_.cni_version = generated->cni_version;  // from here on, as if it had been the flag
  master_path_ = *path;
  master_text_ = std::move(*text);
  if (options_.rename_conf_file) {
    const std::string old = master_path_ + ".old";
    if (std::rename(master_path_.c_str(), old.c_str()) != 0) {
      return prefixed(Outcome<>(fail(describe("rename", master_path_ + " " + old, errno))), kPrefix);
    }
    say("Original master file moved to \"" + old + "\"");
  }
  return {};
}

Outcome<> Thin::steady_state() {
  if (options_.automatic() && options_.cleanup_config_on_exit && !options_.skip_config_watch) {
    say("Entering watch loop...");
    return traits_.watches_politely ? watch() : busy_loop();
  }
  wait_for_termination();
  return {};
}

// Removes what this kind of start puts there, whether or not this process has put it there.
void Thin::clean_up() const {
  if (options_.automatic()) {
    ::unlink((options_.cni_conf_dir + "/00-multus.conf").c_str());
    ::unlink((options_.cni_conf_dir + "/00-multus.conflist").c_str());
  } else {
    ::unlink((options_.cni_conf_dir + "/" + base_name(options_.multus_conf_file)).c_str());
  }
}

}  // namespace entryproof::subjects::predecessor
