#include "simulator/node/journal.h"

#include <utility>

#include "simulator/base/result.h"

namespace entryproof::node {

std::string_view to_string(Verb verb) {
  switch (verb) {
    case Verb::kCreate:
      return "create";
    case Verb::kMkdir:
      return "mkdir";
    case Verb::kSymlink:
      return "symlink";
    case Verb::kMknod:
      return "mknod";
    case Verb::kLink:
      return "link";
    case Verb::kUnlink:
      return "unlink";
    case Verb::kRmdir:
      return "rmdir";
    case Verb::kRename:
      return "rename";
    case Verb::kWrite:
      return "write";
    case Verb::kTruncate:
      return "truncate";
    case Verb::kSetAttributes:
      return "set-attributes";
    case Verb::kAllocate:
      return "allocate";
    case Verb::kFsync:
      return "fsync";
    case Verb::kFsyncDirectory:
      return "fsync-directory";
    case Verb::kLookup:
      return "lookup";
    case Verb::kGetAttributes:
      return "get-attributes";
    case Verb::kOpen:
      return "open";
    case Verb::kRead:
      return "read";
    case Verb::kReadDirectory:
      return "read-directory";
    case Verb::kReadlink:
      return "readlink";
    case Verb::kAccess:
      return "access";
    case Verb::kClose:
      return "close";
    case Verb::kMark:
      return "mark";
  }
  return "?";
}

bool counts(Verb verb) { return verb <= Verb::kFsyncDirectory; }

std::string Operation::describe() const {
  if (verb == Verb::kMark) return "-- " + name;
  std::string line = std::string(to_string(verb)) + " " + path;
  if (verb == Verb::kSymlink) line += " -> " + name2;
  if (!path2.empty()) line += " -> " + path2;
  if (verb == Verb::kWrite || verb == Verb::kRead || verb == Verb::kAllocate) {
    line += " (" + std::to_string(length) + " bytes at " + std::to_string(offset);
    if (data != nullptr && data->size() < length) line += ", " + std::to_string(data->size()) + " written";
    line += ")";
  }
  line += ": " + (result == 0 ? std::string("ok") : errno_text(result));
  if (injected) line += " [injected]";
  return line;
}

bool Journal::append(Operation operation) {
  take(operation);
  return !exceeded_;
}

bool Journal::take(Operation& operation) {
  if (exceeded_ && operation.actor != Actor::kWorld) return false;  // refused anyway, and a spinning program has many of them
  if (counts(operation.verb) || operation.verb == Verb::kMark) {
    ++counted_;
    if (operation.data != nullptr) bytes_ += operation.data->size();
    if (counted_ > limits_.operations || bytes_ > limits_.bytes) exceeded_ = true;
  } else if (!keeps(operation.verb)) {
    ++read_only_dropped_;
    return false;
  } else {
    ++read_only_kept_;
  }
  operation.seq = operations_.size() + 1;
  operations_.push_back(std::move(operation));
  return true;
}

std::vector<Operation> Journal::after(std::uint64_t seq) const {
  if (seq >= operations_.size()) return {};
  return {operations_.begin() + static_cast<std::ptrdiff_t>(seq), operations_.end()};
}

void Journal::clear() {
  operations_.clear();  // keeps its room for the next ones
  read_only_kept_ = read_only_dropped_ = counted_ = bytes_ = 0;
  exceeded_ = false;
}

}  // namespace entryproof::node
