// Misbehaviour: a Host with one defect, and what the main program around it does wrong.
//
// Every mutant is one: it does something else than it is asked to, or shows the reference something else than there is, and leaves the rest
// to the real Host. Two things of a life are no system calls, and a mutant may bend them as well: how a turn ends, and what a signal does.
// A Recipe names a mutant and makes it; the themes (publication, reading, keeping, ending) have a table of recipes each.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/options.h"
#include "simulator/subjects/mutants/disguise.h"

namespace entryproof::subjects {

// Which file of the three, and of those that lead to them, a path is.
class Places {
 public:
  explicit Places(const reference::Options& options);

  bool is_kubeconfig(const std::string& path) const { return path.ends_with(kubeconfig_ending_); }
  bool is_binary(const std::string& path) const { return path == binary; }
  bool is_configuration(const std::string& path) const;  // the published one
  bool is_published(const std::string& path) const { return is_kubeconfig(path) || is_binary(path) || is_configuration(path); }
  bool is_manual_source(const std::string& path) const { return !automatic && path == manual_source; }
  bool is_token(const std::string& path) const;  // through whichever directory of the volume
  bool is_ca(const std::string& path) const;
  bool is_primary(const std::string& path) const;  // may be one: a loadable name beside our own
  bool in_configurations(const std::string& path) const;

  bool automatic = true;
  std::string configurations;  // the directory
  std::string kubeconfig;      // below it, as the usual mapping of paths has it
  std::string primaries;       // the directory
  std::string binary;
  std::string manual_source;

 private:
  std::string kubeconfig_ending_;
  std::string token_;
  std::string ca_;
  std::string manual_name_;
};

class Misbehaviour : public Disguise {
 public:
  Misbehaviour(reference::Host& inner, const reference::Options& options)
      : Disguise(inner), options_(options), places_(options), kubeconfig_path_(places_.kubeconfig) {}

  // What becomes of a turn …
  virtual reference::Turn after(reference::Turn turn) { return turn; }
  // … and of TERM or INT: the status it ends with, or unset: it goes on.
  virtual std::optional<int> stop(reference::Entrypoint& entrypoint) { return entrypoint.stop(); }
  // Set once the mutant itself wants the process to end: with the turn at hand, or before the next one.
  std::optional<int> wants_to_end() const { return end_; }

 protected:
  void end(int status) { end_ = status; }
  // Opens, empties and writes a file in two pieces, as one who gives no thought to readers; `flags` besides O_WRONLY | O_CREAT.
  Outcome<> write_file(const std::string& path, std::string_view bytes, std::optional<mode_t> mode, int flags);
  void remember_target(const std::string& path);

  const reference::Options options_;  // as they were given, whatever the entrypoint got
  const Places places_;
  std::string kubeconfig_path_;     // where it belongs
  std::string configuration_path_;  // where this life put it; empty: not yet

 private:
  std::optional<int> end_;
};

struct Recipe {
  std::string name;                // "kubeconfig-in-place"
  std::string defect;              // one sentence
  std::string origin;              // the clause that it breaks, and where the defect was seen
  std::vector<std::string> kills;  // checks that go red
  // May change the options that the entrypoint gets.
  std::function<std::unique_ptr<Misbehaviour>(reference::Host&, reference::Options&)> make;
  // May change the command line before it is understood.
  std::function<std::vector<std::string>(std::vector<std::string>)> arguments = {};
};

// A Recipe's `make` for a class whose constructor takes the host, the options as given, and `more`.
template <class Mutant, class... More>
auto made_by(More... more) {
  return [=](reference::Host& host, reference::Options& options) { return std::make_unique<Mutant>(host, options, more...); };
}

// A `make` that changes options only.
inline auto with_options(void (*change)(reference::Options&)) {
  return [=](reference::Host& host, reference::Options& options) {
    auto plain = std::make_unique<Misbehaviour>(host, options);
    change(options);
    return plain;
  };
}

std::vector<Recipe> publication_mutants();  // what is published, and how it gets to its place
std::vector<Recipe> credential_mutants();   // what is read of the service account, and when it is acted upon
std::vector<Recipe> event_mutants();        // how it hears that this has changed
std::vector<Recipe> primary_mutants();      // which configurations are read, and what is made of them
std::vector<Recipe> keeping_mutants();      // what is looked at again, repaired, left alone or swept
std::vector<Recipe> careless_mutants();     // what only a crash shows
std::vector<Recipe> error_mutants();        // what becomes of calls that fail
std::vector<Recipe> ending_mutants();       // command lines, output, exit codes, signals, clean-up

}  // namespace entryproof::subjects
