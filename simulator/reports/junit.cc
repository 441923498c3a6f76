#include "simulator/reports/junit.h"

#include <fmt/core.h>

#include <pugixml.hpp>
#include <sstream>

#include "simulator/reports/text.h"

namespace entryproof::reports {
namespace {

// Valid UTF-8 without escape sequences and without control characters, most of which XML 1.0 has no way to write.
std::string xml_text(std::string_view bytes) {
  return map_characters(without_ansi(bytes), [](char32_t c, std::string_view encoded, std::string& out) {
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    const bool legal = c == '\t' || c == '\n' || (!control && c != 0xFFFE && c != 0xFFFF);
    if (legal) {
      out += encoded;
    } else if (c == '\r') {
      out += "\\r";  // a parser would make a newline of it
    } else {
      out += "\xEF\xBF\xBD";
    }
  });
}

void set(pugi::xml_node node, const char* name, std::string_view value) { node.append_attribute(name).set_value(xml_text(value).c_str()); }

void add_property(pugi::xml_node properties, const char* name, std::string_view value) {
  pugi::xml_node property = properties.append_child("property");
  set(property, "name", name);
  set(property, "value", value);
}

std::string seconds(double milliseconds) { return fmt::format("{:.3f}", milliseconds / 1000); }

std::string details(const runner::CheckRecord& check) {
  std::string text;
  for (const auto& [name, value] : facts(check)) text += fmt::format("{:<9} {}\n", std::string(name) + ":", value);
  return text;
}

void add_outcome(pugi::xml_node testcase, const char* element, std::string_view type, std::string_view message, const std::string& body) {
  pugi::xml_node node = testcase.append_child(element);
  set(node, "type", type);
  set(node, "message", one_line(message, 512));
  if (!body.empty()) node.append_child(pugi::node_pcdata).set_value(xml_text(body).c_str());
}

struct Counts {
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::size_t skipped = 0;
  double milliseconds = 0;
  void add(const Counts& other) {
    tests += other.tests;
    failures += other.failures;
    errors += other.errors;
    skipped += other.skipped;
    milliseconds += other.milliseconds;
  }
  void write(pugi::xml_node node) const {
    set(node, "tests", std::to_string(tests));
    set(node, "failures", std::to_string(failures));
    set(node, "errors", std::to_string(errors));
    set(node, "skipped", std::to_string(skipped));
    set(node, "time", seconds(milliseconds));
  }
};

void add_check(pugi::xml_node suite, const runner::CaseRecord& record, const runner::CheckRecord& check, double milliseconds,
               const Asked& asked, Counts& counts) {
  pugi::xml_node testcase = suite.append_child("testcase");
  set(testcase, "classname", record.scenario);
  set(testcase, "name", check.check);
  set(testcase, "file", file_of(record));
  if (check.line > 0) set(testcase, "line", std::to_string(check.line));
  set(testcase, "time", seconds(milliseconds));
  pugi::xml_node properties = testcase.append_child("properties");
  add_property(properties, "check", check.check);
  add_property(properties, "level", oracles::to_string(check.level));
  add_property(properties, "profile", oracles::to_string(check.profile));
  add_property(properties, "status", oracles::to_string(check.status));

  ++counts.tests;
  const std::string_view status = oracles::to_string(check.status);
  switch (outcome(check, asked)) {
    case Outcome::kPassed:
      return;
    case Outcome::kFailed:
      ++counts.failures;
      return add_outcome(testcase, "failure", status, check.actual, details(check));
    case Outcome::kBroken:
      ++counts.errors;
      return add_outcome(testcase, "error", status, check.actual, details(check));
    case Outcome::kNoted:
      ++counts.skipped;
      return add_outcome(testcase, "skipped", status, fmt::format("{} ({}): {}", status, why_noted(check, asked), check.actual),
                         details(check));
    case Outcome::kSkipped:
      ++counts.skipped;
      return add_outcome(testcase, "skipped", status, check.actual.empty() ? "not tested" : check.actual, {});
  }
}

Counts add_suite(pugi::xml_node root, const Run& run, const runner::BuildRecord& build, const Asked& asked) {
  pugi::xml_node suite = root.append_child("testsuite");
  set(suite, "name", build.name);
  Counts counts;
  for (const auto& record : run.cases) {
    if (record.build != build.name) continue;
    counts.milliseconds += record.duration_ms;
    double rest = record.duration_ms;  // the case's time stands at its first check, so that sums are right
    for (const auto& check : record.checks) {
      add_check(suite, record, check, rest, asked, counts);
      rest = 0;
    }
  }
  const runner::Verdict verdict = verdict_on(run, build.name, asked);
  if (verdict != runner::Verdict::kConformant && counts.failures + counts.errors == 0) {
    pugi::xml_node testcase = suite.append_child("testcase");
    set(testcase, "classname", "verdict");
    set(testcase, "name", oracles::to_string(asked.profile));
    ++counts.tests;
    ++counts.errors;
    add_outcome(testcase, "error", runner::to_string(verdict), fmt::format("{}: {}", build.name, runner::to_string(verdict)), {});
  }
  counts.write(suite);
  pugi::xml_node properties = suite.prepend_child("properties");
  add_property(properties, "tool", run.header.tool);
  add_property(properties, "suite", run.header.suite);
  add_property(properties, "seed", std::to_string(run.header.seed));
  add_property(properties, "world", run.header.world);
  add_property(properties, "build.path", build.path);
  add_property(properties, "build.sha256", build.sha256);
  add_property(properties, "profile", oracles::to_string(asked.profile));
  add_property(properties, "verdict", runner::to_string(verdict));
  return counts;
}

// The entries of the baseline that are stale, as failures of nobody's build.
Counts add_stale(pugi::xml_node root, const runner::Footer& footer) {
  Counts counts;
  pugi::xml_node suite = root.append_child("testsuite");
  set(suite, "name", "baseline");
  for (const auto& entry : footer.stale) {
    pugi::xml_node testcase = suite.append_child("testcase");
    set(testcase, "classname", "baseline");
    set(testcase, "name", entry);
    ++counts.tests;
    ++counts.failures;
    add_outcome(testcase, "failure", "stale", "stale: " + entry, {});
  }
  counts.write(suite);
  return counts;
}

}  // namespace

std::string junit(const Run& run, const Asked& asked) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("testsuites");
  set(root, "name", "entryproof");
  Counts counts;
  for (const auto& build : run.header.builds) counts.add(add_suite(root, run, build, asked));
  if (run.footer && !run.footer->stale.empty()) counts.add(add_stale(root, *run.footer));
  counts.write(root);
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace entryproof::reports
