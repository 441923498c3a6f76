// Primary: the CNI configuration that ours delegates to, chosen by content and never one of our own.
//
// The directory is read as a container runtime reads it: .conf, .conflist and .json, by bytes of the name, links followed. What the runtime
// would refuse is skipped, and so is every file in which Multus stands as plugin or delegate at any depth, whatever its name: delegating to
// that would call ourselves for ever.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/host.h"
#include "reference/json.h"
#include "reference/problem.h"

namespace reference {

inline constexpr std::size_t kConfigurationCap = 2 * 1024 * 1024;  // container runtimes read no more

struct Primary {
  std::string path;
  FileStatus status;
  json::Document document;
  std::string cni_version;
  std::string name;                          // empty if it has none
  std::map<std::string, bool> capabilities;  // of all its plugins; the last word counts

  bool same_content(const Primary& other) const { return path == other.path && document.text() == other.document.text(); }
};

struct PrimaryRequest {
  std::string directory;
  std::string file_name;              // empty: the first that qualifies
  bool renamed = false;               // NAME.old, which --rename-conf-file left, stands in for a NAME that is gone
  std::vector<std::string> excluded;  // paths that we write ourselves
  const Primary* known = nullptr;     // one that this request gave before: the same bytes under its path need not be judged again
};

struct Selection {
  std::optional<Primary> primary;
  std::vector<std::string> skipped;  // "PATH: why", for the log
  bool unfinished = false;           // one that would have gone first could not be read or is no JSON; it may be in the making
  std::optional<Problem> problem;    // why there is no primary
};

Selection select_primary(Host& host, const PrimaryRequest& request);

// May a runtime load a file of this name? .conf, .conflist and .json.
bool is_configuration_name(std::string_view name);

// What --rename-conf-file appends to a primary's name.
inline constexpr std::string_view kSetAside = ".old";

// The primary that was set aside in a directory for a configuration whose delegate has this text, if nothing has taken its place since:
// the path that ends in .old. Empty if there is none; a problem if one could not be looked at.
Result<std::string> find_set_aside(Host& host, const std::string& directory, const std::string& delegate);

enum class Shape {
  kSingle,  // type: .conf and .json
  kList,    // plugins: .conflist
  kEither,  // whatever the content says
};

// Judges one text. `path` and `status` are only kept.
Result<Primary> judge_primary(std::string path, const FileStatus& status, std::string text, Shape shape);

// Why every runtime refuses one plugin's configuration, as it stands in a file of its own or in a list; empty if none does for its form.
std::string plugin_defect(const json::Value& plugin);

// Is Multus in there, as plugin or delegate, at any depth? Keys are compared as Go compares them, without case.
bool names_multus(const json::Document& document);

// "1.0.0", "0.3.1": numbers with dots.
bool valid_version(std::string_view version);
// The number before the first dot; 0 if there is none.
unsigned long major_version(std::string_view version);

}  // namespace reference
