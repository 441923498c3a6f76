#include "simulator/audit/node_audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/audit/author.h"
#include "simulator/audit/leftovers.h"
#include "simulator/audit/life.h"
#include "simulator/audit/node_root.h"
#include "simulator/audit/place.h"
#include "simulator/oracles/attach.h"
#include "simulator/oracles/host.h"
#include "simulator/oracles/redact.h"

namespace entryproof::audit {
namespace {

using oracles::join;

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::size_t kCredentialBytesMax = 4U << 20;
constexpr std::size_t kProgramHead = 64;

bool is_file(const node::Tree& tree, std::string_view path, mode_t bits = 0) {
  const auto inode = oracles::resolve_on_host(tree, path);
  const auto attributes = inode ? tree.attributes(*inode) : node::refuse(2);
  return attributes && attributes->type == node::FileType::kFile && (bits == 0 || (attributes->mode & bits) != 0);
}

std::string quoted_file(std::string_view name) { return oracles::printable(name, 200); }

// What is wrong with a program file by its own header; empty if nothing is, or it is no ELF file.
std::string elf_defect(std::string_view head, std::uint64_t size) {
  if (!head.starts_with("\x7f"
                        "ELF") ||
      head.size() < kProgramHead || head[4] != 2 || head[5] != 1) {
    return {};
  }
  const auto number = [head](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(head[at + i]);
    return value;
  };
  const std::uint64_t end = number(40, 8) + number(58, 2) * number(60, 2);  // of the section headers, which come last
  return end > size ? fmt::format("it has {} bytes, and by its own header at least {}", size, end) : std::string();
}

class Audit {
 public:
  Audit(NodeRoot& root, const NodeQuestion& question) : root_(root), now_(question.now) {
    report_.kind = Report::Kind::kNode;
    report_.subject = question.root;
    place_ = find_place(root_, question.net_dir, question.bin_dir);
    layout_.net_dir = place_.net_dir;
    layout_.bin_dir = place_.bin_dir;
    generated_path_ = join(join(layout_.net_dir, "multus.d"), "multus.kubeconfig");
    root_.take_directory(join(layout_.net_dir, "multus.d"), 0, [](std::string_view) { return false; });
    root_.take(generated_path_, kCredentialBytesMax);
  }

  Report run() {
    fact("judged at", time_text(now_));
    fact("runtime", fmt::format("{}; configurations in {} ({}), plugins in {}",
                                place_.containerd && place_.crio ? "containerd or CRI-O"
                                : place_.crio                    ? "CRI-O"
                                                                 : "containerd",
                                layout_.net_dir, place_.why, layout_.bin_dir));
    if (readable(layout_.net_dir) && !oracles::resolve_on_host(root_.tree(), layout_.net_dir)) {
      report_.unread.push_back(
          {layout_.net_dir, "there is no such directory: this is no node's root, or its runtime looks elsewhere (--cni-conf-dir)"});
    }
    look_at_selection();
    choose_configuration();
    look_elsewhere();
    if (configuration_.config != nullptr) {
      look_at_configuration();
      look_at_binary();
      look_at_kubeconfig();
    }
    say_author();
    look_at_twins();
    LeftoverQuestion leftovers{root_.tree(), layout_.net_dir, layout_.bin_dir, generated_path_};
    add_leftovers(leftovers, report_);
    say_dependency();
    return std::move(report_);
  }

 private:
  void fact(std::string name, std::string text) { report_.facts.push_back({std::move(name), oracles::printable(text, 1000)}); }

  void find(const char* clause, Severity severity, std::string file, std::string what, std::string consequence, std::string remedy) {
    report_.findings.push_back(
        {clause, severity, oracles::printable(file, 400), 0, oracles::printable(what, 1000), std::move(consequence), std::move(remedy)});
  }

  // Whether it could be read, or is known not to be there; otherwise it is named.
  bool readable(const std::string& path) {
    const auto obstacle = root_.obstacle(path);
    if (obstacle.empty()) return true;
    const auto named = [&](const Unread& unread) { return unread.path == path; };
    if (std::ranges::none_of(report_.unread, named)) report_.unread.push_back({path, std::string(obstacle)});
    return false;
  }

  // --- what the runtimes load ---

