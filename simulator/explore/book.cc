#include "simulator/explore/book.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace entryproof::explore {
namespace {

constexpr std::size_t kMostCauses = 5;  // that are told in one record
constexpr std::size_t kTextCap = 4000;

std::string replay_of(const runner::CaseRequest& request, std::string_view check, const std::string& address) {
  const bool fault = std::ranges::find(runner::fault_checks::kAll, check) != runner::fault_checks::kAll.end();
  return fmt::format("{} '{}' --check {} --build '{}' --world {} --seed {} --profile durable {} '{}'", request.options.command_prefix,
                     request.scenario.id, check, request.build.spec, to_string(request.world), request.options.seed,
                     fault ? "--only-fault" : "--state", address);
}

std::string told(const CrashFailure& failure) {
  const auto& cause = failure.cause;
  return fmt::format("{}: {}{}{}", durability::to_string(cause.label), cause.what, cause.words.empty() ? "" : "; ", cause.words);
}

void fail(runner::CheckRecord& record, const std::vector<const CrashFailure*>& failures, const runner::CaseRequest& request) {
  record.status = record.level == oracles::Level::kMust ? oracles::Status::kFail : oracles::Status::kWarn;
  record.actual = told(*failures.front());
  for (std::size_t i = 1; i < std::min(failures.size(), kMostCauses); ++i) record.actual += "; also " + told(*failures[i]);
  if (failures.size() > kMostCauses) record.actual += fmt::format("; and {} more causes", failures.size() - kMostCauses);
  if (record.actual.size() > kTextCap) record.actual = record.actual.substr(0, kTextCap) + "…";
  record.at = oracles::Place{std::string(to_string(request.world)), 0, {}, failures.front()->cause.after};
  record.replay = replay_of(request, record.check, failures.front()->address);
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : between) + text;
  return all;
}

}  // namespace

std::vector<runner::CheckRecord> records_of(const CrashReport& report, std::span<const std::string_view> checks,
                                            const runner::CaseRequest& request) {
  std::vector<runner::CheckRecord> records;
  for (const auto id : checks) {
    const auto* check = request.suite.catalogue.find_check(id);
    if (check == nullptr || check->profile > request.options.profile) continue;
    runner::CheckRecord record;
    record.check = id;
    record.level = check->level;
    record.profile = check->profile;
    std::vector<const CrashFailure*> failures;
    for (const auto& failure : report.failures) {
      if (failure.cause.check == id) failures.push_back(&failure);
    }
    if (!failures.empty()) {
      record.expected = check->sentence;
      fail(record, failures, request);
    } else if (const auto except = request.scenario.except.find(record.check); except != request.scenario.except.end()) {
      record.status = oracles::Status::kNotTested;
      record.actual = "excepted: " + except->second;
    } else if (!report.obstacle.empty()) {
      record.status = oracles::Status::kError;
      record.actual = report.obstacle;
    } else if (!report.bounds.empty()) {
      record.status = oracles::Status::kUnknown;
      record.actual = joined(report.bounds, "; ");
    }
    records.push_back(std::move(record));
  }
  return records;
}

std::string summary(const CrashReport& report, std::uint64_t seed) {
  std::string models;
  std::uint64_t raw = 0;
  std::uint64_t distinct = 0;
  for (const auto& model : report.models) {
    models += (models.empty() ? "" : ",") + std::string(durability::to_string(model.model));
    raw += model.raw;
    distinct += model.distinct;
  }
  const char* verdict = !report.failures.empty() ? "false" : report.complete() ? "true" : "unknown";
  return fmt::format("seed={} models={} trace={} operations={} states={} distinct={} lives={} verdict={}", seed, models, report.trace,
                     report.operations, raw, distinct, report.lives, verdict);
}

}  // namespace entryproof::explore
