// What shall be at a path, and what is on a node, for people.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "simulator/base/yaml.h"
#include "simulator/oracles/expectations.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/json_value.h"
#include "simulator/oracles/redact.h"

namespace entryproof::oracles {
namespace {

constexpr std::size_t kBytesMax = 64U << 20;
constexpr std::size_t kSnippet = 400;

std::string_view to_string(node::FileType type) {
  switch (type) {
    case node::FileType::kFile:
      return "file";
    case node::FileType::kDirectory:
      return "directory";
    case node::FileType::kSymlink:
      return "symlink";
    case node::FileType::kFifo:
      return "fifo";
    case node::FileType::kSocket:
      return "socket";
  }
  return "?";
}

bool is_json_number(std::string_view text) {
  std::string reason;
  const auto value = parse_json_value(text, reason);
  return value && value->is(JsonValue::Kind::kNumber);
}

JsonValue to_json_value(const YamlNode& node) {
  JsonValue value;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      break;
    case YamlNode::Kind::kBool:
      value.kind = JsonValue::Kind::kBool;
      value.flag = node.text == "true";
      break;
    case YamlNode::Kind::kInteger:
    case YamlNode::Kind::kFloat:
      if (is_json_number(node.text)) {
        value.kind = JsonValue::Kind::kNumber;
        value.text = node.text;
        break;
      }
      [[fallthrough]];  // 0x1F, .inf: JSON has no such numbers, they are matched as texts
    case YamlNode::Kind::kString:
      value.kind = JsonValue::Kind::kString;
      value.text = node.text;
      break;
    case YamlNode::Kind::kSequence:
      value.kind = JsonValue::Kind::kArray;
      for (const YamlNode& item : node.items) value.items.push_back(to_json_value(item));
      break;
    case YamlNode::Kind::kMapping:
      value.kind = JsonValue::Kind::kObject;
      for (const auto& [name, member] : node.members) value.members.push_back({name, to_json_value(member)});
      break;
  }
  return value;
}

Redactor redactor_of(const ClusterFacts& cluster) {
  std::vector<std::string> tokens;
  for (const Generation& generation : cluster.generations) tokens.push_back(generation.token);
  return Redactor(tokens);
}

// One path, looked at for one demand.
class Look {
 public:
  Look(const node::Tree& tree, const node::View& view, std::string_view path, const ObjectDemand& demand, const ClusterFacts& cluster)
      : tree_(tree), view_(view), path_(path), demand_(demand), cluster_(cluster) {}

  std::optional<Mismatch> judge() {
    const bool itself = demand_.target || demand_.type == "symlink" || demand_.type == "absent";
    const auto found = view_.resolve(tree_, {}, path_, !itself);
    if (demand_.type == "absent") return found ? differ("nothing there", "a " + type_at(*found)) : std::nullopt;
    if (!found) return differ(demand_.type ? "a " + *demand_.type : "something there", "nothing is there");
    inode_ = *found;
    const auto attributes = tree_.attributes(inode_);
    if (!attributes) return differ("something there", "nothing is there");
    attributes_ = *attributes;
    if (auto wrong = judge_attributes()) return wrong;
    if (auto wrong = judge_content()) return wrong;
    if (auto wrong = judge_entries()) return wrong;
    return judge_change();
  }

 private:
  std::optional<Mismatch> differ(std::string_view expected, std::string_view actual) const {
    const Redactor redactor = redactor_of(cluster_);
    return Mismatch{redactor.render(fmt::format("{}: {}", path_, expected)), redactor.render(actual)};
  }

  std::string type_at(node::InodeId inode) const {
    const auto attributes = tree_.attributes(inode);
    return std::string(attributes ? to_string(attributes->type) : "nothing");
  }

  std::optional<Mismatch> judge_attributes() const {
    const std::string_view type = to_string(attributes_.type);
    if (demand_.type && *demand_.type != type) return differ("a " + *demand_.type, fmt::format("a {}", type));
    if (demand_.mode && attributes_.mode != *demand_.mode) {
      return differ(fmt::format("mode {:04o}", *demand_.mode), fmt::format("mode {:04o}", attributes_.mode));
    }
    if (demand_.uid && attributes_.uid != *demand_.uid) {
      return differ(fmt::format("owner {}", *demand_.uid), fmt::format("owner {}", attributes_.uid));
    }
    if (demand_.target) {
      const auto target = tree_.readlink(inode_);
      if (!target) return differ("a symlink to " + *demand_.target, fmt::format("a {}", type));
      if (*target != *demand_.target) return differ("a symlink to " + *demand_.target, "a symlink to " + *target);
    }
    return std::nullopt;
  }

