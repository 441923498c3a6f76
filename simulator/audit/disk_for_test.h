// Disk: a node's tree in a temporary directory of this machine, for tests of what reads such trees. Removed with the object.
#pragma once

#include <string>
#include <string_view>

namespace entryproof::audit {

class Disk {
 public:
  Disk();
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::string& root() const { return root_; }
  // Host paths; directories on the way are made. Each gives the object, so that a node is one expression.
  Disk& file(std::string_view path, std::string_view bytes, unsigned mode = 0644);
  Disk& link(std::string_view path, const std::string& target);
  Disk& directory(std::string_view path, unsigned mode = 0755);
  Disk& fifo(std::string_view path);
  // So many entries more, each a link that leads nowhere.
  Disk& crowd(std::string_view path, std::size_t entries);
  Disk& remove(std::string_view path);
  // Modified so many seconds after 2026-01-01.
  Disk& at(std::string_view path, int seconds);

 private:
  std::string on_disk(std::string_view path) const { return root_ + std::string(path); }
  std::string root_;
};

}  // namespace entryproof::audit
