// CniConfig: a CNI configuration file as libcni reads it, and what in it is Multus'.
//
// `.conflist` is a list of plugins, `.conf` and `.json` are one plugin. Duplicate keys: the last wins, as in Go. Any bytes may come; size
// and depth are capped. A delegate is kept as its own JSON text, numbers exactly as written, so that two can be compared by value or
// losslessly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::oracles {

// A file that a runtime would read, by its name: ends in .conf, .conflist or .json.
bool is_loadable_name(std::string_view file_name);

struct CniConfig {
  std::string error;  // why libcni refuses it; empty if it is accepted
  bool list = false;  // .conflist
  std::string name;
  std::string cni_version;
  std::vector<std::string> types;  // of the plugins, in order
  // Of the first plugin of type multus or multus-shim:
  bool multus = false;
  std::string kubeconfig;                   // host path, as written; may be empty
  std::vector<std::string> delegates;       // JSON texts, numbers as written
  std::vector<std::string> delegate_types;  // of each delegate: its type, or its first plugin's; "" if it has none
  std::map<std::string, bool> capabilities;
  std::vector<std::string> paths;  // its texts that begin with "/", wherever they stand but in the delegates
  bool self_delegating = false;    // a delegate of it, at any depth, is multus or multus-shim
  std::size_t multus_depth = 0;    // how many levels of multus are nested: 1 = just this one

  bool accepted() const { return error.empty(); }
  // A configuration that an entrypoint published: accepted, and Multus is in it.
  bool own() const { return accepted() && multus; }
};

CniConfig parse_cni_config(std::string_view bytes, bool list);

// With a memory of the last documents, keyed by their bytes; bounded. All readers of a thread share it.
class CniConfigReader {
 public:
  std::shared_ptr<const CniConfig> read(std::string_view bytes, bool list) const;
};

enum class JsonEquality : std::uint8_t {
  kValue,  // numbers equal as doubles, the order of members does not matter: core
  // And numbers equal to the last digit (9007199254740993 is not 9007199254740992), integers still written as integers; 1e3 may become
  // 1000, since whoever can read the first can read the second: durable and production.
  kLossless,
};
// "" if the texts are equal, else where and how they first differ ("/ipam/mtu: 1500 became 1.5e3"). A text that does not parse differs.
std::string json_difference(std::string_view expected, std::string_view actual, JsonEquality equality);
// "" if `actual` holds what `pattern` demands: objects as subsets, arrays exactly, numbers by value.
std::string json_subset_difference(std::string_view pattern, std::string_view actual);

}  // namespace entryproof::oracles
