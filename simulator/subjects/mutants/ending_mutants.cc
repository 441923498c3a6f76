// How a mutant understands its command line, what it says, and how it ends.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reference/files.h"
#include "reference/multus_config.h"
#include "simulator/subjects/mutants/edits.h"
#include "simulator/subjects/mutants/misbehaviour.h"

namespace entryproof::subjects {
namespace {

class Ending : public Misbehaviour {
 public:
  using Misbehaviour::Misbehaviour;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    auto done = inner_.rename(from, to);
    if (done) remember_target(to);
    return done;
  }

 protected:
  bool installed() const { return !configuration_path_.empty(); }
  static bool is_error(std::string_view line) { return line.starts_with("error:"); }
};

class ZeroOnFailure final : public Ending {
 public:
  using Ending::Ending;
  reference::Turn after(reference::Turn turn) override {
    if (turn.exit) turn.exit = 0;
    return turn;
  }
};

// The first trouble of the start ends it, as if all were done.
class GivesUpAtOnce final : public Ending {
 public:
  using Ending::Ending;
  void write_error(std::string_view line) override {
    inner_.write_error(line);
    if (is_error(line) && !installed()) end(0);
  }
};

// Every trouble while it runs takes it down, and the configuration with it.
class ErrorsCleanUp final : public Ending {
 public:
  using Ending::Ending;
  void write_error(std::string_view line) override {
    inner_.write_error(line);
    if (!is_error(line) || !installed()) return;
    static_cast<void>(inner_.unlink(configuration_path_));
    end(0);
  }
};

class EndsBySignal final : public Ending {
 public:
  using Ending::Ending;
  std::optional<int> stop(reference::Entrypoint& entrypoint) override {
    entrypoint.stop();
    return 143;
  }
};

class Deaf final : public Ending {
 public:
  using Ending::Ending;
  std::optional<int> stop(reference::Entrypoint&) override { return std::nullopt; }
};

// What comes while it works is lost.
class DeafWhileBusy final : public Ending {
 public:
  using Ending::Ending;
  bool stop_requested() const override { return false; }
  reference::Turn after(reference::Turn turn) override {
    lost_ = lost_ || inner_.stop_requested();
    return turn;
  }
  std::optional<int> stop(reference::Entrypoint& entrypoint) override { return lost_ ? std::nullopt : std::optional(entrypoint.stop()); }

 private:
  bool lost_ = false;
};

// A directory where the kubeconfig belongs is the end, and no trouble.
class StoppedByADirectory final : public Ending {
 public:
  using Ending::Ending;
  Outcome<FileStatus> lstat(const std::string& path) override {
    const auto status = Ending::lstat(path);
    if (status && S_ISDIR(status->mode) && places_.is_kubeconfig(path)) end(0);
    return status;
  }
};

// Each look at the world is worth a line to it.
class Chatty final : public Ending {
 public:
  using Ending::Ending;
  reference::Turn after(reference::Turn turn) override {
    inner_.write_out("looked again: nothing to do");
    return turn;
  }
};

class ToldTheToken final : public Ending {
 public:
  using Ending::Ending;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (places_.is_kubeconfig(to)) inner_.write_out("kubeconfig: " + read_whole(inner_, from));
    return Ending::rename(from, to);
  }
};

// In messages about a token that is refused.
class TellsRefusedTokens final : public Ending {
 public:
  using Ending::Ending;
  void write_error(std::string_view line) override {
    const bool about_token = is_error(line) && line.find("token") != std::string_view::npos;
    inner_.write_error(about_token ? std::string(line) + ": " + read_whole(inner_, options_.token_file) : std::string(line));
  }
};

