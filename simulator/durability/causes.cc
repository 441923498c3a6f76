#include "simulator/durability/causes.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulator/durability/shown.h"

namespace entryproof::durability {
namespace {

using node::Verb;

std::string base_name(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

std::string_view noun(const node::Operation& operation) {
  if (operation.verb == Verb::kSetAttributes) return "change of mode";
  if (operation.verb == Verb::kAllocate) return "allocation";
  return node::to_string(operation.verb);
}

}  // namespace

Causes::Causes(const Compiled& compiled, Verdict verdict)
    : compiled_(compiled),
      verdict_(std::move(verdict)),
      whole_(whole(compiled)),
      scene_(compiled, whole_),
      dependents_(whole_.varied.size()) {
  for (Index i = 0; i < whole_.varied.size(); ++i) {
    for (const Index other : compiled.micros[whole_.varied[i]].needs) {
      const auto found = std::ranges::lower_bound(whole_.varied, other);
      if (found != whole_.varied.end() && *found == other)
        dependents_[static_cast<std::size_t>(found - whole_.varied.begin())].push_back(i);
    }
  }
}

bool Causes::fails(const Moment& moment, const std::string& check) {
  Shown<LargeSet> state(compiled_, whole_, scene_, moment.set, moment.cut);
  state.model = moment.model;
  state.after = seq_before(compiled_, moment.cut);
  state.acknowledged = moment.acknowledged;
  state.hash = scene_.hash(moment.set);
  return std::ranges::any_of(verdict_(state), [&](const Complaint& complaint) { return complaint.check == check; });
}

Causes::Moment Causes::moment_of(const Failing& failing) const {
  Moment moment{LargeSet(whole_.varied.size()), failing.model, failing.cut, failing.acknowledged};
  Index position = 0;  // in the window
  for (Index i = 0; i < whole_.varied.size(); ++i) {
    const Index micro = whole_.varied[i];
    if (compiled_.micros[micro].operation >= failing.cut) break;
    while (position < failing.window.varied.size() && failing.window.varied[position] < micro) ++position;
    const bool pending = position < failing.window.varied.size() && failing.window.varied[position] == micro;
    if (!pending || failing.held[position] != 0) moment.set.add(i);
  }
  return moment;
}

// Puts back what was lost, the oldest first, with what it needs, as long as the state fails.
void Causes::restore(Failing& failing, const std::string& check) {
  for (Index i = 0; i < failing.held.size(); ++i) {
    if (failing.held[i] != 0) continue;
    const std::vector<char> before = failing.held;
    failing.held[i] = 1;
    for (const Index needed : failing.needs[i]) failing.held[needed] = 1;
    if (!fails(moment_of(failing), check)) failing.held = before;
  }
}

// The first position that is not there; after a kill that is what would have come next. kNone if nothing is missing.
Index Causes::first_lost(const Moment& moment) const {
  for (Index i = 0; i < whole_.varied.size(); ++i) {
    if (!moment.set.test(i)) return i;
  }
  return kNone;
}

// The operation without which, and without what hangs on it, the state does not fail: the last such, if one comes after `a`.
std::optional<Index> Causes::without(const Moment& moment, Index a, const std::string& check) {
  const auto passes_without = [&](Index position) {
    const Index operation = compiled_.micros[whole_.varied[position]].operation;
    Moment less = moment;
    std::vector<char> gone(whole_.varied.size(), 0);
    for (Index i = 0; i < gone.size(); ++i) {
      if (compiled_.micros[whole_.varied[i]].operation == operation) gone[i] = 1;
      if (gone[i] == 0) continue;
      less.set.remove(i);
      for (const Index dependent : dependents_[i]) gone[dependent] = 1;
    }
    return !fails(less, check);
  };
  const auto count = static_cast<Index>(whole_.varied.size());
  for (const auto& [from, end] : {std::pair{std::min(a, count), count}, std::pair{Index{0}, std::min(a, count)}}) {
    Index tried = kNone;
    for (Index i = end; i-- > from;) {
      const Index operation = compiled_.micros[whole_.varied[i]].operation;
      if (operation == tried || !moment.set.test(i)) continue;
      if (passes_without(i)) return i;
      tried = operation;
    }
  }
  return std::nullopt;
}

// The one after `a` without which the loss would break no word.
std::optional<std::size_t> Causes::acknowledgement(const Moment& moment, Index a, const std::string& check) {
  const std::uint64_t seq = compiled_.operations[compiled_.micros[whole_.varied[a]].operation].seq;
  std::size_t earlier = 0;
  while (earlier < moment.acknowledged && compiled_.acknowledgements[earlier].after < seq) ++earlier;
  for (std::size_t told = moment.acknowledged; told > earlier; --told) {
    Moment before = moment;
    before.acknowledged = told - 1;
    if (!fails(before, check)) return told - 1;
  }
  return std::nullopt;
}

Cause Causes::find(Failing failing, const Complaint& complaint) {
  if (failing.model != Model::kKill) restore(failing, complaint.check);
  const Moment moment = moment_of(failing);
  Cause cause;
  cause.check = complaint.check;
  cause.what = complaint.what;
  cause.label = failing.model;
  cause.models = {failing.model};
  cause.after = seq_before(compiled_, failing.cut);
  Shown<LargeSet> state(compiled_, whole_, scene_, moment.set, moment.cut);
  cause.omitted = state.omitted();
  cause.lost = state.lost();
  const Index a = first_lost(moment);
  std::optional<std::size_t> told;
  if (a != kNone) told = acknowledgement(moment, a, complaint.check);
  std::optional<Index> b;
  if (!told) b = without(moment, a, complaint.check);
  put_into_words(cause, failing.model, a, b, told);
  return cause;
}

// --- words ---

// "write of multus.kubeconfig.new", "rename of a to b"; beside an operation on the same file "its rename".
std::string Causes::words(Index micro, Index beside) const {
  const node::Operation& operation = compiled_.operations[compiled_.micros[micro].operation];
  const bool its = beside != kNone && compiled_.operations[compiled_.micros[beside].operation].inode == operation.inode;
  if (its) return fmt::format("its {}", noun(operation));
  if (operation.verb == Verb::kRename) return fmt::format("rename of {} to {}", base_name(operation.path), base_name(operation.path2));
  if (operation.verb == Verb::kLink) return fmt::format("link of {} as {}", base_name(operation.path), base_name(operation.path2));
  return fmt::format("{} of {}", noun(operation), base_name(operation.path));
}

// The same without what differs from run to run: a name that is given up later is that of a temporary file.
std::string Causes::role(Index micro) const {
  const MicroOp& is = compiled_.micros[micro];
  const node::Operation& operation = compiled_.operations[is.operation];
  const auto names = compiled_.final.names_of(operation.inode);
  const std::string now = names.empty() ? std::string() : compiled_.final.path_of(operation.inode);
  const std::string& then = operation.verb == Verb::kRename ? operation.path2 : operation.path;
  if (now == then) return fmt::format("{} {}", noun(operation), now);
  // Where a rename takes it later says whose temporary file it is, even if that is replaced in the end.
  for (const Index later : compiled_.objects[is.object].names) {
    const node::Operation& moved = compiled_.operations[compiled_.micros[later].operation];
    if (later >= micro && moved.verb == Verb::kRename && moved.inode == operation.inode) {
      const bool self = later == micro;
      return fmt::format("{} {}{}", noun(operation), self ? "" : "temporary of ", moved.path2);
    }
  }
  return fmt::format("{} {}", noun(operation), then);
}

// What kept `a` from being durable before micro-operation `end`.
std::string Causes::between(Index a, Index end) const {
  const MicroOp& lost = compiled_.micros[a];
  const node::Operation& operation = compiled_.operations[lost.operation];
  const Index until = end < compiled_.micros.size() ? compiled_.micros[end].operation : static_cast<Index>(compiled_.operations.size());
  const bool name = lost.kind == Kind::kEntry;
  bool other = false;
  bool failed = false;
  for (Index i = lost.operation + 1; i < until; ++i) {
    const node::Operation& sync = compiled_.operations[i];
    if ((sync.verb != Verb::kFsync && sync.verb != Verb::kFsyncDirectory) || sync.actor != node::Actor::kBuild) continue;
    if (sync.inode == operation.inode && !sync.succeeded()) failed = true;
    if (sync.succeeded()) other = true;
  }
  if (failed && lost.lost_at != kNone) return "the fsync between them failed, and no later one writes its pages again";
  if (failed) return "the fsync between them failed";
  if (name) return "no fsync of its directory between them";
  return other ? "no fsync of it between them" : "no fsync between them";
}

void Causes::put_into_words(Cause& cause, Model model, Index a, std::optional<Index> b, std::optional<std::size_t> told) const {
  const auto micro = [&](Index position) { return whole_.varied[position]; };
  if (a == kNone) {
    cause.words = b ? fmt::format("{} leaves it so, though nothing is lost", words(micro(*b))) : "it is so though nothing is lost";
    cause.key = b ? role(micro(*b)) : std::string("nothing");
  } else if (told) {
    const std::string& what = compiled_.acknowledgements[*told].what;
    cause.words = fmt::format("{} must be durable before \"{}\"; {}", words(micro(a)), what, between(micro(a), kNone));
    cause.key = fmt::format("{} < told", role(micro(a)));
  } else if (!b) {
    cause.words = fmt::format("{} can be lost; {}", words(micro(a)), between(micro(a), kNone));
    cause.key = role(micro(a));
  } else if (*b > a) {
    cause.words =
        fmt::format("{} must be durable before {}; {}", words(micro(a)), words(micro(*b), micro(a)), between(micro(a), micro(*b)));
    cause.key = fmt::format("{} < {}", role(micro(a)), role(micro(*b)));
  } else {
    const std::string_view how = model == Model::kKill ? "a kill between them is enough" : "a power cut can keep the one without the other";
    cause.words = fmt::format("{} and {} must be one step; {}", words(micro(*b)), words(micro(a), micro(*b)), how);
    cause.key = fmt::format("{} + {}", role(micro(*b)), role(micro(a)));
  }
  cause.key = fmt::format("{}: {}", cause.check, cause.key);
}

}  // namespace entryproof::durability
