// Rows of a table of facts as parameters of a test: what is arranged, how the start ends, what is left on the node.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "simulator/subjects/predecessors/pod_for_test.h"

namespace entryproof::subjects::predecessor {

struct Row {
  std::string name;
  std::vector<std::string> versions;
  std::function<void(Pod&)> arrange;  // may be empty
  std::function<Start(const std::string& version)> start;
  std::string ends;                 // as Pod::run says it
  std::function<void(Pod&)> check;  // may be empty
};

// How GoogleTest shows a row.
inline void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

// A row's name and its first version, in letters, digits and single underscores.
inline std::string row_name(const testing::TestParamInfo<Row>& info) {
  std::string name;
  for (const char c : info.param.name + "_" + info.param.versions.front()) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain || (!name.empty() && name.back() != '_')) name += plain ? c : '_';
  }
  return name;
}

// The body of a table's TEST_P: the row in a new pod for each of its versions.
inline void play(const Row& row) {
  if (const auto why = Pod::unavailable()) GTEST_SKIP() << *why;
  for (const std::string& version : row.versions) {
    SCOPED_TRACE(version);
    Pod pod;
    if (row.arrange) row.arrange(pod);
    EXPECT_EQ(pod.run(row.start(version)), row.ends) << pod.process().out() << pod.process().err();
    if (row.check) row.check(pod);
  }
}

inline const std::vector<std::string> kShellOnly = {"3.9.3"};
inline const std::vector<std::string> kFirst = {"4.0.2"};
inline const std::vector<std::string> kMiddle = {"4.1.4", "4.2.2"};
inline const std::vector<std::string> kLater = {"4.1.4", "4.2.2", "4.2.3", "4.3.0"};
inline const std::vector<std::string> kThinOnes = {"4.0.2", "4.1.4", "4.2.2", "4.2.3", "4.3.0"};
inline const std::vector<std::string> kAllVersions = {"3.9.3", "4.0.2", "4.1.4", "4.2.2", "4.2.3", "4.3.0"};

// Starts with the flags of a mode.
inline std::function<Start(const std::string&)> in_auto(std::vector<std::string> more = {},
                                                        std::map<std::string, std::string> environment = {}) {
  return [more, environment](const std::string& version) {
    return Start{.version = version, .flags = automatic(version, more), .environment = environment};
  };
}

inline std::function<Start(const std::string&)> in_manual(std::vector<std::string> more = {},
                                                          std::map<std::string, std::string> environment = {}) {
  return [more, environment](const std::string& version) {
    return Start{.version = version, .flags = manual(more), .environment = environment};
  };
}

inline std::function<void(Pod&)> says(const std::string& path, const std::string& text) {
  return [=](Pod& pod) {
    EXPECT_NE(pod.read(path).value_or("(missing)").find(text), std::string::npos) << pod.read(path).value_or("(missing)");
  };
}

inline std::function<void(Pod&)> missing(const std::string& path) {
  return [=](Pod& pod) { EXPECT_FALSE(pod.exists(path)) << path; };
}

inline std::function<void(Pod&)> all_of(std::vector<std::function<void(Pod&)>> checks) {
  return [=](Pod& pod) {
    for (const auto& check : checks) check(pod);
  };
}

}  // namespace entryproof::subjects::predecessor
