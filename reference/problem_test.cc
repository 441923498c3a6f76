#include "reference/problem.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace reference {
namespace {

TEST(Problem, NamesPathOperationErrnoAndWhatToDo) {  // SECURE-56
  const auto text = [](int error) { return system_problem("replace", "/host/x", Errno{error}, kExitOutput).text; };
  EXPECT_EQ(text(ENOSPC), "cannot replace /host/x: No space left on device (ENOSPC); free some space on the node");
  for (const auto& [error, hint] : std::initializer_list<std::pair<int, const char*>>{{EACCES, "privileged"},
                                                                                      {EPERM, "SELinux label"},
                                                                                      {EROFS, "read-only"},
                                                                                      {EDQUOT, "free some space"},
                                                                                      {EFBIG, "limit"},
                                                                                      {EBUSY, "mounted"}}) {
    EXPECT_TRUE(text(error).starts_with("cannot replace /host/x: "));
    EXPECT_NE(text(error).find(strerrorname_np(error)), std::string::npos);
    EXPECT_NE(text(error).find(hint), std::string::npos) << text(error);
  }
  EXPECT_NE(text(12345).find("12345"), std::string::npos);
}

}  // namespace
}  // namespace reference
