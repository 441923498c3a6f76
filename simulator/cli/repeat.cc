#include "simulator/cli/repeat.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace entryproof::cli {
namespace {

using oracles::Status;
using runner::CaseRecord;
using runner::CheckRecord;

using Key = std::tuple<std::string, std::string, std::string>;  // scenario, build, check

struct Answers {
  const CheckRecord* worst = nullptr;
  std::size_t given = 0;
  std::map<Status, std::size_t> times;
};

std::map<Key, Answers> answers_of(const std::vector<std::vector<CaseRecord>>& times) {
  std::map<Key, Answers> all;
  for (const auto& cases : times) {
    for (const auto& record : cases) {
      for (const auto& check : record.checks) {
        Answers& answers = all[{record.scenario, record.build, check.check}];
        ++answers.given;
        ++answers.times[check.status];
        if (answers.worst == nullptr || oracles::severity(check.status) > oracles::severity(answers.worst->status)) answers.worst = &check;
      }
    }
  }
  return all;
}

// "4 pass, 1 fail"; a time without an answer is "1 without an answer".
std::string tally(const Answers& answers, std::size_t times) {
  std::string text;
  for (const auto& [status, count] : answers.times)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, oracles::to_string(status));
  if (answers.given < times) text += fmt::format(", {} without an answer", times - answers.given);
  return text;
}

bool differ(const Answers& answers, std::size_t times) { return answers.times.size() > 1 || answers.given < times; }

CheckRecord worst_of(const Answers& answers, std::size_t times) {
  CheckRecord check = *answers.worst;
  if (!differ(answers, times)) return check;
  if (answers.given < times && oracles::severity(check.status) < oracles::severity(Status::kError)) check.status = Status::kError;
  check.actual += fmt::format("{}(of {} times: {})", check.actual.empty() ? "" : " ", times, tally(answers, times));
  return check;
}

}  // namespace

void Repeat::add(const std::vector<CaseRecord>& cases) { times_.push_back(cases); }

std::vector<CaseRecord> Repeat::worst() const {
  std::map<Key, Answers> all = answers_of(times_);
  std::vector<CaseRecord> merged;
  std::map<std::pair<std::string, std::string>, std::size_t> places;  // of (scenario, build) in `merged`
  for (const auto& cases : times_) {
    for (const auto& record : cases) {
      CaseRecord whole = record;
      whole.checks.clear();
      for (const auto& check : record.checks) {
        const auto found = all.find({record.scenario, record.build, check.check});
        if (found == all.end()) continue;  // told already, with an earlier time
        whole.checks.push_back(worst_of(found->second, times_.size()));
        all.erase(found);
      }
      const auto [place, fresh] = places.emplace(std::pair(record.scenario, record.build), merged.size());
      if (fresh) {
        merged.push_back(std::move(whole));
      } else {
        std::ranges::move(whole.checks, std::back_inserter(merged[place->second].checks));
      }
    }
  }
  for (auto& record : merged) record.status = runner::worst_status(record);
  return merged;
}

std::vector<std::string> Repeat::differences() const {
  std::vector<std::string> lines;
  for (const auto& [key, answers] : answers_of(times_)) {
    if (!differ(answers, times_.size())) continue;
    lines.push_back(fmt::format("{} on {}, {}: {}", std::get<0>(key), std::get<1>(key), std::get<2>(key), tally(answers, times_.size())));
  }
  return lines;
}

}  // namespace entryproof::cli
