// Differential: the memory door must answer as this machine's kernel does, call for call, and leave the same tree.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "simulator/doors/posix_targets.h"

namespace entryproof::doors {
namespace {

struct TemporaryDirectory {
  std::string path = (std::filesystem::temp_directory_path() / "entryproof-posix-XXXXXX").string();
  TemporaryDirectory() { made = ::mkdtemp(path.data()) != nullptr; }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  bool made = false;
};

// Long enough that names collide, descriptors outlive their names and directories fill. Only whole calls are dropped when a failure is
// shrunk.
std::vector<std::uint64_t> some_numbers() {
  return *rc::gen::scale(
      1.5, rc::gen::container<std::vector<std::uint64_t>>(rc::gen::noShrink(rc::gen::resize(100, rc::gen::arbitrary<std::uint64_t>()))));
}

void expect_same(const std::vector<std::uint64_t>& numbers, const node::Credentials& who) {
  std::vector<node::PosixCall> calls;
  for (const std::uint64_t number : numbers) calls.push_back(node::PosixCall::from(number));
  const TemporaryDirectory directory;
  RC_ASSERT(directory.made);
  const Result<Played> real = play_in_directory(directory.path, calls, who);
  if (!real) RC_FAIL(real.error().line());
  const Played memory = play_in_memory(calls, who);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (memory.answers[i] == real->answers[i]) continue;
    std::string story;
    for (std::size_t j = 0; j <= i; ++j) story += real->answers[j] + "\n";
    RC_FAIL(story + "but in memory: " + memory.answers[i]);
  }
  RC_ASSERT(memory.inventory == real->inventory);
}

void expect_the_kernels_answers(const node::Credentials& who) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(directory.made);
  if (const auto probe = play_in_directory(directory.path, {}, who); !probe) GTEST_SKIP() << probe.error().line();
  EXPECT_TRUE(rc::check("memory answers as the kernel", [&] { expect_same(some_numbers(), who); }));
}

TEST(Posix, RootGetsTheKernelsAnswers) { expect_the_kernels_answers({}); }

TEST(Posix, AnUnprivilegedUserGetsTheKernelsAnswers) { expect_the_kernels_answers({65534, 65534, false}); }

}  // namespace
}  // namespace entryproof::doors
