#include "simulator/reports/registry.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>

#include "simulator/reports/github.h"
#include "simulator/reports/jsonl.h"
#include "simulator/reports/junit.h"
#include "simulator/reports/markdown.h"
#include "simulator/reports/tap.h"

namespace entryproof::reports {
namespace {

struct Whole {
  std::string_view format;
  WholeReport::Render render;
};

constexpr std::array kWhole = {Whole{"junit", junit}, Whole{"tap", tap}, Whole{"github", github}, Whole{"markdown", markdown}};

}  // namespace

const std::vector<std::string_view>& formats() {
  static const std::vector<std::string_view> names = {"console", "jsonl", "junit", "tap", "github", "markdown"};
  return names;
}

Result<ReportSpec> parse_report(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view format = text.substr(0, colon);
  bool known = false;
  for (const auto name : formats()) known = known || name == format;
  if (!known) return fail(ErrorCode::kUsage, fmt::format("unknown report \"{}\"; there are {}", format, fmt::join(formats(), ", ")));
  if (colon == std::string_view::npos) return ReportSpec{std::string(format), {}};
  if (colon + 1 == text.size()) return fail(ErrorCode::kUsage, fmt::format("report \"{}\": a path must follow the colon", text));
  return ReportSpec{std::string(format), std::string(text.substr(colon + 1))};
}

Result<std::unique_ptr<Report>> make_report(const ReportSpec& spec, const ConsoleOptions& console, std::ostream& standard_output) {
  // Lines can be told to be incomplete, documents cannot.
  const auto kind = spec.format == "jsonl" || spec.format == "console" ? Output::Kind::kStreamed : Output::Kind::kWhole;
  std::unique_ptr<Output> output;
  if (spec.path.empty()) {
    output = Output::to_stream(standard_output, "standard output");
  } else {
    auto file = Output::to_file(spec.path, kind);
    if (!file) return std::unexpected(file.error());
    output = std::move(*file);
  }
  if (spec.format == "jsonl") return std::make_unique<JsonlReport>(std::move(output));
  if (spec.format == "console") {
    ConsoleOptions options = console;
    if (!spec.path.empty()) {
      options.color = false;
      options.overprint = false;
    }
    return std::make_unique<Console>(std::move(output), options);
  }
  for (const auto& whole : kWhole) {
    if (whole.format == spec.format) return std::make_unique<WholeReport>(whole.render, console.asked, std::move(output));
  }
  return fail(ErrorCode::kInternal, "no report is called " + spec.format);
}

}  // namespace entryproof::reports
