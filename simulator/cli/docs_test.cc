// The documents tell people what to type: every command in them must be understood, and what it selects must exist.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "simulator/base/file.h"
#include "simulator/cli/commands.h"

namespace entryproof::cli {
namespace {

namespace fs = std::filesystem;

struct Typed {
  std::string file;
  std::string line;
  std::vector<std::string> words;
};

// As a shell would, as far as the documents go: quotes, comments, and an end at "|" or "&".
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool any = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (quoted || c != ' ') {
      if (!quoted && !any && (c == '#' || c == '|' || c == '&')) return words;
      word += c;
      any = true;
    } else if (any) {
      words.push_back(std::exchange(word, {}));
      any = false;
    }
  }
  if (any) words.push_back(word);
  return words;
}

void collect(const fs::path& file, std::vector<Typed>& typed) {
  std::istringstream text(read_file(file.string(), 1 << 20).value());
  bool fenced = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) fenced = !fenced;
    const auto piped = line.find("| entryproof ");
    const std::string_view command = std::string_view(line).substr(piped == std::string::npos ? 0 : piped + 2);
    const bool is_output = command.size() > 11 && std::isdigit(static_cast<unsigned char>(command[11])) != 0;
    if (fenced && command.starts_with("entryproof ") && !is_output) typed.push_back({file.filename(), line, words_of(command)});
  }
}

std::vector<Typed> commands() {
  std::vector<Typed> typed;
  collect(ENTRYPROOF_SOURCE_DIR "/README.md", typed);
  for (const auto& entry : fs::recursive_directory_iterator(ENTRYPROOF_SOURCE_DIR "/docs")) {
    if (entry.path().extension() == ".md") collect(entry.path(), typed);
  }
  return typed;
}

TEST(Documents, TellCommandsThatExist) {
  const auto typed = commands();
  EXPECT_GT(typed.size(), 30U);
  for (const Typed& line : typed) {
    std::vector<const char*> arguments;
    for (const auto& word : line.words) arguments.push_back(word.c_str());
    const Command command = parse(static_cast<int>(arguments.size()), arguments.data());
    const auto* message = std::get_if<Message>(&command);
    EXPECT_TRUE(message == nullptr || message->exit_code == 0) << line.file << ": " << line.line << "\n" << message->text;
  }
}

TEST(Documents, TellScenariosThatExist) {
  for (const Typed& line : commands()) {
    std::vector<const char*> arguments;
    for (const auto& word : line.words) arguments.push_back(word.c_str());
    const Command command = parse(static_cast<int>(arguments.size()), arguments.data());
    const auto* run = std::get_if<RunCommand>(&command);
    if (const auto* explore = std::get_if<ExploreCommand>(&command)) run = &explore->run;
    if (run == nullptr || !run->chosen.manifest.empty() || !run->chosen.rerun_failed.empty()) continue;
    Chosen chosen = run->chosen;
    chosen.scenarios_directory = ENTRYPROOF_SOURCE_DIR "/scenarios";
    const auto choice = choose(chosen);
    EXPECT_TRUE(choice && !choice->scenarios.empty()) << line.file << ": " << line.line;
  }
}

}  // namespace
}  // namespace entryproof::cli