  void look_at_selection() {
    const auto files = oracles::loadable_files(root_.tree(), layout_.net_dir);
    for (const std::string& file : files) {  // up to the first good one every file decides
      if (!readable(join(layout_.net_dir, file))) return;
      if (place_.containerd && !place_.crio) break;
    }
    const auto containerd = oracles::containerd_selection(root_.tree(), layout_.net_dir, readers_.cni);
    const auto crio = oracles::crio_selection(root_.tree(), layout_.net_dir, layout_.bin_dir, readers_.cni);
    const auto say = [](const oracles::RuntimeSelection& selection) {
      return selection.ready() ? quoted_file(selection.file) : "nothing (" + selection.not_ready + ")";
    };
    if (place_.containerd) fact("containerd", say(containerd));
    if (place_.crio) fact("CRI-O", say(crio));
    if (place_.containerd && !files.empty() && !containerd.ready()) {
      const std::string path = join(layout_.net_dir, files.front());
      find(clause_of_broken(path), Severity::kBroken, path, "no runtime can load it: " + containerd.not_ready,
           "with containerd the node is NotReady and no Pod starts",
           "find out who writes it, repair or remove it; containerd loads the first file by name and no other");
    }
    if (!place_.crio) return;
    for (const auto& skipped : crio.skipped) {
      const bool ours = skipped.file.find("multus") != std::string::npos;
      if (!ours) continue;
      find(skipped.reason.starts_with("there is no plugin") ? "UPGRADE-49" : clause_of_broken(join(layout_.net_dir, skipped.file)),
           Severity::kBroken, join(layout_.net_dir, skipped.file), "CRI-O passes over it: " + skipped.reason,
           crio.ready() ? fmt::format("Pods start with {} alone and their network annotations are ignored, without an error", crio.file)
                        : "no Pod starts",
           "repair it; CRI-O takes the next file by name in silence");
    }
  }

  const char* clause_of_broken(const std::string& path) const {
    const auto bytes = oracles::read_host_file(root_.tree(), path, oracles::kConfigBytesMax);
    if (bytes && bytes->empty()) return "ATOM-22";
    if (bytes && oracles::parse_cni_config(*bytes, !path.ends_with(".conflist")).accepted()) return "CONF-36";
    return path.find("00-multus") != std::string::npos ? "ATOM-27" : "MANUAL-50";
  }

  // --- which configuration of Multus is meant ---

  void choose_configuration() {
    configuration_ = oracles::published_configuration(root_.tree(), layout_, oracles::Mode::kManual, "", readers_);
    const auto& config = configuration_.config;
    if (config == nullptr) {
      if (report_.unread.empty()) fact("Multus", "none: " + configuration_.reason);
      return;
    }
    thick_ = std::ranges::find(config->types, "multus-shim") != config->types.end();
    std::string delegates;
    for (const auto& type : config->delegate_types) delegates += (delegates.empty() ? "" : ", ") + type;
    fact("Multus", fmt::format("{}{}{}", quoted_file(configuration_.file), thick_ ? ", the thick plugin's" : "",
                               delegates.empty() ? "" : ", delegates to " + oracles::printable(delegates, 200)));
    const auto selected = oracles::containerd_selection(root_.tree(), layout_.net_dir, readers_.cni);
    if (selected.ready() && !selected.config->own()) {
      find("MANUAL-50", Severity::kBroken, join(layout_.net_dir, configuration_.file),
           fmt::format("{} sorts before it and is what the runtime loads", selected.file),
           "Multus is never called: Pods get the primary network only and their network annotations are ignored",
           fmt::format("publish it under a name that sorts before {}, such as 00-multus.conf", selected.file));
    }
  }

  void look_elsewhere() {
    for (const std::string& directory : place_.elsewhere) {
      root_.take_directory(directory, oracles::kConfigBytesMax, oracles::is_loadable_name);
      oracles::Layout other = layout_;
      other.net_dir = directory;
      const auto found = oracles::published_configuration(root_.tree(), other, oracles::Mode::kManual, "", readers_);
      if (found.config == nullptr || configuration_.config != nullptr) continue;
      find("EXIST-03", Severity::kBroken, join(directory, found.file),
           fmt::format("Multus' configuration lies in {}, and this node's runtime looks in {}", directory, layout_.net_dir),
           "Multus is never called: network annotations are ignored",
           fmt::format("mount {} of the host at --cni-conf-dir and --multus-autoconfig-dir", layout_.net_dir));
    }
  }

  // --- what it says ---

