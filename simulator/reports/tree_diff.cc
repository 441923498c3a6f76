#include "simulator/reports/tree_diff.h"

#include <fmt/core.h>

#include <map>
#include <optional>

#include "simulator/base/digest.h"
#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

using node::Attributes;
using node::FileType;
using node::Tree;

constexpr std::size_t kTextBytes = 64U << 10U;  // of a file that is shown line by line
constexpr std::size_t kShownLines = 200;        // of one file
constexpr std::size_t kLineBytes = 500;
constexpr std::size_t kJwtBytes = 40;

struct Thing {
  Attributes attributes;
  std::string target;  // of a symlink
};
using Things = std::map<std::string, Thing>;

void collect(const Tree& tree, node::InodeId directory, const std::string& path, Things& things) {
  const auto entries = tree.list(directory);
  if (!entries) return;
  for (const auto& entry : *entries) {
    const auto attributes = tree.attributes(entry.inode);
    if (!attributes) continue;
    const std::string below = path + "/" + entry.name;
    things[below] = {*attributes, attributes->type == FileType::kSymlink ? tree.readlink(entry.inode).value_or("") : ""};
    if (entry.type == FileType::kDirectory) collect(tree, entry.inode, below, things);
  }
}

std::string_view type_text(FileType type) {
  switch (type) {
    case FileType::kFile:
      return "file";
    case FileType::kDirectory:
      return "directory";
    case FileType::kSymlink:
      return "symlink";
    default:
      return "special file";
  }
}

std::string describe(const Thing& thing) {
  const auto& attributes = thing.attributes;
  std::string text = fmt::format("{} {:04o} {}:{}", type_text(attributes.type), attributes.mode, attributes.uid, attributes.gid);
  if (attributes.type == FileType::kFile) text += ", " + counted(attributes.size, "byte");
  if (attributes.type == FileType::kSymlink) text += " -> " + visible_line(thing.target);
  return text;
}

bool is_base64url(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Tokens of other clusters and other times than this case's, which no redactor knows.
std::string without_jwts(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    if (text.substr(at).starts_with("eyJ")) {
      while (end < text.size() && is_base64url(text[end])) ++end;
    }
    if (end - at >= kJwtBytes) {
      out += "[token]";
      at = end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

// The file's text without tokens; nullopt for what is no text, or too much of it.
std::optional<std::string> text_of(const Tree& tree, const Thing& thing, const oracles::Redactor& redactor) {
  const auto bytes = tree.read_all(thing.attributes.inode, kTextBytes);
  if (!bytes || bytes->find('\0') != std::string::npos || valid_utf8(*bytes) != *bytes) return std::nullopt;
  return without_jwts(redactor.redact(*bytes));
}

std::string digest_of(const Tree& tree, const Thing& thing) {
  const auto bytes = tree.read_all(thing.attributes.inode);
  return bytes ? "sha256 " + sha256_hex(*bytes).substr(0, 12) : "not to be read whole";
}

bool is_file(const Thing* thing) { return thing != nullptr && thing->attributes.type == FileType::kFile; }

// The lines that differ between two files, or between a file and nothing.
std::string content_diff(const Tree& before, const Thing* old_thing, const Tree& after, const Thing* new_thing,
                         const oracles::Redactor& redactor) {
  const auto text = [&](const Tree& tree, const Thing* thing) {
    return is_file(thing) ? text_of(tree, *thing, redactor) : std::optional<std::string>("");
  };
  const auto old_text = text(before, old_thing);
  const auto new_text = text(after, new_thing);
  if (!old_text || !new_text) {
    std::string out;
    if (is_file(old_thing)) out += fmt::format("    -{}\n", digest_of(before, *old_thing));
    if (is_file(new_thing)) out += fmt::format("    +{}\n", digest_of(after, *new_thing));
    return out;
  }
  if (old_text == new_text) return "    (the tokens in it differ)\n";
  std::string out;
  std::size_t shown = 0;
  for (const auto& line : diff(*old_text, *new_text)) {
    if (line[0] == ' ') continue;
    if (++shown > kShownLines) return out + "    …\n";
    out += "    " + capped(visible_line(line), kLineBytes) + "\n";
  }
  return out;
}

bool same_bytes(const Tree& before, const Thing& a, const Tree& after, const Thing& b) {
  if (a.attributes.size != b.attributes.size) return false;
  const auto left = before.read_all(a.attributes.inode);
  const auto right = after.read_all(b.attributes.inode);
  return left && right && *left == *right;
}

std::string changed(const std::string& path, const Tree& before, const Thing& a, const Tree& after, const Thing& b,
                    const oracles::Redactor& redactor) {
  const bool differ = is_file(&a) && is_file(&b) && !same_bytes(before, a, after, b);
  const std::string was = describe(a);
  const std::string is = describe(b);
  if (!differ && was == is) return {};
  std::string out = fmt::format("~ {}  {}\n", visible_line(path), was == is ? is : was + " => " + is);
  return differ ? out + content_diff(before, &a, after, &b, redactor) : out;
}

}  // namespace

std::string tree_diff(const Tree& before, const Tree& after, const oracles::Redactor& redactor) {
  Things was;
  Things is;
  collect(before, node::kRoot, "", was);
  collect(after, node::kRoot, "", is);
  std::map<std::string, bool> paths;
  for (const auto& [path, thing] : was) paths[path] = true;
  for (const auto& [path, thing] : is) paths[path] = true;
  std::string out;
  for (const auto& [path, there] : paths) {
    const auto a = was.find(path);
    const auto b = is.find(path);
    if (a != was.end() && b != is.end()) {
      out += changed(path, before, a->second, after, b->second, redactor);
      continue;
    }
    const Thing* thing = a != was.end() ? &a->second : &b->second;
    out += fmt::format("{} {}  {}\n", a != was.end() ? '-' : '+', visible_line(path), describe(*thing));
    if (!is_file(thing) || thing->attributes.size == 0) continue;
    out += a != was.end() ? content_diff(before, thing, after, nullptr, redactor) : content_diff(before, nullptr, after, thing, redactor);
  }
  return out;
}

}  // namespace entryproof::reports
