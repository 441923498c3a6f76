#include "fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>
#include <vector>

namespace entryproof::fuzz {

namespace {

using Pieces = std::vector<std::string>;

// What has been mistaken for something else before.
constexpr std::array<std::string_view, 54> kTrouble = {"null",
                                                       "true",
                                                       "false",
                                                       "0",
                                                       "-0",
                                                       "1.0",
                                                       "1e3",
                                                       "1e999",
                                                       "-",
                                                       "01",
                                                       "9007199254740993",
                                                       "123456789012345678901234",
                                                       "1e-400",
                                                       "\"\"",
                                                       "\"multus\"",
                                                       "\"multus-shim\"",
                                                       "\"1.0.0\"",
                                                       "\"0.3.1\"",
                                                       "\"1.1.0\"",
                                                       "\"type\"",
                                                       "\"plugins\"",
                                                       "\"delegates\"",
                                                       "\"cniVersion\"",
                                                       "\"name\"",
                                                       "\"capabilities\"",
                                                       "\"TYPE\"",
                                                       "\"\\u0000\"",
                                                       "\"\\ud800\"",
                                                       "\"\\u2028\"",
                                                       "\"<&>\"",
                                                       "\"/etc/cni/net.d/multus.d/multus.kubeconfig\"",
                                                       "{",
                                                       "}",
                                                       "[",
                                                       "]",
                                                       ",",
                                                       ":",
                                                       "{}",
                                                       "[]",
                                                       "[[[[[[[[",
                                                       "\n",
                                                       "\r\n",
                                                       "\t",
                                                       "- ",
                                                       "---\n",
                                                       "&a ",
                                                       "*a",
                                                       "!!str ",
                                                       "|\n  ",
                                                       "\xef\xbb\xbf",
                                                       "\xff",
                                                       "\xc3",
                                                       "'",
                                                       "#"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' || c == '+' || c == '/';
}

Pieces tokens_of(std::string_view text) {
  Pieces tokens;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"') {
      while (end < text.size() && text[end] != '"' && text[end] != '\n') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
    } else if (is_word(text[at])) {
      while (end < text.size() && is_word(text[end])) ++end;
    } else if (text[at] == ' ') {
      while (end < text.size() && text[end] == ' ') ++end;
    }
    tokens.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

Pieces records_of(std::string_view bytes) {
  Pieces records;
  for (std::size_t at = 0; at < bytes.size(); at += kRecordBytes) records.emplace_back(bytes.substr(at, kRecordBytes));
  return records;
}

Pieces lines_of(std::string_view text) {
  Pieces lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end == std::string_view::npos ? end : end + 1));
    text.remove_prefix(lines.back().size());
  }
  return lines;
}

Pieces pieces_of(std::string_view input, Grammar grammar) {
  if (grammar == Grammar::kRecords) return records_of(input);
  return grammar == Grammar::kLines ? lines_of(input) : tokens_of(input);
}

class Change {
 public:
  Change(Pieces& pieces, Grammar grammar, std::uint64_t seed) : pieces_(pieces), grammar_(grammar), random_(seed) {}

  void make() {
    if (pieces_.empty()) return pieces_.push_back(fresh());
    const std::size_t at = any(pieces_.size());
    const std::size_t end = range_from(at);
    switch (any(7)) {
      case 0:
        pieces_.erase(iterator(at), iterator(end));
        break;
      case 1: {  // once more, right there or elsewhere
        const Pieces copy(iterator(at), iterator(end));
        const auto where = iterator(any(2) == 0 ? end : any(pieces_.size() + 1));
        pieces_.insert(where, copy.begin(), copy.end());
        break;
      }
      case 2:
        std::swap(pieces_[at], pieces_[any(pieces_.size())]);
        break;
      case 3:
        pieces_[at] = fresh();
        break;
      case 4:
        pieces_.insert(iterator(at), fresh());
        break;
      case 5:
        edit(pieces_[at]);
        break;
      default:
        pieces_.resize(std::max<std::size_t>(1, at));
        break;
    }
  }

 private:
  std::size_t any(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  Pieces::iterator iterator(std::size_t at) { return pieces_.begin() + static_cast<std::ptrdiff_t>(at); }

  // One piece, a few, or what an opening bracket opens.
  std::size_t range_from(std::size_t at) {
    if (grammar_ == Grammar::kDocument && (pieces_[at] == "{" || pieces_[at] == "[")) {
      std::size_t depth = 0;
      for (std::size_t end = at; end < pieces_.size(); ++end) {
        if (pieces_[end] == "{" || pieces_[end] == "[") ++depth;
        if ((pieces_[end] == "}" || pieces_[end] == "]") && --depth == 0) return end + 1;
      }
    }
    return std::min(pieces_.size(), at + 1 + any(4));
  }

  std::string fresh() {
    if (grammar_ != Grammar::kRecords) return std::string(kTrouble.at(any(kTrouble.size())));
    std::string record(kRecordBytes, '\0');
    for (char& c : record) c = static_cast<char>(any(256));
    return record;
  }

  void edit(std::string& piece) {
    if (piece.empty()) return;
    if (grammar_ == Grammar::kLines && any(4) != 0) {  // the grain of a line is finer
      piece = mutated(piece, Grammar::kDocument, random_(), piece.size() + 64);
      return;
    }
    char& c = piece[any(piece.size())];
    if (grammar_ == Grammar::kDocument && std::isdigit(static_cast<unsigned char>(c)) != 0) {
      c = static_cast<char>('0' + any(10));
    } else {
      c = static_cast<char>(c ^ static_cast<char>(1U << any(8)));
    }
  }

  Pieces& pieces_;
  Grammar grammar_;
  std::mt19937_64 random_;
};

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// What is no digit is passed over: a part that is nearly base64 shall be changed, too.
std::string decoded(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) continue;
    bits = (bits << 6U | static_cast<unsigned>(digit)) & 0xffffU;
    if ((held += 6) < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xffU);
  }
  return bytes;
}

std::string encoded(std::string_view bytes) {
  std::string text;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : bytes) {
    bits = (bits << 8U | static_cast<unsigned char>(c)) & 0xffffU;
    for (held += 8; held >= 6; held -= 6) text += kDigits[bits >> (held - 6) & 63U];
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 63U];
  return text;
}

// One part of the token says something else; the signature is no better for it.
std::string changed_token(std::string_view input, std::uint64_t seed, std::size_t most) {
  const auto blank = input.rfind(' ');
  const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
  const auto token = input.substr(begin);
  const auto dots = static_cast<std::uint64_t>(std::ranges::count(token, '.'));
  std::size_t from = 0;
  for (std::uint64_t part = seed % (dots + 1); part > 0; --part) from = token.find('.', from) + 1;
  const std::size_t to = std::min(token.find('.', from), token.size());
  const auto part = mutated(decoded(token.substr(from, to - from)), Grammar::kDocument, seed / 3, most);
  return std::string(input.substr(0, begin + from)) + encoded(part) + std::string(token.substr(to));
}

}  // namespace

std::string mutated(std::string_view input, Grammar grammar, std::uint64_t seed, std::size_t most) {
  std::string out;
  if (grammar == Grammar::kToken && seed % 4 != 0) {
    out = changed_token(input, seed / 4, most);
  } else {
    Pieces pieces = pieces_of(input, grammar);
    Change change(pieces, grammar, seed);
    for (std::uint64_t times = 1 + seed % 3; times > 0; --times) change.make();
    for (const auto& piece : pieces) out += piece;
  }
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace entryproof::fuzz
