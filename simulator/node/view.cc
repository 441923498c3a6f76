#include "simulator/node/view.h"

#include <cerrno>

#include <algorithm>
#include <array>
#include <utility>

namespace entryproof::node {
namespace {

constexpr int kSymlinksFollowed = 40;
constexpr std::size_t kPathCap = 4096;  // PATH_MAX, its final zero counted

}  // namespace

Errno Place::absence() const { return Errno{name.size() > Tree::kNameCap ? ENAMETOOLONG : ENOENT}; }

// What becomes of a symlink at the end: O_NOFOLLOW, open(2) with O_CREAT, stat(2).
enum class View::Last : std::uint8_t { kKeep, kFollowUnlessSlash, kFollow };

// One walk: the stack of directories passed, so that ".." leads back over mounts too.
class View::Walk {
 public:
  Walk(const View& view, const Tree& tree, const Credentials& who) : map_(*view.map_), tree_(tree), who_(who) { restart(); }

  Outcome<Place> run(std::string_view rest, Last what);

 private:
  struct Position {
    std::size_t mount = kNone;     // kNone on scaffold
    InodeId inode = 0;             // 0 on scaffold, or if there is nothing
    std::size_t signpost = kNone;  // kNone where no mount lies here or below
    bool mount_point = false;

    bool scaffold() const { return mount == kNone && signpost != kNone; }
  };

  void restart() {
    depth_ = 0;
    deeper_.clear();
    push(enter(Position{kNone, 0, 0, false}));
  }
  void push(const Position& at) {
    if (depth_ < passed_.size()) {
      passed_[depth_++] = at;
    } else {
      deeper_.push_back(at);
    }
  }
  void pop() {
    if (deeper_.empty()) {
      if (depth_ > 1) --depth_;
    } else {
      deeper_.pop_back();
    }
  }
  const Position& last() const { return deeper_.empty() ? passed_[depth_ - 1] : deeper_.back(); }
  Position enter(Position at) const;
  Outcome<Position> step(std::string_view name) const;
  Place place(const Position& parent, std::string_view name, const Position& at, bool directory_required) const;

