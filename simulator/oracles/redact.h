// Redact: untrusted bytes made fit for a finding, a log or a terminal: printable, capped, without a token in it.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::oracles {

inline constexpr std::size_t kTextMax = 4096;  // of a finding's `expected` and `actual`

// One line: control characters and invalid UTF-8 as \n, \t, \xNN; "… (N bytes more)" past the cap.
std::string printable(std::string_view bytes, std::size_t cap = kTextMax);

class Redactor {
 public:
  Redactor() = default;
  explicit Redactor(const std::vector<std::string>& tokens);
  void add(std::string_view token);
  // Whether any window of 8 or more bytes of a token's last segment (the signature of a JWT; all of it for others) occurs in the text.
  bool leaks(std::string_view text) const;
  // Such windows become "[token]"; the rest stays.
  std::string redact(std::string_view text) const;
  // redact, then printable.
  std::string render(std::string_view bytes, std::size_t cap = kTextMax) const;

 private:
  void take(std::string_view token);  // leaves the windows to be sorted

  std::vector<std::string> secrets_;
  std::vector<std::uint64_t> windows_;        // all of theirs, sorted
  std::bitset<std::size_t{1} << 16U> maybe_;  // parts of half a window, by a hash: most texts end here
};

}  // namespace entryproof::oracles
