// Report: something that listens to a run and leaves a rendering of it.
#pragma once

#include <memory>
#include <string>

#include "simulator/base/result.h"
#include "simulator/reports/output.h"
#include "simulator/reports/run.h"
#include "simulator/runner/engine.h"

namespace entryproof::reports {

class Report : public runner::Listener {
 public:
  // After the last word of the run, whether it ended well or not: says whether everything was written.
  virtual Result<> finish() = 0;
};

// Keeps the whole run and renders it at the end. Writes nothing if no footer came: a document without an end would pass for a small run.
class WholeReport final : public Report {
 public:
  using Render = std::string (*)(const Run& run, const Asked& asked);
  WholeReport(Render render, Asked asked, std::unique_ptr<Output> output) : render_(render), asked_(asked), output_(std::move(output)) {}

  void on_header(const runner::Header& header) override { run_.header = header; }
  void on_case(const runner::CaseRecord& record) override { run_.cases.push_back(record); }
  void on_footer(const runner::Footer& footer) override { run_.footer = footer; }
  Result<> finish() override {
    if (!run_.footer) return {};
    output_->stream() << render_(run_, asked_);
    return output_->commit();
  }

 private:
  Render render_;
  Asked asked_;
  std::unique_ptr<Output> output_;
  Run run_;
};

}  // namespace entryproof::reports