  std::optional<Mismatch> judge_content() const {
    const bool about_bytes = demand_.json || demand_.yaml || demand_.equals || demand_.contains || demand_.same_as;
    if (!about_bytes) return std::nullopt;
    const auto bytes = tree_.read_all(inode_, kBytesMax);
    if (!bytes) return differ("a file", "it cannot be read");
    if (demand_.equals && *bytes != *demand_.equals) return differ(snippet(*demand_.equals), snippet(*bytes));
    if (demand_.contains && bytes->find(*demand_.contains) == std::string::npos) {
      return differ("contains " + snippet(*demand_.contains), snippet(*bytes));
    }
    if (demand_.json) {
      const std::string difference = json_subset_difference(*demand_.json, *bytes);
      if (!difference.empty()) return differ("JSON with " + snippet(*demand_.json), difference);
    }
    if (demand_.yaml) {
      const auto document = parse_yaml(*bytes);
      if (!document) return differ("YAML with " + snippet(*demand_.yaml), document.error().message);
      const std::string difference = json_subset_difference(*demand_.yaml, to_json_text(to_json_value(*document)));
      if (!difference.empty()) return differ("YAML with " + snippet(*demand_.yaml), difference);
    }
    if (demand_.same_as) return judge_same(*bytes);
    return std::nullopt;
  }

  std::optional<Mismatch> judge_same(const std::string& bytes) const {
    const std::string expected = "the same bytes as " + *demand_.same_as;
    const auto other = view_.resolve(tree_, {}, *demand_.same_as);
    const auto other_bytes = other ? tree_.read_all(*other, kBytesMax) : node::refuse(2);
    if (!other_bytes) return differ(expected, *demand_.same_as + " cannot be read");
    if (*other_bytes == bytes) return std::nullopt;
    const auto first = std::ranges::mismatch(*other_bytes, bytes).in1 - other_bytes->begin();
    return differ(expected, fmt::format("{} bytes instead of {}, the first difference at {}", bytes.size(), other_bytes->size(), first));
  }

  std::optional<Mismatch> judge_entries() const {
    if (auto wrong = judge_names()) return wrong;
    if (!demand_.only) return std::nullopt;
    const auto entries = tree_.list(inode_);
    if (!entries) return differ("a directory", fmt::format("a {}", to_string(attributes_.type)));
    for (const node::Entry& entry : *entries) {
      if (std::ranges::find(*demand_.only, entry.name) == demand_.only->end()) return differ("nothing else", entry.name + " is there, too");
    }
    for (const std::string& name : *demand_.only) {
      if (std::ranges::find(*entries, name, &node::Entry::name) == entries->end()) return differ("has " + name, "it is missing");
    }
    return std::nullopt;
  }

  std::optional<Mismatch> judge_names() const {
    if (demand_.same_names_since == nullptr) return std::nullopt;
    const auto before = view_.resolve(*demand_.same_names_since, {}, path_);
    const auto old = before ? demand_.same_names_since->list(*before) : node::refuse(ENOENT);
    if (!old) return differ("a directory that was there before", "it was not");
    const auto entries = tree_.list(inode_);
    if (!entries) return differ("a directory", fmt::format("a {}", to_string(attributes_.type)));
    const std::string expected = "holds the names it held before";
    const auto has = [](const std::vector<node::Entry>& list, const std::string& name) {
      return std::ranges::find(list, name, &node::Entry::name) != list.end();
    };
    for (const node::Entry& entry : *entries) {
      if (!has(*old, entry.name)) return differ(expected, entry.name + " has come");
    }
    for (const node::Entry& entry : *old) {
      if (!has(*entries, entry.name)) return differ(expected, entry.name + " is gone");
    }
    return std::nullopt;
  }

  std::optional<Mismatch> judge_change() const {
    if (demand_.unchanged_since == nullptr) return std::nullopt;
    const node::Tree& then = *demand_.unchanged_since;
    const auto before = view_.resolve(then, {}, path_);
    const auto old = before ? then.attributes(*before) : node::refuse(2);
    if (!old) return differ("unchanged", "it was not there before");
    if (old->inode != attributes_.inode) return differ("unchanged", "another inode");
    if (old->mtime_ns != attributes_.mtime_ns) return differ("unchanged", "written since (mtime)");
    if (attributes_.type == node::FileType::kFile && then.read_all(*before, kBytesMax) != tree_.read_all(inode_, kBytesMax)) {
      return differ("unchanged", "other bytes");
    }
    return std::nullopt;
  }

  static std::string snippet(std::string_view bytes) { return printable(bytes, kSnippet); }

