#include "simulator/audit/deployment.h"

#include <algorithm>

namespace entryproof::audit {
namespace {

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_shell(std::string_view word) {
  const auto name = base_name(word);
  return name == "sh" || name == "bash" || name == "ash";
}

// The words of a script, as far as blanks and quotes tell; what a shell would make of the rest is not known here.
void split_script(const Text& script, std::vector<Text>& words) {
  Text word{{}, script.line};
  std::size_t line = script.line;
  const auto end_word = [&] {
    if (!word.value.empty()) words.push_back(std::move(word));
    word = {{}, line};
  };
  for (const char c : script.value) {
    if (c == '\n') ++line;
    if (c == ' ' || c == '\t' || c == '\n' || c == ';') {
      end_word();
    } else if (c != '"' && c != '\'' && c != '\\') {
      word.value += c;
    }
  }
  end_word();
}

// "$(NAME)", as kubelet replaces it; what it has no value for stays. Cut where no argument could be passed on any more (MAX_ARG_STRLEN): a
// long value that is named often is no reason to run out of memory.
std::string expanded(const Deployment& deployment, std::string_view text) {
  constexpr std::size_t kLongest = 128U << 10;
  std::string out;
  for (;;) {
    if (out.size() > kLongest) {
      out.resize(kLongest);
      return out;
    }
    const auto open = text.find("$(");
    const auto close = open == std::string_view::npos ? open : text.find(')', open);
    if (close == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, open));
    const auto value = deployment.variable(text.substr(open + 2, close - open - 2));
    out.append(value ? std::string_view(*value) : text.substr(open, close - open + 1));
    text.remove_prefix(close + 1);
  }
}

// The words behind the program's name.
std::vector<Text> words_of(const Deployment& deployment) {
  std::vector<Text> words;
  const Container& container = *deployment.container;
  std::vector<Text> all = container.command;
  all.insert(all.end(), container.args.begin(), container.args.end());
  const bool shell = !container.command.empty() && is_shell(container.command.front().value);
  for (const Text& word : all) {
    if (shell && word.value.find_first_of(" \n") != std::string::npos) {
      split_script(word, words);
    } else {
      words.push_back(word);
    }
  }
  for (Text& word : words) word.value = expanded(deployment, word.value);
  return words;
}

void read_flags(Deployment& deployment) {
  const std::vector<Text> words = words_of(deployment);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i].value;
    if (!word.starts_with("--") || word == "--") continue;
    const auto equals = word.find('=');
    deployment.arguments.emplace_back(word);
    const KnownFlag* flag = find_flag(word.substr(0, equals));
    if (flag == nullptr) {
      deployment.strangers.push_back({std::string(word.substr(0, equals)), words[i].line});
      continue;
    }
    Text value{"true", words[i].line};
    if (equals != std::string_view::npos) {
      value.value = word.substr(equals + 1);
    } else if (flag->text) {
      value.value = i + 1 < words.size() ? words[++i].value : std::string();
      deployment.arguments.push_back(value.value);
    }
    if (!flag->text) value.value = value.value == "true" || value.value == "1" || value.value == "t" ? "true" : "false";
    deployment.given[flag->name] = std::move(value);
  }
}

bool is_program(std::string_view word) {
  const auto name = base_name(word);
  return name == "thin_entrypoint" || name == "multus-daemon";
}

bool is_entrypoint(const Container& container, const Version& version) {
  const std::string& image = container.image.value;
  const bool multus = image.find("multus") != std::string::npos || image.find("thin-entrypoint") != std::string::npos;
  if (container.command.empty() && container.args.empty()) return multus && !container.init;  // the image's own entrypoint
  const auto speaks = [&](const Text& text) {
    return text.value.find("--multus-conf-file") != std::string::npos || text.value.find("thin_entrypoint") != std::string::npos ||
           is_program(text.value) || (multus && base_name(text.value) == "entrypoint.sh");
  };
  if (std::ranges::any_of(container.command, speaks) || std::ranges::any_of(container.args, speaks)) return true;
  // Flags for the image's own entrypoint.
  return multus && version.family != Family::kThick && container.command.empty() && container.args.front().value.starts_with("--");
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  std::string normal;
  for (const auto part : parts) normal.append("/").append(part);
  return normal.empty() ? "/" : normal;
}

Text Deployment::flag(std::string_view name) const {
  if (const auto found = given.find(name); found != given.end()) return found->second;
  if (version.family == Family::k3 && name == "--multus-conf-file") return {"/usr/src/multus-cni/images/70-multus.conf", container->line};
  const KnownFlag* known = find_flag(name);
  return {known != nullptr ? known->fallback : "", container->line};
}

std::size_t Deployment::line_of(std::string_view name) const { return flag(name).line; }

Reached Deployment::reach(std::string_view path) const {
  const std::string normal = normal_path(path);
  Reached reached;
  for (const Mount& mount : container->mounts) {
    const bool within = normal == mount.path || mount.path == "/" || (normal.starts_with(mount.path) && normal[mount.path.size()] == '/');
    if (!within || (reached.mount != nullptr && mount.path.size() < reached.mount->path.size())) continue;
    reached.mount = &mount;
  }
  if (reached.mount == nullptr) return reached;
  reached.volume = workload->volume(reached.mount->volume);
  if (!reached.mount->sub_path.empty()) reached.below = normal_path(reached.mount->sub_path);
  reached.below += normal.substr(reached.mount->path == "/" ? 0 : reached.mount->path.size());
  return reached;
}

std::optional<std::string> Deployment::variable(std::string_view name) const {
  for (const Variable& variable : container->environment) {
    if (variable.name == name) return variable.value;
  }
  return std::nullopt;
}

std::vector<Deployment> deployments_of(const Workload& workload) {
  std::vector<Deployment> found;
  for (const Container& container : workload.containers) {
    Deployment deployment;
    deployment.workload = &workload;
    deployment.container = &container;
    deployment.version = version_of(container);
    if (!is_entrypoint(container, deployment.version)) continue;
    read_flags(deployment);
    found.push_back(std::move(deployment));
  }
  return found;
}

}  // namespace entryproof::audit