// A configuration that is not there is put back at once, whoever keeps taking it.
class Fights final : public Ending {
 public:
  using Ending::Ending;
  Outcome<> rename(const std::string& from, const std::string& to) override {
    if (places_.is_configuration(to)) bytes_ = read_whole(inner_, from);
    return Ending::rename(from, to);
  }
  reference::Turn after(reference::Turn turn) override {
    if (!installed() || inner_.lstat(configuration_path_)) return turn;
    const std::string temporary = reference::join(places_.configurations, ".again");
    if (write_file(temporary, bytes_, 0600, O_TRUNC)) static_cast<void>(inner_.rename(temporary, configuration_path_));
    return turn;
  }

 private:
  std::string bytes_;
};

// An uninstall takes the configuration away, and leaves a file or two.
class LeavesAtUninstall final : public Ending {
 public:
  LeavesAtUninstall(reference::Host& inner, const reference::Options& options, bool (Places::*what)(const std::string&) const)
      : Ending(inner, options), what_(what) {}
  Outcome<> unlink(const std::string& path) override {
    if (options_.command == reference::Command::kUninstall && (places_.*what_)(path)) return {};
    return inner_.unlink(path);
  }

 private:
  bool (Places::*what_)(const std::string&) const;
};

// An uninstall begins with the credentials, while the configuration still leads to them.
class CredentialsFirst final : public Ending {
 public:
  using Ending::Ending;
  Outcome<> unlink(const std::string& path) override {
    if (options_.command == reference::Command::kUninstall && places_.is_configuration(path))
      static_cast<void>(inner_.unlink(kubeconfig_path_));
    return inner_.unlink(path);
  }
};

class Leaks final : public Ending {
 public:
  using Ending::Ending;
  Outcome<> close(Descriptor) override { return {}; }
};

std::vector<std::string> without_unknown(std::vector<std::string> arguments) {
  std::erase_if(arguments, [](const std::string& argument) {
    return !reference::parse_options(std::vector{argument}, {}) && !reference::parse_options(std::vector{argument, std::string("/x")}, {});
  });
  return arguments;
}

std::vector<std::string> without_retired(std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument.starts_with("--restart-crio")) argument = "--no-such-flag";
  }
  return arguments;
}

// A flag goes before its variable; the user's own, which comes later, before this one.
std::vector<std::string> without_variable(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) arguments.insert(arguments.begin(), "--skip-tls-verify=false");
  return arguments;
}

}  // namespace

