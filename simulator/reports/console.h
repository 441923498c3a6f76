// Console: a run as a person follows it.
//
// On a terminal one status line is overprinted (on stderr) and failures are printed as they come; into a pipe goes one line per case and
// nothing is overprinted. At the end: every failure again, with what was expected, what was seen, where, and the command that replays it;
// what failed without deciding; what was not tested, by name; the matrix, where there are several builds; the sum and the verdicts.
#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "simulator/reports/matrix.h"
#include "simulator/reports/report.h"

namespace entryproof::reports {

struct ConsoleOptions {
  enum class Detail { kQuiet, kNormal, kVerbose };  // failures and verdict only; cases; every check
  Asked asked = {};
  Detail detail = Detail::kNormal;
  bool color = false;
  bool overprint = false;          // the status stream is a terminal
  unsigned columns = 80;           // of that terminal
  std::ostream* status = nullptr;  // where progress goes; none = nowhere
};

class Console final : public Report {
 public:
  Console(std::unique_ptr<Output> output, ConsoleOptions options) : output_(std::move(output)), options_(options) {}

  void on_header(const runner::Header& header) override;
  void on_progress(std::size_t done, std::size_t running, std::size_t total) override;
  void on_case(const runner::CaseRecord& record) override;
  void on_footer(const runner::Footer& footer) override { run_.footer = footer; }
  // Prints the end. Without a footer it says how far the run came, and that there is no verdict.
  Result<> finish() override;

 private:
  std::ostream& out() { return output_->stream(); }
  std::string painted(const char* code, std::string_view text) const;
  std::string painted_status(oracles::Status status) const;
  std::string case_title(const runner::CaseRecord& record) const;
  void print_case(const runner::CaseRecord& record);
  void print_check(const runner::CheckRecord& check, std::string_view indent);
  void print_failures();
  void print_stale();
  void print_noted();
  void print_not_tested();
  void print_matrices();
  void print_matrix(const Matrix& matrix);
  void print_wide_matrix(const Matrix& matrix);
  void print_waits();
  void print_totals();
  void print_verdicts();
  void erase_status();
  void draw_status();

  std::unique_ptr<Output> output_;
  ConsoleOptions options_;
  Run run_;
  std::string status_line_;  // what is to be seen on the terminal's last line
  std::size_t done_ = 0;
  std::size_t total_ = 0;
};

}  // namespace entryproof::reports
