#include "simulator/reports/console.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "simulator/reports/kills.h"
#include "simulator/reports/matrix.h"
#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

using oracles::Status;

constexpr std::size_t kIdBytes = 256;
constexpr std::size_t kMostColumns = 6;  // builds that a table of clauses has room for
constexpr std::size_t kColumn = 16;
constexpr const char* kRed = "31";
constexpr const char* kGreen = "32";
constexpr const char* kYellow = "33";
constexpr const char* kFaint = "2";
constexpr const char* kBold = "1";

const char* color_of(Status status) {
  switch (status) {
    case Status::kPass:
      return kGreen;
    case Status::kFail:
    case Status::kError:
      return kRed;
    case Status::kWarn:
    case Status::kKnown:
    case Status::kUnknown:
      return kYellow;
    case Status::kNotTested:
      return kFaint;
  }
  return kRed;
}

bool decides(Outcome how) { return how == Outcome::kFailed || how == Outcome::kBroken; }

// What a case comes to for the reader who asked: deciding failures first.
bool has_deciding(const runner::CaseRecord& record, const Asked& asked) {
  return std::ranges::any_of(record.checks, [&](const auto& check) { return decides(outcome(check, asked)); });
}

std::string padding(std::size_t width, std::size_t used) { return std::string(width > used ? width - used : 0, ' '); }

}  // namespace

// --- while it runs ---

void Console::on_header(const runner::Header& header) {
  run_.header = header;
  if (options_.detail == ConsoleOptions::Detail::kQuiet) return;
  out() << fmt::format("{}: world {}, seed {}, suite {}{}\n", one_line(header.tool, kIdBytes), one_line(header.world, kIdBytes),
                       header.seed, one_line(header.suite, kIdBytes).substr(0, 12),
                       header.shard ? ", shard " + one_line(*header.shard, kIdBytes) : "");
  for (const auto& build : header.builds) {
    out() << fmt::format("build {}: {} (sha256 {})\n", one_line(build.name, kIdBytes), one_line(build.path, kIdBytes),
                         one_line(build.sha256, kIdBytes).substr(0, 12));
  }
  out().flush();
}

void Console::on_progress(std::size_t done, std::size_t running, std::size_t total) {
  done_ = done;
  total_ = total;
  if (!options_.overprint || options_.status == nullptr) return;
  status_line_ = fmt::format("[{}/{}] {} running", done, total, running).substr(0, options_.columns > 1 ? options_.columns - 1 : 0);
  erase_status();
  draw_status();
}

void Console::on_case(const runner::CaseRecord& record) {
  run_.cases.push_back(record);
  const bool failed = has_deciding(record, options_.asked);
  const bool verbose = options_.detail == ConsoleOptions::Detail::kVerbose;
  if (options_.detail == ConsoleOptions::Detail::kQuiet || (options_.overprint && !failed && !verbose)) return;
  erase_status();
  print_case(record);
  out().flush();
  draw_status();
}

void Console::print_case(const runner::CaseRecord& record) {
  // A case of which a part could not be tested passed, as far as it was.
  const auto count = [&](Status status) { return std::ranges::count(record.checks, status, &runner::CheckRecord::status); };
  const bool partly = record.status == Status::kNotTested && count(Status::kPass) > 0;
  const Status status = partly ? Status::kPass : record.status;
  const std::string untested = partly ? fmt::format(", {} not tested", count(Status::kNotTested)) : "";
  out() << fmt::format("{}{}  {}  {}\n", painted_status(status), padding(10, oracles::to_string(status).size()), case_title(record),
                       painted(kFaint, fmt::format("({}{})", duration_text(record.duration_ms), untested)));
  for (const auto& check : record.checks) {
    const bool shown = options_.detail == ConsoleOptions::Detail::kVerbose || decides(outcome(check, options_.asked));
    if (!shown) continue;
    out() << fmt::format("            {}: {}\n", one_line(check.check, kIdBytes), painted_status(check.status));
  }
}

void Console::erase_status() {
  if (options_.overprint && options_.status != nullptr) (*options_.status << "\r\x1b[K").flush();
}

void Console::draw_status() {
  if (options_.overprint && options_.status != nullptr) (*options_.status << status_line_).flush();
}

// --- at the end ---

Result<> Console::finish() {
  erase_status();
  status_line_.clear();
  print_failures();
  print_stale();
  if (options_.detail != ConsoleOptions::Detail::kQuiet) {
    print_noted();
    print_not_tested();
    print_matrices();
    print_totals();
    print_waits();
  }
  print_verdicts();
  return output_->commit();
}

