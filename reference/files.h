// Small helpers over Host: paths, descriptors that close themselves, reading a whole file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "reference/host.h"
#include "reference/problem.h"

namespace reference {

std::string directory_of(std::string_view path);  // "/a/b" -> "/a", "/a" -> "/", "a" -> "."
std::string name_of(std::string_view path);       // "/a/b" -> "b"
std::string join(std::string_view directory, std::string_view name);
// Without doubled or trailing slashes and "." components; ".." stays, because it means what the kernel says.
std::string clean_path(std::string_view path);
// True if `path` is below `directory` (not the directory itself); both clean.
bool is_below(std::string_view path, std::string_view directory);

// A descriptor with an owner.
class Handle {
 public:
  Handle(Host& host, Host::Descriptor descriptor) : host_(&host), descriptor_(descriptor) {}
  Handle(Handle&& other) noexcept : host_(other.host_), descriptor_(std::exchange(other.descriptor_, -1)) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() { static_cast<void>(close()); }

  Host::Descriptor get() const { return descriptor_; }
  Outcome<> close();  // says what close(2) said; later calls do nothing

 private:
  Host* host_;
  Host::Descriptor descriptor_;
};

Outcome<Handle> open_file(Host& host, const std::string& path, int flags, mode_t mode = 0);

struct FileContent {
  std::string bytes;
  FileStatus status;
};

// Reads a regular file of at most `cap` bytes. A FIFO or a device is refused instead of waited for. `flags` are added to the open's.
Result<FileContent> read_file(Host& host, const std::string& path, std::size_t cap, int flags = 0);

// Same file, same content as far as the kernel can tell without reading it.
bool unchanged(const FileStatus& before, const FileStatus& after);

}  // namespace reference