  void look_at_configuration() {
    const auto& config = *configuration_.config;
    const std::string path = join(layout_.net_dir, configuration_.file);
    if (config.self_delegating) {
      find("CONF-30", Severity::kBroken, path, fmt::format("it delegates to Multus itself, {} levels deep", config.multus_depth),
           "every Pod's networks are attached once per level; 4.0.x adds a level at each restart",
           "remove the file and start an entrypoint that looks for the real primary (4.1 or later)");
    }
    for (const std::string& named : config.paths) {
      if (thick_ || !named.starts_with("/host/") || named == config.kubeconfig) continue;  // the thick plugin's daemon lives in a container
      root_.take(named, 0);
      if (!readable(named) || oracles::resolve_on_host(root_.tree(), named)) continue;
      find("CONF-34", Severity::kRisk, path,
           fmt::format("it names {}, a path of the entrypoint's container, which this node has not", named),
           "what lies there is not found: networks that are defined by files, or the log", "give the host's path without /host");
      break;
    }
    for (const std::string& type : config.delegate_types) {
      if (type.empty() || type.find('/') != std::string::npos || type == "multus" || type == "multus-shim") continue;
      const std::string plugin = join(layout_.bin_dir, type);
      if (!readable(plugin) || !report_.unread.empty() || is_file(root_.tree(), plugin, 0111)) continue;
      find("UPGRADE-49", Severity::kBroken, plugin, fmt::format("the plugin {} that Multus delegates to is not there", type),
           "no Pod can be attached", "install the primary's plugins again, or say with --cni-bin-dir where this node's runtime has them");
    }
  }

  void look_at_binary() {
    layout_.binary = thick_ ? "multus-shim" : "multus";
    const std::string path = join(layout_.bin_dir, layout_.binary);
    root_.take(path, kProgramHead, true);
    if (!readable(path)) return;
    const auto binary = oracles::read_binary(root_.tree(), layout_);
    const auto head = binary.inode == 0 ? node::refuse(2) : root_.tree().read(binary.inode, 0, kProgramHead);
    const auto attributes = binary.inode == 0 ? node::refuse(2) : root_.tree().attributes(binary.inode);
    const std::uint64_t size = attributes ? attributes->size : 0;
    const std::string defect = head ? elf_defect(*head, size) : std::string();
    using State = oracles::PlacedBinary::State;
    if (binary.state == State::kAbsent) {
      find("UPGRADE-49", Severity::kBroken, path, binary.reason, "no Pod can be attached",
           "start the entrypoint without --skip-multus-binary-copy, or install the plugin with the node");
    } else if (binary.state == State::kIncomplete || !defect.empty()) {
      find("LIFE-59", Severity::kBroken, path, binary.reason.empty() ? defect : binary.reason, "no Pod can be attached",
           "remove it and start the entrypoint anew; if it stays so, look for a full disk");
    } else if (attributes) {
      fact("plugin", fmt::format("{}, {} KiB, mode {:04o}", path, size >> 10, attributes->mode));
    }
  }

  // --- the kubeconfig that it names ---

  void look_at_kubeconfig() {
    const std::string& path = configuration_.config->kubeconfig;
    if (path.empty()) {
      if (thick_) return fact("kubeconfig", "none is named: the thick plugin's daemon has its own credentials");
      return find("EXIST-01", Severity::kBroken, join(layout_.net_dir, configuration_.file), "it names no kubeconfig",
                  "Multus cannot ask for a Pod's networks, and Pods with annotations fail",
                  "name the kubeconfig that the entrypoint writes");
    }
    root_.take(path, kCredentialBytesMax);
    if (!readable(path)) return;
    auto placed = oracles::read_kubeconfig(root_.tree(), path, readers_.kubeconfig);
    if (placed.facts != nullptr) {  // files that it names are the host's, too
      for (const std::string& named : {placed.facts->token_file, placed.facts->ca_file}) {
        if (named.empty()) continue;
        root_.take(named, kCredentialBytesMax);
        if (!readable(named)) return;
      }
      placed = oracles::read_kubeconfig(root_.tree(), path, readers_.kubeconfig);
    }
    using State = oracles::PlacedKubeconfig::State;
    if (placed.state == State::kAbsent) return say_absent(path, placed.reason);
    if (const auto bytes = oracles::read_host_file(root_.tree(), path, kCredentialBytesMax)) kubeconfig_bytes_ = *bytes;
    facts_ = placed.facts;
    if (placed.state == State::kInvalid) {
      find(kubeconfig_bytes_.empty() ? "ATOM-22" : "FRESH-21", Severity::kBroken, path, "the plugin cannot use it: " + placed.reason,
           "every Pod that Multus has to attach fails",
           "restart an entrypoint that writes it; if it comes back so, look at the service account's volume");
    }
    if (facts_ == nullptr) return;
    fact("kubeconfig",
         fmt::format("{}, {}, mode {:04o}, owner {}, server {}{}", path, placed.state == State::kValid ? "good" : "no good", placed.mode,
                     placed.uid, facts_->server.empty() ? "none" : facts_->server, facts_->insecure ? ", TLS not verified" : ""));
    judge_guard(path, placed);
    judge_token(path);
    judge_certificate(path);
  }