void Console::print_failures() {
  std::size_t number = 0;
  for (const auto& record : run_.cases) {
    for (const auto& check : record.checks) {
      if (!decides(outcome(check, options_.asked))) continue;
      if (number == 0) out() << "\n" << painted(kBold, "failures") << "\n";
      out() << fmt::format("\n{}) {}\n", ++number, case_title(record));
      print_check(check, "   ");
    }
    if (record.checks.empty() && oracles::severity(record.status) >= oracles::severity(Status::kUnknown)) {
      out() << fmt::format("\n{}) {}: {}, without a single check\n", ++number, case_title(record), painted_status(record.status));
    }
  }
}

void Console::print_stale() {
  if (!run_.footer || run_.footer->stale.empty()) return;
  out() << "\n" << painted(kBold, "stale in the baseline: these entries must go") << "\n";
  for (const auto& entry : run_.footer->stale) out() << fmt::format("  {} {}\n", painted(kRed, "stale"), one_line(entry, 1024));
}

void Console::print_check(const runner::CheckRecord& check, std::string_view indent) {
  out() << fmt::format("{}{} ({}, {}): {}\n", indent, one_line(check.check, kIdBytes), oracles::to_string(check.level),
                       oracles::to_string(check.profile), painted_status(check.status));
  const bool many_lines = (check.expected + check.actual).find('\n') != std::string::npos;
  if (many_lines) {
    out() << fmt::format("{}  {} {}\n", indent, painted(kRed, "-expected"), painted(kGreen, "+actual"));
    for (const auto& line : diff(visible(check.expected), visible(check.actual))) {
      const char* color = line[0] == '-' ? kRed : line[0] == '+' ? kGreen : nullptr;
      out() << fmt::format("{}    {}\n", indent, color == nullptr ? line : painted(color, line));
    }
  }
  for (const auto& [name, value] : facts(check)) {
    if (many_lines && (name == "expected" || name == "actual")) continue;
    out() << fmt::format("{}  {:<8}  {}\n", indent, name, visible_line(value));
  }
}

void Console::print_noted() {
  bool first = true;
  for (const auto& record : run_.cases) {
    for (const auto& check : record.checks) {
      if (outcome(check, options_.asked) != Outcome::kNoted) continue;
      if (first) out() << "\n" << painted(kBold, "not as it should be, but without weight for this verdict") << "\n";
      first = false;
      out() << fmt::format("  {} {}: {} ({}): {}\n", one_line(check.check, kIdBytes), case_title(record), painted_status(check.status),
                           why_noted(check, options_.asked), one_line(check.actual, 200));
    }
  }
}

void Console::print_not_tested() {
  std::map<std::string, std::size_t> times;
  for (const auto& record : run_.cases) {
    for (const auto& check : record.checks) {
      if (check.status == Status::kNotTested) ++times[one_line(check.check, kIdBytes)];
    }
  }
  if (times.empty()) return;
  out() << fmt::format("\n{} ({})\n", painted(kBold, "not tested"), counted(times.size(), "check"));
  for (const auto& [check, count] : times) out() << fmt::format("  {} in {}\n", check, counted(count, "case"));
}

// Mutants are a matter of their own: what matters is which check turns which of them red.
void Console::print_matrices() {
  Matrix matrix = matrix_of(run_);
  std::erase_if(matrix.builds, [&](const auto& name) {
    return std::ranges::any_of(run_.header.builds, [&](const auto& build) { return build.name == name && is_mutant(build); });
  });
  if (matrix.builds.size() > kMostColumns) {
    print_wide_matrix(matrix);
  } else if (matrix.builds.size() > 1) {
    print_matrix(matrix);
  }
  if (matrix.builds.size() == run_.header.builds.size()) return;
  out() << "\n" << painted(kBold, "kill matrix") << ": " << kill_text(kills_of(run_));
}

// Played one after the other the cases would take the sum; side by side they cannot take less than the longest.
void Console::print_waits() {
  double sum = 0;
  const runner::CaseRecord* longest = nullptr;
  for (const auto& record : run_.cases) {
    sum += record.duration_ms;
    if (longest == nullptr || record.duration_ms > longest->duration_ms) longest = &record;
  }
  if (run_.cases.size() < 2) return;
  out() << fmt::format("{} one after the other; the longest took {}: {}\n", duration_text(sum), duration_text(longest->duration_ms),
                       case_title(*longest));
}

