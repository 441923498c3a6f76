// Broadcast: one listener that tells several reports, one word at a time whoever speaks.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "simulator/reports/report.h"

namespace entryproof::reports {

class Broadcast final : public Report {
 public:
  explicit Broadcast(std::vector<std::unique_ptr<Report>> reports) : reports_(std::move(reports)) {}

  void on_header(const runner::Header& header) override {
    tell([&](Report& report) { report.on_header(header); });
  }
  void on_progress(std::size_t done, std::size_t running, std::size_t total) override {
    tell([&](Report& report) { report.on_progress(done, running, total); });
  }
  void on_case(const runner::CaseRecord& record) override {
    tell([&](Report& report) { report.on_case(record); });
  }
  void on_footer(const runner::Footer& footer) override {
    tell([&](Report& report) { report.on_footer(footer); });
  }
  // Finishes all of them; the first error is given, none is left out because of it.
  Result<> finish() override {
    Result<> result;
    tell([&](Report& report) {
      if (auto finished = report.finish(); !finished && result) result = std::move(finished);
    });
    return result;
  }

 private:
  template <class Word>
  void tell(const Word& word) {
    const std::lock_guard lock(mutex_);
    for (const auto& report : reports_) word(*report);
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Report>> reports_;
};

}  // namespace entryproof::reports
