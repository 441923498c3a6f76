#include "simulator/cli/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace entryproof::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "control-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/socket"; }

  Descriptor connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(static_cast<char*>(address.sun_path), path().size());
    Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return connection;
  }
  // Sends the text and reads until so many lines have come, or the end.
  static std::string ask(const Descriptor& connection, const std::string& text, std::ptrdiff_t lines) {
    EXPECT_EQ(::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    std::string answer;
    for (char letter = 0; std::ranges::count(answer, '\n') < lines && ::recv(connection.get(), &letter, 1, 0) == 1;) answer += letter;
    return answer;
  }

  std::string directory_;
  runner::FaultDesk desk_;
};

TEST_F(ControlTest, TakesACommandALineAndAcknowledgesEach) {
  auto control = ControlSocket::open(path(), desk_);
  ASSERT_TRUE(control) << control.error().line();
  struct stat about{};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  (*control)->serve();
  const auto connection = connect();
  EXPECT_EQ(ask(connection, "write **/a errno=ENOSPC\n", 1), "ok 1 rules\n");
  EXPECT_EQ(ask(connection, "fsync ** errno=EIO sticky\nlist\n", 4),
            "ok 2 rules\nwrite **/a nth=1 errno=ENOSPC\nfsync ** nth=1 errno=EIO sticky\nok 2 rules\n");
  EXPECT_THAT(ask(connection, "wriet **/a errno=ENOSPC\n", 1), StartsWith("error: control:1:1: there is no such operation"));
  const auto other = connect();
  EXPECT_EQ(ask(other, "clear\n", 1), "ok 0 rules\n");
  EXPECT_EQ(ask(connection, "list\n", 1), "ok 0 rules\n");
  EXPECT_THAT(ask(connection, std::string(3000, 'x'), 1), StartsWith("error: a line of more than"));
  EXPECT_EQ(ask(other, "\n", 1), "error: a rule, \"list\" or \"clear\" is wanted\n");
}

TEST_F(ControlTest, LeavesNothingBehindAndTakesNobodysPlace) {
  {
    auto control = ControlSocket::open(path(), desk_);
    ASSERT_TRUE(control);
    const auto second = ControlSocket::open(path(), desk_);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().line(), HasSubstr("if no other run uses it, remove it"));
    EXPECT_TRUE(std::filesystem::exists(path()));
  }
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_FALSE(ControlSocket::open(directory_ + "/" + std::string(200, 'x'), desk_));
}

TEST_F(ControlTest, ReadsRulesFromTheCommandLineAndFromFiles) {
  std::ofstream(directory_ + "/rules") << "# two\nwrite ** errno=EIO\nfsync ** errno=EIO\n";
  const auto plan = load_faults({"read **/token errno=EIO", "@" + directory_ + "/rules"});
  ASSERT_TRUE(plan) << plan.error().line();
  EXPECT_EQ(faults::to_string(*plan), "read **/token nth=1 errno=EIO\nwrite ** nth=1 errno=EIO\nfsync ** nth=1 errno=EIO\n");
  EXPECT_FALSE(load_faults({"@" + directory_ + "/none"}));
  EXPECT_FALSE(load_faults({""}));
  const auto wrong = load_faults({"write ** errno=EOOPS"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().line(), StartsWith("--fault:1:10: the name of an error"));
}

}  // namespace
}  // namespace entryproof::cli