  void say_absent(const std::string& path, const std::string& reason) {
    const bool moved = path != generated_path_ && is_file(root_.tree(), generated_path_);
    find(moved ? "EXIST-03" : "EXIST-01", Severity::kBroken, path,
         fmt::format("{} names it, and {}{}", configuration_.file, reason, moved ? fmt::format("; one lies at {}", generated_path_) : ""),
         "every Pod that Multus has to attach fails: \"failed to get context for the kubeconfig\"",
         moved ? fmt::format("name {} in the configuration (--multus-kubeconfig-file-host, or the manual file)", generated_path_)
               : "run an entrypoint that writes it: 4.0.0 to 4.0.2 do not in manual mode, every other does");
  }

  void judge_guard(const std::string& path, const oracles::PlacedKubeconfig& placed) {
    if ((placed.mode & 077) != 0 || placed.uid != 0) {
      find("SECURE-53", Severity::kRisk, path, fmt::format("mode {:04o}, owner {}", placed.mode, placed.uid),
           "others on the node can read, or change, a credential of the cluster",
           "0600 and root; a leftover multus.kubeconfig.new gives 4.x its mode");
    }
    if (!facts_->form_right()) {
      find("FRESH-18", Severity::kRisk, path, fmt::format("the server {} has {}", facts_->server, facts_->url.form_defect),
           "newer clients refuse it; then every Pod fails", "4.2.3 or later writes it right at its next start");
    }
  }

  void judge_token(const std::string& path) {
    const TokenLife life = token_life(facts_->token);
    if (!life.jwt)
      return fact("token", life.digest.empty() ? "none" : fmt::format("no JWT, so nobody knows its end; digest {}", life.digest));
    std::string text = fmt::format("digest {}", life.digest);
    if (life.issued) text += fmt::format(", issued {}", time_text(*life.issued));
    if (life.expires) {
      text += fmt::format(", expires {} ({} {})", time_text(*life.expires), span_text(*life.expires - now_),
                          *life.expires > now_ ? "left" : "ago");
    } else {
      text += ", without an end";
    }
    if (!life.pod.empty()) text += fmt::format(", bound to Pod {}", life.pod);
    if (life.warn_after) text += fmt::format(", stretched: nominally until {}", time_text(*life.warn_after));
    fact("token", text);
    if (life.issued && *life.issued > now_ + 300) {
      find("FRESH-12", Severity::kRisk, path, fmt::format("its token was issued {} from now", span_text(*life.issued - now_)),
           "a clock is wrong; tokens may be taken for valid, or not, when they are not", "set the node's clock, or give --now");
    }
    if (!life.expires || !facts_->token_file.empty()) return;  // a tokenFile is read anew by the plugin
    expires_ = life.expires;
    judge_renewal(path, life);
  }

  void judge_renewal(const std::string& path, const TokenLife& life) {
    constexpr std::int64_t kKubeletLate = 600;  // it looks at its Pods every minute or two
    const auto due = life.successor_due();
    if (*life.expires <= now_) {
      return find("FRESH-06", Severity::kBroken, path,
                  fmt::format("its token expired {}, {} ago", time_text(*life.expires), span_text(now_ - *life.expires)),
                  "every Pod that Multus has to attach, or to take down, fails with Unauthorized",
                  "restart the entrypoint now; then run one that renews it (the reference; 4.1 or later renews only in automatic mode with "
                  "--cleanup-config-on-exit)");
    }
    if (due && now_ > *due + kKubeletLate) {
      overdue_ = true;
      return find(
          "FRESH-06", Severity::kWillBreak, path,
          fmt::format("kubelet has had a newer token since about {}, and this one is still here: nobody renews it", time_text(*due)),
          fmt::format("Pods fail from {}, when the token expires{}", time_text(*life.expires),
                      life.pod.empty() ? "" : fmt::format(", or as soon as Pod {} is deleted", life.pod)),
          "restart the entrypoint before that; then run one that renews it");
    }
  }

  void judge_certificate(const std::string& path) {
    if (facts_->insecure) return;
    const auto life = longest_certificate(facts_->ca_pem);
    if (!life) return;
    fact("CA", fmt::format("valid from {} to {}", time_text(life->from), time_text(life->until)));
    if (life->until <= now_) {
      find("FRESH-13", Severity::kBroken, path, fmt::format("its CA expired {}", time_text(life->until)),
           "the plugin believes no server: every Pod fails", "rotate the cluster's CA, then restart the entrypoint");
    } else if (life->until - now_ < 30 * kDay) {
      find("FRESH-13", Severity::kWillBreak, path, fmt::format("its CA expires {}", time_text(life->until)),
           fmt::format("Pods fail from {}", time_text(life->until)),
           "rotate the cluster's CA; an entrypoint that does not renew the file has to be restarted after that");
    }
  }