  const node::Tree& tree_;
  const node::View& view_;
  std::string path_;
  const ObjectDemand& demand_;
  const ClusterFacts& cluster_;
  node::InodeId inode_ = 0;
  node::Attributes attributes_;
};

std::string describe_config(const node::Tree& tree, const std::string& path, Readers& readers) {
  const auto bytes = read_host_file(tree, path, kConfigBytesMax);
  if (!bytes) return "unreadable";
  const auto config = readers.cni.read(*bytes, path.ends_with(".conflist"));
  if (!config->accepted()) return "refused: " + config->error;
  if (!config->own()) return config->types.front();
  std::string text = fmt::format("multus, kubeconfig {}", config->kubeconfig);
  for (const std::string& type : config->delegate_types) text += fmt::format(", delegates to {}", type.empty() ? "?" : type);
  if (config->self_delegating) text += fmt::format(", {} levels of Multus", config->multus_depth);
  return text;
}

std::string describe_kubeconfig(const node::Tree& tree, const std::string& path, const ClusterFacts& cluster, Readers& readers) {
  const PlacedKubeconfig kubeconfig = read_kubeconfig(tree, path, readers.kubeconfig);
  if (kubeconfig.state != PlacedKubeconfig::State::kValid) return "not valid: " + kubeconfig.reason;
  return fmt::format("valid, server {}, {}", kubeconfig.facts->server, to_string(standing(*kubeconfig.facts, cluster)));
}

}  // namespace

std::optional<Mismatch> judge_object(const node::Tree& tree, const node::View& view, std::string_view path, const ObjectDemand& demand,
                                     const ClusterFacts& cluster) {
  return Look(tree, view, path, demand, cluster).judge();
}

std::optional<Mismatch> judge_secret_in_text(std::string_view text, std::string_view what, const ClusterFacts& cluster) {
  const Redactor redactor = redactor_of(cluster);
  if (!redactor.leaks(text)) return std::nullopt;
  return Mismatch{fmt::format("no part of a token in {}", what), "there is: " + redactor.render(text.substr(0, kSnippet))};
}

std::optional<Mismatch> judge_secret_in_files(const node::Tree& tree, std::string_view published, std::string_view volume,
                                              const ClusterFacts& cluster) {
  const Redactor redactor = redactor_of(cluster);
  const auto allowed = resolve_on_host(tree, published);
  // Depth is bounded by the tree's own limits; directories have one name each.
  const auto search = [&](const auto& self, node::InodeId directory, const std::string& path) -> std::string {
    const auto entries = tree.list(directory);
    if (!entries || path == volume) return {};
    for (const node::Entry& entry : *entries) {
      const std::string below = join(path, entry.name);
      std::string found;
      if (entry.type == node::FileType::kDirectory) {
        found = self(self, entry.inode, below);
      } else if (entry.type == node::FileType::kFile && entry.inode != allowed) {
        const auto bytes = tree.read_all(entry.inode, kBytesMax);
        if (bytes && redactor.leaks(*bytes)) found = below;
      }
      if (!found.empty()) return found;
    }
    return {};
  };
  const std::string found = search(search, node::kRoot, "/");
  if (found.empty()) return std::nullopt;
  return Mismatch{fmt::format("no part of a token but in {} and {}", published, volume), redactor.render(found) + " holds one"};
}

std::string summary(const node::Tree& tree, const Layout& layout, const ClusterFacts& cluster) {
  constexpr std::size_t kEntriesMax = 40;
  constexpr std::size_t kLineMax = 200;
  const Redactor redactor = redactor_of(cluster);
  Readers readers(cluster.http_allowed());
  const std::string own_dir = layout.kubeconfig.substr(0, layout.kubeconfig.rfind('/'));
  std::vector<std::string> directories{layout.net_dir, own_dir, layout.bin_dir};
  directories.erase(std::unique(directories.begin(), directories.end()), directories.end());

  std::string text;
  for (const std::string& directory : directories) {
    const auto inode = resolve_on_host(tree, directory);
    const auto entries = inode ? tree.list(*inode) : node::refuse(2);
    text += directory + (entries ? ":\n" : ": not there\n");
    if (!entries) continue;
    for (std::size_t i = 0; i < entries->size(); ++i) {
      if (i == kEntriesMax) {
        text += fmt::format("  … and {} more\n", entries->size() - i);
        break;
      }
      const node::Entry& entry = (*entries)[i];
      const std::string path = join(directory, entry.name);
      const node::Attributes attributes = tree.attributes(entry.inode).value_or(node::Attributes{});
      std::string line = fmt::format("{:04o} {:>8} {}", attributes.mode, attributes.size, entry.name);
      if (entry.type == node::FileType::kSymlink) line += " -> " + tree.readlink(entry.inode).value_or("?");
      if (entry.type == node::FileType::kDirectory) line += "/";
      if (path == layout.kubeconfig) {
        line += "  [" + describe_kubeconfig(tree, path, cluster, readers) + "]";
      } else if (directory == layout.net_dir && entry.type != node::FileType::kDirectory && is_loadable_name(entry.name)) {
        line += "  [" + describe_config(tree, path, readers) + "]";
      }
      text += "  " + redactor.render(line, kLineMax) + "\n";
    }
  }
  return text;
}

}  // namespace entryproof::oracles
