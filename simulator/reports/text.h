// Text: what reports do to strings before a person or a parser sees them.
//
// Records carry what untrusted programs wrote. Nothing of it may break a document, move a terminal's cursor or flood a screen: bytes become
// valid UTF-8, control characters become visible, length has a cap. Pure functions.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::reports {

// The same text with every ill-formed byte replaced by U+FFFD. Strict: no surrogates, no overlong forms, nothing beyond U+10FFFF.
std::string valid_utf8(std::string_view bytes);

// Valid UTF-8 in which `replace` has been given every character and its encoding, and has appended what shall stand for it.
std::string map_characters(std::string_view bytes,
                           const std::function<void(char32_t character, std::string_view encoded, std::string& out)>& replace);

// Valid UTF-8 whose control characters can be seen: ESC becomes \x1b, a carriage return \r, characters that turn the direction of writing
// \u202e … Newline and tab stay. Safe to print on a terminal.
std::string visible(std::string_view bytes);

// The same with newline and tab shown as \n and \t: one line, nothing folded.
std::string visible_line(std::string_view bytes);

// The text without escape sequences of terminals (CSI, OSC and two-character ones).
std::string without_ansi(std::string_view text);

// At most `bytes` bytes of the text, cut between characters, followed by " … (N bytes more)" if there was more.
std::string capped(std::string_view text, std::size_t bytes);

// visible(), white space folded into single spaces, capped.
std::string one_line(std::string_view text, std::size_t bytes);

// The lines without their ends; a final newline begins no further line.
std::vector<std::string_view> lines_of(std::string_view text);

// A line diff: common lines with ' ', lines only expected with '-', lines only seen with '+', in order.
std::vector<std::string> diff(std::string_view expected, std::string_view actual);

// "12 ms", "3.4 s", "2 min 5 s".
std::string duration_text(double milliseconds);

// "1 case", "2 cases": for nouns that take an s.
std::string counted(std::size_t number, std::string_view noun);

}  // namespace entryproof::reports