std::vector<Recipe> ending_mutants() {
  const auto plain = with_options([](reference::Options&) {});
  return {
      {"cleans-up-by-default",
       "The configuration is removed at every stop.",
       "UPGRADE-45 (multus#1527)",
       {"UPGRADE-45/stop-keeps"},
       with_options([](reference::Options& options) { options.cleanup_config_on_exit = true; })},
      {"deaf-while-busy",
       "A signal that comes in the middle of the work is lost.",
       "LIFE-58 (cno#962)",
       {"LIFE-58/stops-while-working"},
       made_by<DeafWhileBusy>()},
      {"descriptors-leak", "What is opened is never closed.", "LIFE-60 (istio#44543)", {"LIFE-60/for-hours"}, made_by<Leaks>()},
      {"ends-by-signal",
       "A stop ends with the status of a death by signal.",
       "LIFE-57 (4.0.x)",
       {"LIFE-57/stop-is-zero"},
       made_by<EndsBySignal>()},
      {"errors-clean-up",
       "Every trouble ends the process with status 0 and removes the configuration.",
       "UPGRADE-45, ORDER-41 (4.1 and later, D-5)",
       {"ORDER-41/half-written", "ORDER-41/vanished", "FRESH-14/survives", "CONF-32/mismatch-keeps", "UPGRADE-45/errors-keep",
        "CONF-35/odd-primary-keeps"},
       made_by<ErrorsCleanUp>()},
      {"failure-is-zero",
       "Whatever it ends of, the status is 0.",
       "LIFE-57 (4.x, D-6)",
       {"LIFE-57/failure-is-not-zero"},
       made_by<ZeroOnFailure>()},
      {"fights-at-full-speed",
       "A configuration that was taken away is put back at every turn.",
       "ORDER-42 (multus#972)",
       {"ORDER-42/does-not-fight"},
       made_by<Fights>()},
      {"gives-up-at-once",
       "The first trouble of a start ends the process with status 0.",
       "EXIST-02, ORDER-40 (4.1 and later, D-7)",
       {"EXIST-02/not-a-success", "ORDER-40/proceeds-after-minutes", "ATOM-28/not-a-success", "ATOM-28/no-false-success"},
       made_by<GivesUpAtOnce>()},
      {"installs-once",
       "When everything is in place the process ends.",
       "LIFE-60, FRESH-06 (whereabouts#575)",
       {"FRESH-06/rotation", "FRESH-14/survives", "FRESH-15/never-updated"},
       with_options([](reference::Options& options) { options.once = true; })},
      {"once-never-ends", "A one-shot stays.", "LIFE-60 (cno#2702)", {"LIFE-60/one-shot"}, with_options([](reference::Options& options) {
         options.once = false;
       })},
      {"retired-flag-refused",
       "A flag that an earlier release had is unknown.",
       "UPGRADE-47 (4.x, D-35)",
       {"UPGRADE-47/flags-of-the-field"},
       plain,
       without_retired},
      {"shell-variable-forgotten",
       "The variable that asked the shell for unverified TLS counts no more.",
       "UPGRADE-47 (4.x)",
       {"UPGRADE-47/environment"},
       plain,
       without_variable},
      {"stop-ignored",
       "TERM and INT are not heard.",
       "LIFE-58 (3.9.3, multus#600)",
       {"LIFE-58/stops-in-time", "LIFE-58/stops-early", "LIFE-58/stops-while-working"},
       made_by<Deaf>()},
      {"stopped-by-a-directory",
       "A directory where the kubeconfig belongs ends the process with status 0.",
       "EXIST-04, LIFE-57 (4.x: not a directory, status 0)",
       {"EXIST-04/directory"},
       made_by<StoppedByADirectory>()},
      {"token-in-error",
       "A token that is refused is shown in the message.",
       "SECURE-54 (golang/vulndb#5888)",
       {"SECURE-54/nowhere"},
       made_by<TellsRefusedTokens>()},
      {"talks-at-every-turn",
       "Each look at the world is worth a line of its log.",
       "ATOM-26 (multus#1220: an event watch that filled the screen)",
       {"ATOM-26/says-little"},
       made_by<Chatty>()},
      {"watches-regardless",
       "--skip-config-watch is read and forgotten.",
       "FRESH-07 (multus#1532: switches that are none)",
       {"FRESH-07/watch-off"},
       with_options([](reference::Options& options) { options.skip_config_watch = false; })},
      {"token-in-output",
       "The kubeconfig is printed when it is written.",
       "SECURE-54 (projectcalico/cni-plugin#360)",
       {"SECURE-54/nowhere"},
       made_by<ToldTheToken>()},
      {"uninstall-begins-with-the-credentials",
       "An uninstall removes the kubeconfig before the configuration that names it.",
       "UPGRADE-46 (multus#592)",
       {"UPGRADE-46/in-order"},
       made_by<CredentialsFirst>()},
      {"uninstall-leaves-the-configuration",
       "An uninstall leaves the configuration of a plugin that has no credentials any more.",
       "UPGRADE-46 (multus#592)",
       {"UPGRADE-46/no-configuration"},
       made_by<LeavesAtUninstall>(&Places::is_configuration)},
      {"uninstall-leaves-the-kubeconfig",
       "An uninstall leaves the kubeconfig and its token.",
       "UPGRADE-46 (4.1 and later)",
       {"UPGRADE-46/no-credentials"},
       made_by<LeavesAtUninstall>(&Places::is_kubeconfig)},
      {"unknown-flags-ignored",
       "A flag that nobody knows is passed over.",
       "UPGRADE-47 (3.9.3, D-34)",
       {"UPGRADE-47/unknown-flag"},
       plain,
       without_unknown},
  };
}

}  // namespace entryproof::subjects