  // --- who did it, and what follows ---

  void say_author() {
    if (configuration_.config == nullptr) return;
    const auto config = oracles::read_host_file(root_.tree(), join(layout_.net_dir, configuration_.file), oracles::kConfigBytesMax);
    const auto directory = oracles::resolve_on_host(root_.tree(), join(layout_.net_dir, "multus.d"));
    const auto attributes = directory ? root_.tree().attributes(*directory) : node::refuse(2);
    author_ = author_of({.config_file = configuration_.file,
                         .config = config ? std::string_view(*config) : std::string_view(),
                         .self_delegating = configuration_.config->self_delegating,
                         .kubeconfig = kubeconfig_bytes_,
                         .facts = facts_.get(),
                         .directory_mode = attributes ? std::optional(attributes->mode) : std::nullopt});
    if (thick_) return;
    fact("written by",
         author_.confidence.empty() ? author_.name : fmt::format("{} ({}: {})", author_.name, author_.confidence, author_.why));
  }

  // Two own configurations: after an upgrade, or when the primary's version crossed 1.0.
  void look_at_twins() {
    const std::string single = join(layout_.net_dir, "00-multus.conf");
    const std::string list = join(layout_.net_dir, "00-multus.conflist");
    if (!is_file(root_.tree(), single) || !is_file(root_.tree(), list)) return;
    const auto time = [&](const std::string& path) {
      return root_.tree().attributes(*oracles::resolve_on_host(root_.tree(), path))->mtime_ns;
    };
    const bool stale = time(list) > time(single);
    find("CONF-31", stale ? Severity::kBroken : Severity::kRisk, single,
         stale ? "00-multus.conflist beside it is newer, and this one sorts first" : "00-multus.conflist lies beside it",
         stale ? "the runtime goes on with what the primary was before; changes of it reach no Pod"
               : "whoever writes the list next is not heard",
         stale ? "remove 00-multus.conf" : "remove 00-multus.conflist");
  }

  void say_dependency() {
    if (configuration_.config == nullptr) return;
    const std::string& path = configuration_.config->kubeconfig;
    if (path.empty()) return fact("depends", "no: nothing here uses a generated kubeconfig");
    const bool generated =
        path == generated_path_ || std::string_view(kubeconfig_bytes_).starts_with("# Kubeconfig file for Multus CNI plugin.\n");
    if (!generated) return fact("depends", fmt::format("no: Multus uses {}, which no entrypoint writes by default", path));
    std::string text = "yes: every Pod that Multus attaches needs the generated kubeconfig";
    using Refresh = Author::Refresh;
    if (author_.refresh() == Refresh::kNever) text += fmt::format("; {} never renews it", author_.name);
    if (author_.refresh() == Refresh::kWithCleanup)
      text += fmt::format("; {} renews it in automatic mode with --cleanup-config-on-exit only", author_.name);
    if (author_.refresh() == Refresh::kAlways) text += fmt::format("; {} renews it while it runs", author_.name);
    if (expires_ && *expires_ > now_) text += fmt::format(". If it is not renewed, Pods fail from {}", time_text(*expires_));
    fact("depends", text);
    const bool sure = author_.confidence == "sure" || author_.confidence == "likely";
    if (expires_ && *expires_ > now_ && !overdue_ && sure && author_.refresh() == Refresh::kNever) {
      find("FRESH-06", Severity::kWillBreak, path, fmt::format("{} wrote it, and does not renew it while it runs", author_.name),
           fmt::format("Pods fail from {}, when the token expires, unless the entrypoint is restarted before", time_text(*expires_)),
           "run an entrypoint that renews it, or restart this one in time");
    }
  }

  NodeRoot& root_;
  std::int64_t now_;
  Place place_;
  oracles::Layout layout_;
  std::string generated_path_;
  oracles::Readers readers_;
  Report report_;
  oracles::Published configuration_;
  bool thick_ = false;
  std::string kubeconfig_bytes_;
  std::shared_ptr<const oracles::KubeconfigFacts> facts_;
  Author author_;
  std::optional<std::int64_t> expires_;
  bool overdue_ = false;
};

}  // namespace

Result<Report> audit_node(const NodeQuestion& question) {
  auto root = NodeRoot::open(question.root);
  if (!root) return std::unexpected(root.error());
  return printable(Audit(*root, question).run());
}

}  // namespace entryproof::audit