  const Map& map_;
  const Tree& tree_;
  const Credentials& who_;
  std::array<Position, 12> passed_;  // as deep as paths usually are …
  std::size_t depth_ = 0;
  std::vector<Position> deeper_;  // … and the rest
};

View::View() {
  static const View kHost({Mount{"/", kRoot, false}});
  map_ = kHost.map_;
}

View::View(std::vector<Mount> mounts) {
  auto map = std::make_shared<Map>();
  map->mounts = std::move(mounts);
  map->signposts.resize(1);
  for (std::size_t mount = 0; mount < map->mounts.size(); ++mount) {
    std::size_t at = 0;
    std::string_view rest = map->mounts[mount].at;
    while (!rest.empty()) {
      const std::string_view name = rest.substr(0, rest.find('/'));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      if (name.empty()) continue;
      std::size_t next = signpost_below(*map, at, name);
      if (next == kNone) {
        next = map->signposts.size();
        map->signposts[at].below.emplace_back(name, next);
        map->signposts.emplace_back();
      }
      at = next;
    }
    map->signposts[at].mount = mount;
  }
  map_ = std::move(map);
}

std::size_t View::signpost_below(const Map& map, std::size_t signpost, std::string_view name) {
  if (signpost == kNone) return kNone;
  for (const auto& [known, below] : map.signposts[signpost].below) {
    if (known == name) return below;
  }
  return kNone;
}

// Crosses to what is mounted here, if anything is.
View::Walk::Position View::Walk::enter(Position at) const {
  if (at.signpost == kNone) return at;
  const std::size_t mount = map_.signposts[at.signpost].mount;
  if (mount == kNone) return at;
  return {mount, map_.mounts[mount].directory, at.signpost, true};
}

// From the last directory passed to a name in it; a Position without inode if there is nothing.
Outcome<View::Walk::Position> View::Walk::step(std::string_view name) const {
  const Position& at = last();
  Position next{at.mount, 0, signpost_below(map_, at.signpost, name), false};
  if (!at.scaffold()) {
    const Outcome<InodeId> found = tree_.lookup(who_, at.inode, name);
    if (!found && found.error() != Errno{ENOENT}) return std::unexpected(found.error());
    next.inode = found.value_or(0);
  }
  if (next.inode == 0 && next.signpost != kNone) next.mount = kNone;
  return enter(next);
}

Place View::Walk::place(const Position& parent, std::string_view name, const Position& at, bool directory_required) const {
  Place place;
  place.mount = at.mount == kNone ? map_.mounts.size() : at.mount;
  place.read_only = at.mount == kNone || map_.mounts[at.mount].read_only;
  place.inode = at.inode;
  place.scaffold = at.scaffold();
  place.directory_required = directory_required;
  if (!at.mount_point) {
    place.parent = parent.inode;
    place.name = name;
  }
  return place;
}

Outcome<Place> View::Walk::run(std::string_view rest, Last what) {
  if (rest.empty()) return refuse(ENOENT);
  if (rest.size() >= kPathCap) return refuse(ENAMETOOLONG);
  std::string redirected;  // what `rest` is, once a symlink has been followed
  int followed = 0;
  std::size_t cursor = rest.find_first_not_of('/');
  while (cursor != std::string_view::npos) {
    const std::size_t end = std::min(rest.find('/', cursor), rest.size());
    const std::string_view name = rest.substr(cursor, end - cursor);
    cursor = rest.find_first_not_of('/', end);
    const bool final = cursor == std::string_view::npos;
    const bool slash = final && end < rest.size();

    if (name == "." || name == "..") {
      const Position before = last();
      if (!before.scaffold()) {  // even these two are looked up in the directory
        if (const auto may = tree_.lookup(who_, before.inode, "."); !may) return std::unexpected(may.error());
      }
      if (name == "..") pop();
      if (final) {
        Place here = place(before, name, last(), slash);
        here.parent = before.inode;
        here.name = name;
        return here;
      }
      continue;
    }
    Outcome<Position> next = step(name);
    if (!next && final && next.error() == Errno{ENAMETOOLONG}) next = Position{last().mount, 0, kNone, false};
    if (!next) return std::unexpected(next.error());
    const bool missing = next->inode == 0 && !next->scaffold();
    if (missing && !final) return refuse(ENOENT);
    const Outcome<std::string> target = missing || next->scaffold() ? refuse(EINVAL) : tree_.readlink(next->inode);
    const bool keep = final && (what == Last::kKeep || (what == Last::kFollowUnlessSlash && slash));
    if (!target || keep) {
      if (final) return place(last(), name, *next, slash);
      push(*next);
      continue;
    }
    if (++followed > kSymlinksFollowed) return refuse(ELOOP);
    redirected = *target + (final ? std::string(slash ? "/" : "") : "/" + std::string(rest.substr(cursor)));
    rest = redirected;
    if (rest.front() == '/') restart();
    cursor = rest.find_first_not_of('/');
  }
  return place({}, "", passed_[0], true);  // nothing but slashes: the root
}

Outcome<Place> View::walk(const Tree& tree, const Credentials& who, std::string_view path, bool follow_last) const {
  return Walk(*this, tree, who).run(path, follow_last ? Last::kFollowUnlessSlash : Last::kKeep);
}

Outcome<Place> View::find(const Tree& tree, const Credentials& who, std::string_view path, bool follow_last) const {
  Outcome<Place> place = Walk(*this, tree, who).run(path, follow_last || path.ends_with('/') ? Last::kFollow : Last::kKeep);
  if (!place || place->scaffold) return place;
  if (place->inode == 0) return std::unexpected(place->absence());
  if (place->directory_required) {
    const Outcome<Attributes> is = tree.attributes(place->inode);
    if (!is) return std::unexpected(is.error());
    if (is->type != FileType::kDirectory) return refuse(ENOTDIR);
  }
  return place;
}

Outcome<InodeId> View::resolve(const Tree& tree, const Credentials& who, std::string_view path, bool follow_last) const {
  const Outcome<Place> place = find(tree, who, path, follow_last);
  if (!place) return std::unexpected(place.error());
  if (place->scaffold) return refuse(ENOENT);
  return place->inode;
}

}  // namespace entryproof::node
