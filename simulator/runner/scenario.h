// Scenario: one case, as data.
//
// What scenario files (DESIGN.md, "Scenario files") hold after loading and expanding `vary`: a node to begin with, steps, and what is
// expected, each expectation under the id of a check. No expressions, no shell. The format is described for people in docs/scenarios.md
// and for editors in scenarios/scenario.schema.json.
//
// Paths in a scenario are the container's ("/host/etc/cni/net.d/00-multus.conf"), because that is where builds and manifests speak; a path
// that begins with "node:" is the host's ("node:/etc/cni/net.d/…").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "simulator/base/clock.h"
#include "simulator/base/json.h"
#include "simulator/base/result.h"
#include "simulator/faults/plan.h"

namespace entryproof::runner {

// --- what a tree holds, or shall hold ---

// A file-system object to be made: exactly one of the content members is set. JSON content is kept as its text.
struct Object {
  enum class Kind : std::uint8_t { kText, kBytes, kJson, kFixture, kDirectory, kSymlink, kFifo, kProgram };
  Kind kind = Kind::kText;
  std::string content;  // text, decoded bytes, JSON text (compact), the fixture's or program's name, or a symlink's target
  unsigned times = 1;   // a text: so often in a row
  std::optional<unsigned> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

// What shall be at a path; every set member is demanded.
struct ObjectMatcher {
  std::optional<std::string> type;    // "file", "directory", "symlink", "fifo", "absent"
  std::optional<std::string> json;    // JSON text; objects match as subsets, arrays exactly
  std::optional<std::string> yaml;    // JSON text, matched against the file read as YAML
  std::optional<std::string> equals;  // exact bytes
  std::optional<std::string> contains;
  std::optional<std::string> same_as;           // path (container's or node:) of another file with the same bytes
  std::optional<std::string> same_since;        // name of a `remember` step: same bytes as then
  std::optional<std::string> unchanged_since;   // name of a `remember` step: same inode, bytes and mtime
  std::optional<std::string> same_names_since;  // name of a `remember` step: a directory that holds the same names as then
  std::optional<unsigned> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::string> target;  // of a symlink
  bool closed = false;                // a directory: nothing directly in it but what other paths of the same `tree` begin with
};

// --- the node to begin with ---

// An API server behind the node, and how its cluster issues credentials.
struct ClusterGiven {
  Duration token_life = std::chrono::seconds(3607);  // nominal, whole seconds
  std::string tokens = "nominal";                    // "nominal", "stretched" (a year), "legacy" (no end)
  bool refresh = true;                               // kubelet replaces the token after four fifths of its life
  bool bundle = false;                               // ca.crt holds the CA and the next one
  bool rsa = false;                                  // the server's key
  bool intermediate = false;                         // the server's chain goes through an intermediate CA
  std::string certificate = "right";                 // or "expired", "not-yet-valid", "wrong-name", "foreign" (of another CA)
};

struct Given {
  std::string primary;  // a fixture's name ("flannel"): put at its usual place in net.d; empty = none
  // "projected" (service account), "hostpath" (plain files at kubelet's place), "subpath" (the same, and they never change), "none"
  std::string credentials = "projected";
  std::string credentials_at;  // the directory they lie in; empty: kubelet's place
  std::string token_suffix;    // bytes behind every token in the volume: "\n", "\r\n"; they are no part of the token
  std::string ca_form;         // "", "crlf" (line ends), "annotated" (text before, between and behind the certificates)
  std::map<std::string, std::optional<std::string>> environment;  // added to the Pod's; null removes one
  std::map<std::string, Object> tree;                             // container paths (or node:)
  std::vector<std::string> absent;                                // paths to be removed from the default node
  std::optional<ClusterGiven> cluster;                            // none: nothing answers at the service's address
  // Volumes that kubelet fills from a ConfigMap, by its atomic writer: container path of the directory -> files.
  std::map<std::string, std::map<std::string, Object>> projected;
  unsigned umask = 022;
  std::map<std::string, std::string> volumes;  // more of them: container path of the directory -> the host's
  std::vector<std::string> read_only;          // volumes, by container path, that the container cannot write to
  bool read_only_root = false;                 // the container can write to its volumes only
  // Directories of the host, and where the container sees them; what is empty is as on the usual node.
  std::string net_d;
  std::string net_d_at;
  std::string bin;
  std::string bin_at;
  std::optional<std::uint64_t> disk_bytes;  // how much can be written beyond what the node begins with; ENOSPC then
};

// --- steps ---

struct StartStep {             // verb "start" (go on at once) or "run" (wait for the end)
  std::string what = "build";  // "build", "plugin" (the binary that lies on the node), or "predecessor:3.9.3" …
  std::vector<std::string> args;
  std::map<std::string, std::string> features;  // what each build does by a flag of its own, if at all: "api-server" -> value
  std::map<std::string, std::optional<std::string>> environment;
  std::string as = "build";        // a name for later steps; the loader makes it "old" for a predecessor that the file gives no name
  bool wait = false;               // verb "run"
  std::optional<Duration> within;  // of "run": how long it may take
  std::set<std::string> deny;      // "inotify", "network": what the container's kernel refuses
};
struct PutStep {
  std::string path;
  Object object;
  bool in_place = false;  // opened, emptied and written where it stands, not renamed into its place
};
struct ChmodStep {  // the same bytes with another mode
  std::string path;
  unsigned mode = 0;
};
struct RemoveStep {  // a directory with all it holds; now, or right behind an operation of the build
  std::string path;
  std::optional<faults::Rule> behind = {};
};
struct RenameStep {
  std::string from;
  std::string to;
};
struct LinkStep {  // a symlink
  std::string path;
  std::string target;
};
struct RotateStep {
  enum class What : std::uint8_t { kToken, kCa, kBoth, kSigningKey, kPod, kCaAdd, kCaSwitch, kCaDrop };
  enum class Expires : std::uint8_t { kUsual, kSame, kEarlier };
  What what = What::kToken;
  bool keep_old = false;              // of the signing key: tokens of the old one still count
  Expires expires = Expires::kUsual;  // of the new token, compared with the old one
  bool torn = false;                  // and the same again, as soon as the build has read one file of this swap
  unsigned times = 1;                 // all of that so often …
  Duration every{};                   // … with so much time after each
};
struct ClusterStep {               // what the cluster's operator does
  std::optional<std::string> api;  // "up", "down" (refuses), "slow", "resetting"
  Duration latency = std::chrono::seconds(1);
  std::optional<std::string> certificate;  // as in `given`
  bool drop_old_keys = false;              // tokens of earlier signing keys count no more
  bool delete_pod = false;                 // the Pod's object is deleted, and its tokens die
  std::optional<bool> rights;              // whether the account may read Pods
};
struct ProjectStep {  // kubelet brings a volume of `given.projected` to these files
  std::string path;
  std::map<std::string, Object> files;
};
struct SignalStep {
  std::string who = "build";
  int number = 15;
  std::optional<faults::Rule> at = {};  // not now, but when the build makes that operation: to the program that makes it
};
struct ExhaustStep {  // what the node has none left of, from now on
  std::set<std::string> what;
};
struct RemountStep {  // a volume is mounted over itself, anew: another directory of the node with the same in it
  std::string path;
};
struct KillStep {  // SIGKILL; with at_operation: armed before the next start
  std::string who = "build";
  std::optional<std::uint64_t> at_operation;
};
struct StopStep {  // at rest, then TERM, then KILL after 1 s: a restart's first half
  std::string who = "build";
};
struct RebootStep {  // every program killed, volatile directories empty, credentials projected anew; the rest of the disk stays
  std::vector<std::string> volatile_paths;
};
struct PowerCutStep {  // a reboot before which the disk loses what the model lets it lose
  faults::PowerCut cut;
  std::vector<std::string> volatile_paths;
};
struct RestStep {  // until the build is at rest
  std::optional<Duration> within;
};
struct RememberStep {  // the node as it is now, for `unchanged_since`
  std::string name;
};
struct ClockStep {     // somebody sets the node's wall clock; the cluster's stays right
  Duration forward{};  // negative: back
};
struct FaultStep {  // which calls of the build fail from now on, instead of those that did; paths are the host's
  faults::Plan plan;
};
struct WaitStep {  // verb "advance": let time pass
  Duration duration{};
};

struct KubeconfigExpectation {
  // "valid": O-plugin passes; "current": valid, with the newest token and CA; "invalid"; "absent". With a cluster: "authenticates" (a
  // client of this file gets its answer), "unauthorized" (401), "refused" (no answer, for whatever reason). Empty: only what follows. What
  // must not change is the tree's business (`unchanged_since`).
  std::string state;
  std::optional<std::string> server;  // exact URL
  std::optional<unsigned> mode;
  std::optional<bool> insecure;
  // Host path ("/etc/…"; "node:/etc/…" in the file), where not the one that the published configuration names.
  std::optional<std::string> path;
  // Every token that the build has replaced, and the one that is there, had or has at least so much life left.
  std::optional<Duration> margin;
  bool whole_token = false;  // its token is one that the cluster issued, or all that lies in the token's file
};
struct ConfigurationExpectation {
  std::optional<std::string> delegate;  // type of the first (or only) plugin delegated to
  std::optional<std::string> lossless;  // path (container's or node:) of the primary whose JSON value the delegate must equal
  std::optional<unsigned> own_files;    // how many files in net.d are Multus' own
  std::optional<bool> self_delegating;  // any delegate, at any depth, of type multus or multus-shim
  std::optional<std::string> name;      // network name
  std::optional<std::string> file;      // host path ("node:/etc/…" in the file) of the one that is meant; default: the one published
  std::optional<std::string> cni_version;
  std::vector<std::string> no_path_below;  // directories of the container that no value of it, the delegates' apart, may begin with
};
struct RuntimeExpectation {
  std::optional<std::string> containerd;  // name of the file it would load; "" = NotReady
  std::optional<std::string> crio;
};
struct ExitExpectation {
  std::optional<int> code;
  std::optional<bool> success;  // zero or not
  std::optional<bool> running;
  std::optional<bool> not_zero;  // true: it still runs, or it ended with another status than 0
  std::optional<bool> no_crash;  // true: no fault of its own (SIGSEGV, SIGABRT …) ended it
  std::string who = "build";
};

// At most so many more of something than when that state was remembered.
struct GrowthExpectation {
  std::string since;
  std::uint64_t more = 0;
};

struct ExpectStep {
  std::string check;
  std::optional<Duration> within;    // must become true
  std::optional<Duration> hold_for;  // must stay true ("for")
  std::optional<KubeconfigExpectation> kubeconfig;
  std::optional<ConfigurationExpectation> configuration;
  std::optional<RuntimeExpectation> runtime;
  std::optional<ExitExpectation> exit;
  // Whether a Pod created now could be attached: configuration, binary, kubeconfig; with a cluster, by the choice of both runtimes, and the
  // API server answers.
  std::optional<bool> attach;
  std::map<std::string, ObjectMatcher> tree;
  std::optional<bool> quiet;                     // no mutation by the build during `for`
  std::vector<std::string> order;                // paths that the build gave their content, each for the first time, in this order
  std::vector<std::string> gone_in_order;        // of these paths, what the build took away it took away in this order
  std::map<std::string, std::uint64_t> at_most;  // how often the build may have given a path new content
  std::optional<GrowthExpectation> descriptors;  // files that the build's programs hold open
  std::optional<GrowthExpectation> lines;        // that they have said
  bool if_injected = false;                      // demanded only of a build whose calls were made to fail, or met what was to come with one
  bool if_published = false;                     // demanded only while a configuration of Multus is there
  bool or_failed = false;                        // or the build has ended with a failure: its Pod is started again
  std::set<std::string> no_secret;  // where no part of a token's signature may be: "output" of the build's programs, "files" of the node
};

struct Step {
  std::variant<StartStep, PutStep, ChmodStep, RemoveStep, RenameStep, LinkStep, RotateStep, ClusterStep, ProjectStep, SignalStep, KillStep,
               StopStep, ExhaustStep, RemountStep, RebootStep, PowerCutStep, RestStep, RememberStep, ClockStep, FaultStep, WaitStep,
               ExpectStep>
      action;
  std::string pointer;  // JSON pointer of the step, for messages
  int line = 0;
};

struct Scenario {
  std::string id;  // path below scenarios/ without ".json"; with "#key" for a vary row
  std::string title;
  std::string why;
  std::string file;
  std::shared_ptr<const JsonDocument> source;  // where each part of the file stands, for messages; null for one that a program made
  std::set<std::string> tags;
  Given given;
  std::vector<Step> steps;
  std::map<std::string, std::string> except;  // live check -> reason why it does not hold here
  std::set<std::string> worlds;               // where it can be played; empty = everywhere

  // Every check that an expect step of it names, in order, once each; and those that it is taken apart for (explored.h).
  std::vector<std::string> checks() const;
};

}  // namespace entryproof::runner
