#include "simulator/audit/disk_for_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace entryproof::audit {

namespace fs = std::filesystem;

namespace {

void must(bool done, const std::string& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Disk::Disk() : root_((fs::temp_directory_path() / "entryproof-disk-XXXXXX").string()) { must(::mkdtemp(root_.data()) != nullptr, root_); }

Disk::~Disk() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Disk& Disk::file(std::string_view path, std::string_view bytes, unsigned mode) {
  const std::string place = on_disk(path);
  fs::create_directories(fs::path(place).parent_path());
  std::ofstream(place, std::ios::binary | std::ios::trunc) << bytes;
  must(::chmod(place.c_str(), mode) == 0, place);
  return *this;
}

Disk& Disk::link(std::string_view path, const std::string& target) {
  const std::string place = on_disk(path);
  fs::create_directories(fs::path(place).parent_path());
  must(::symlink(target.c_str(), place.c_str()) == 0, place);
  return *this;
}

Disk& Disk::directory(std::string_view path, unsigned mode) {
  const std::string place = on_disk(path);
  fs::create_directories(place);
  must(::chmod(place.c_str(), mode) == 0, place);
  return *this;
}

Disk& Disk::fifo(std::string_view path) {
  const std::string place = on_disk(path);
  fs::create_directories(fs::path(place).parent_path());
  must(::mkfifo(place.c_str(), 0644) == 0, place);
  return *this;
}

Disk& Disk::crowd(std::string_view path, std::size_t entries) {
  const std::string place = on_disk(path);
  fs::create_directories(place);
  for (std::size_t i = 0; i < entries; ++i) must(::symlink("x", (place + "/zz" + std::to_string(i)).c_str()) == 0, place);
  return *this;
}

Disk& Disk::remove(std::string_view path) {
  fs::remove_all(on_disk(path));
  return *this;
}

Disk& Disk::at(std::string_view path, int seconds) {
  const std::string place = on_disk(path);
  const timespec time{1'767'225'600 + seconds, 0};
  const timespec times[2] = {time, time};
  must(::utimensat(AT_FDCWD, place.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, place);
  return *this;
}

}  // namespace entryproof::audit
