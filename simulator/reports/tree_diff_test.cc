// What a person is shown of two states of a node.
#include "simulator/reports/tree_diff.h"

#include <gmock/gmock.h>

namespace entryproof::reports {
namespace {

using node::Credentials;
using node::kRoot;
using node::Tree;

const Credentials kRootUser{};

node::InodeId write(Tree& tree, const std::string& name, const std::string& bytes, mode_t mode = 0644) {
  auto inode = tree.child(kRoot, name);
  if (inode == 0) inode = *tree.create(kRootUser, kRoot, name, mode, 1);
  EXPECT_TRUE(tree.write(inode, 0, bytes, 1));
  return inode;
}

TEST(TreeDiff, NothingIsSaidAboutWhatIsTheSame) {
  Tree tree;
  write(tree, "a", "text\n");
  EXPECT_EQ(tree_diff(tree, tree, {}), "");
}

TEST(TreeDiff, NewGoneAndChangedByPathWithTheirLines) {
  Tree before;
  write(before, "changed", "one\ntwo\nsame\n");
  write(before, "gone", "old\n", 0600);
  Tree after = before;
  write(after, "changed", "one\nTWO\nsame\n");
  ASSERT_TRUE(after.unlink(kRootUser, kRoot, "gone", 2));
  ASSERT_TRUE(after.mkdir(kRootUser, kRoot, "new", 0700, 2));
  ASSERT_TRUE(after.symlink(kRootUser, kRoot, "way", "to\x1b[2J", 2));
  EXPECT_EQ(tree_diff(before, after, {}),
            "~ /changed  file 0644 0:0, 13 bytes\n"
            "    -two\n"
            "    +TWO\n"
            "- /gone  file 0600 0:0, 4 bytes\n"
            "    -old\n"
            "+ /new  directory 0700 0:0\n"
            "+ /way  symlink 0777 0:0 -> to\\x1b[2J\n");
}

TEST(TreeDiff, AModeAndBytesThatAreNoText) {
  Tree before;
  const auto inode = write(before, "a", std::string("\0b", 2));
  Tree after = before;
  node::AttributeChange change;
  change.mode = 0600;
  ASSERT_TRUE(after.set_attributes(kRootUser, inode, change, 2));
  EXPECT_EQ(tree_diff(before, after, {}), "~ /a  file 0644 0:0, 2 bytes => file 0600 0:0, 2 bytes\n");
  write(after, "a", std::string("\0c", 2));
  EXPECT_THAT(tree_diff(before, after, {}), testing::ContainsRegex("\n    -sha256 [0-9a-f]{12}\n    \\+sha256 [0-9a-f]{12}\n"));
}

TEST(TreeDiff, NoTokenIsShownWhoeverIssuedIt) {
  const std::string known = "known-token-0123456789-abcdefghij";
  const std::string foreign = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtdWx0dXMifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
  Tree after;
  write(after, "a", "token: " + known + "\ntoken: " + foreign + "\neyJ is no token\n");
  const auto text = tree_diff(Tree(), after, oracles::Redactor({known}));
  EXPECT_THAT(text, testing::HasSubstr("+token: [token]\n    +token: [token]\n    +eyJ is no token\n"));
  Tree other = after;
  write(other, "a", "token: " + known + "\ntoken: " + foreign.substr(0, foreign.size() - 1) + "X\neyJ is no token\n");
  EXPECT_THAT(tree_diff(after, other, oracles::Redactor({known})), testing::HasSubstr("(the tokens in it differ)"));
}

}  // namespace
}  // namespace entryproof::reports
