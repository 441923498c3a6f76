// The 3.9.3 predecessor: a shell script with Python for the JSON.
//
// Its files are made in the container's temporary directory and then moved to the host's, which is another mount: the rename fails, so the
// old file is unlinked and the new one is written under its final name. Nothing is synced. It waits for a master for ever, ends with 1
// where something is wrong, and hears signals only between two commands.
#pragma once

#include <string>
#include <utility>

#include "simulator/subjects/predecessors/files.h"
#include "simulator/subjects/predecessors/flags.h"
#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::subjects::predecessor {

class Shell {
 public:
  Shell(const Traits& traits, Options options) : traits_(traits), options_(std::move(options)) {}

  // Runs until a trapped signal or a failure ends it; the exit code.
  int run();

 private:
  Outcome<> script();
  Outcome<> check_locations() const;
  Outcome<> install_binary() const;
  Outcome<> write_kubeconfig() const;
  Outcome<> generate_config();  // shell_config.cc
  Outcome<std::string> wait_for_master() const;
  Outcome<std::string> config_text(const std::string& master_text) const;
  Outcome<> watch();

  Traits traits_;
  Options options_;
  std::string master_path_;  // empty until a configuration was generated, and for ever in manual mode
};

// A line with the time before it, as the script logs.
void log_line(const std::string& line);

// A failed command: what it printed is on stderr, and the script ends with 1.
std::unexpected<Failure> command_failed(const std::string& line);

// The script's own error, on stdout.
std::unexpected<Failure> script_error(const std::string& text);

// The script's trap, which is looked at between two commands: a failure with exit code 0.
Outcome<> run_trap();

// `mv -f` of a file: a rename, or across mounts unlink, O_EXCL and copy. A target that is a directory is moved into.
Outcome<> move_file(const std::string& source, std::string target);

// `cp -f` of a file: over the contents of the target where there is one, so that its mode stays. A target that is a directory is copied
// into.
Outcome<> copy_file(const std::string& source, std::string target);

// A new file of the temporary directory (mktemp: 0600) with this text; its path.
Outcome<std::string> temporary_file(const std::string& text);

// What `$(cat file)` gives: the text without its trailing line feeds and NULs.
std::string command_substitution(std::string text);

// What `echo $text` makes of an unquoted text: split at blanks, each word with *, ? or [ replaced by the matching names of the working
// directory.
std::string echo_unquoted(const std::string& text);

}  // namespace entryproof::subjects::predecessor