void Console::print_matrix(const Matrix& matrix) {
  std::size_t gap = 6;  // up to the next column: padding is owed, so that no line ends in blanks
  for (const auto& clause : matrix.clauses) gap = std::max(gap, clause.size());
  const std::size_t first = gap;
  out() << "\n" << painted(kBold, "clause");
  gap -= 6;
  for (const auto& build : matrix.builds) {
    const std::string name = one_line(build, 64);
    out() << padding(gap + 2, 0) << name;
    gap = padding(kColumn, name.size()).size();
  }
  out() << "\n";
  for (const auto& clause : matrix.clauses) {
    out() << clause;
    gap = first - clause.size();
    for (const auto& build : matrix.builds) {
      const Cell* cell = matrix.find(clause, build);
      const std::string_view word = cell == nullptr ? "-" : oracles::to_string(cell->worst);
      const std::string count = cell == nullptr || cell->worst == Status::kPass ? "" : fmt::format(" {}/{}", cell->passed, cell->total);
      out() << padding(gap + 2, 0) << (cell == nullptr ? "-" : painted_status(cell->worst)) << count;
      gap = padding(std::max(kColumn, one_line(build, 64).size()), word.size() + count.size()).size();
    }
    out() << "\n";
  }
}

// Many builds: a line for each, with the clauses that are not green.
void Console::print_wide_matrix(const Matrix& matrix) {
  std::size_t width = 0;
  for (const auto& build : matrix.builds) width = std::max(width, one_line(build, 64).size());
  out() << "\n" << painted(kBold, "builds, and the clauses where they are not green") << "\n";
  for (const auto& build : matrix.builds) {
    std::string red;
    for (const auto& clause : matrix.clauses) {
      const Cell* cell = matrix.find(clause, build);
      if (cell == nullptr || cell->worst == Status::kPass || cell->worst == Status::kNotTested) continue;
      red += fmt::format("  {} {}", clause, painted_status(cell->worst));
    }
    const std::string name = one_line(build, 64);
    out() << fmt::format("  {}{}{}\n", name, padding(width, name.size()), red.empty() ? "  " + painted(kGreen, "none") : red);
  }
}

void Console::print_totals() {
  std::map<std::string_view, std::size_t> counts;
  std::size_t checks = 0;
  for (const auto& record : run_.cases) {
    for (const auto& check : record.checks) {
      ++counts[oracles::to_string(check.status)];
      ++checks;
    }
  }
  out() << fmt::format("\n{}, {}:", counted(run_.cases.size(), "case"), counted(checks, "check"));
  const char* comma = "";
  for (const auto status :
       {Status::kPass, Status::kFail, Status::kWarn, Status::kKnown, Status::kNotTested, Status::kUnknown, Status::kError}) {
    const auto found = counts.find(oracles::to_string(status));
    if (found == counts.end()) continue;
    out() << fmt::format("{} {} {}", comma, found->second, found->first);
    comma = ",";
  }
  out() << "\n";
}

void Console::print_verdicts() {
  out() << "\n";
  if (!run_.footer) {
    out() << fmt::format("{}: the run did not end{}\n", painted(kYellow, "no verdict"),
                         total_ == 0 ? "" : fmt::format(" ({} of {} were done)", done_, counted(total_, "case")));
    return;
  }
  for (const auto& build : run_.header.builds) {
    out() << one_line(build.name, kIdBytes)
          << (run_.header.shard ? fmt::format(" (shard {} alone):", one_line(*run_.header.shard, kIdBytes)) : ":");
    for (const auto profile : {oracles::Profile::kCore, oracles::Profile::kDurable, oracles::Profile::kProduction}) {
      if (profile > options_.asked.profile) break;
      const runner::Verdict verdict = verdict_on(run_, build.name, {profile, options_.asked.strict});
      const char* color = verdict == runner::Verdict::kConformant ? kGreen : verdict == runner::Verdict::kNotConformant ? kRed : kYellow;
      out() << fmt::format(" {} {}{}", oracles::to_string(profile), painted(color, runner::to_string(verdict)),
                           profile == options_.asked.profile ? "" : ",");
    }
    out() << "\n";
  }
}

// --- words ---

std::string Console::painted(const char* code, std::string_view text) const {
  return options_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string Console::painted_status(Status status) const { return painted(color_of(status), oracles::to_string(status)); }

std::string Console::case_title(const runner::CaseRecord& record) const {
  const std::string scenario = one_line(record.scenario, kIdBytes);
  return run_.header.builds.size() > 1 ? fmt::format("{} on {}", scenario, one_line(record.build, kIdBytes)) : scenario;
}

}  // namespace entryproof::reports
