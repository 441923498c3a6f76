// SECURE-55: our own way through links gives what the kernel's gives, on a real directory with random links in it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "reference/directories.h"
#include "reference/posix_host.h"

namespace reference {
namespace {

namespace fs = std::filesystem;

std::string any_name() { return *rc::gen::element<std::string>("a", "b", "c"); }

fs::path any_path(int longest) {
  fs::path path = any_name();
  for (int i = *rc::gen::inRange(0, longest); i > 0; --i) path /= *rc::gen::element<std::string>("a", "b", "c", "..", ".");
  return path;
}

// Without a prefix, names mean the same to us as to the kernel: then both must find the same directory.
RC_GTEST_PROP(Directories, AgreesWithTheKernel, ()) {
  std::string name = (fs::temp_directory_path() / "reference_directories_XXXXXX").string();
  const fs::path root = fs::canonical(mkdtemp(name.data()));
  const int count = *rc::gen::inRange(1, 9);
  for (int i = 0; i < count; ++i) {
    std::error_code ignored;  // some names lead nowhere or are taken
    const fs::path place = root / any_path(3);
    const int kind = *rc::gen::inRange(0, 3);
    if (kind == 0) fs::create_directories(place, ignored);
    if (kind == 1) fs::create_symlink(any_path(3), place, ignored);
    if (kind == 2) fs::create_symlink(root / any_path(2), place, ignored);
  }
  const std::string wanted = (root / any_path(4)).string();
  PosixHost host;
  const HostPaths paths({root.string()}, "/nowhere/x", "");
  RC_ASSERT(paths.prefix().empty());
  Directories directories(host, paths);
  std::error_code error;
  const fs::path real = fs::canonical(wanted, error);
  for (int i = 0; i < 2; ++i) {
    directories.begin_turn();
    const auto found = directories.find(wanted);
    if (!error && fs::is_directory(real)) {
      RC_ASSERT(found.has_value());
      RC_ASSERT(*found == real.string());
    } else if (error == std::errc::too_many_symbolic_link_levels) {
      RC_ASSERT(!found.has_value());
    } else if (found) {
      RC_ASSERT(!fs::exists(*found));  // to be made, at a place without links
      RC_ASSERT(fs::weakly_canonical(*found) == fs::path(*found).lexically_normal());
    }
  }
  fs::remove_all(root);
}

}  // namespace
}  // namespace reference
