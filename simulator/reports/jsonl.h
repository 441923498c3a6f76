// JSON lines: the stored form of a run, and the only one that is read back.
//
// One object per line: a header, a case per scenario and build, a footer. The names of the keys are frozen (docs/results.md). The writer
// flushes each line, so that a run that is killed leaves what it had; a missing footer says so. The reader trusts nothing: sizes are
// capped, unknown keys are ignored, everything else that is not as documented is an error with file and line.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/reports/report.h"

namespace entryproof::reports {

// Each gives one line with its newline; strings in it are valid UTF-8 and capped.
std::string jsonl_line(const runner::Header& header);
std::string jsonl_line(const runner::CaseRecord& record);
std::string jsonl_line(const runner::Footer& footer);

class JsonlReport final : public Report {
 public:
  explicit JsonlReport(std::unique_ptr<Output> output) : output_(std::move(output)) {}
  void on_header(const runner::Header& header) override { write(jsonl_line(header)); }
  void on_case(const runner::CaseRecord& record) override { write(jsonl_line(record)); }
  void on_footer(const runner::Footer& footer) override { write(jsonl_line(footer)); }
  Result<> finish() override { return output_->commit(); }

 private:
  void write(const std::string& line) { (output_->stream() << line).flush(); }
  std::unique_ptr<Output> output_;
};

// Limits of what is read; a file beyond them is refused.
inline constexpr std::size_t kMaxResultBytes = std::size_t{256} << 20U;
inline constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20U;
inline constexpr std::size_t kMaxCases = 1'000'000;

// A run from its text. Without a footer, or with a torn last line, the run's footer is empty and no error is given: that is what a killed
// run leaves. A footer that counts other cases than there are is an error.
Result<Run> read_jsonl(std::string_view text, std::string_view name);
Result<Run> load_jsonl(const std::string& path);

}  // namespace entryproof::reports
