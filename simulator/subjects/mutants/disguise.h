// Disguise: a Host that shows some files as other than they are.
//
// Three lies, all about single paths and all told to the reference only. A *belief* shows a file with the bytes and the mode that the
// reference meant it to have, for as long as nobody else changes the real one. A *hidden* path is shown as not there, so that the reference
// writes it anew although it may be right. A *shown* one has other bytes than the real one. Which ones are, a mutant says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulator/subjects/mutants/forwarding_host.h"

namespace entryproof::subjects {

class Disguise : public ForwardingHost {
 public:
  using ForwardingHost::ForwardingHost;

  Outcome<Descriptor> open(const std::string& path, int flags, mode_t mode) override;
  Outcome<> close(Descriptor descriptor) override;
  Outcome<std::size_t> read(Descriptor descriptor, char* buffer, std::size_t size) override;
  Outcome<> fsync(Descriptor descriptor) override;
  Outcome<FileStatus> fstat(Descriptor descriptor) override;
  Outcome<FileStatus> stat(const std::string& path) override;
  Outcome<FileStatus> lstat(const std::string& path) override;
  Outcome<std::vector<reference::DirectoryEntry>> list(const std::string& path) override;

 protected:
  // From now on `path` reads as these bytes with this status; what really stands there now is the state in which that holds.
  void believe(const std::string& path, std::string bytes, FileStatus status);
  virtual bool hidden(const std::string&) const { return false; }
  // The bytes that the reference is to read at this path instead of the real ones; unset: the real ones.
  virtual std::optional<std::string> shown(const std::string&) { return std::nullopt; }
  // Whether a belief holds although the real file is no longer the one that was written.
  virtual bool clings_to(const std::string&, const std::optional<FileStatus>& /*now*/) const { return false; }

 private:
  struct Belief {
    std::string bytes;
    FileStatus shown;
    std::optional<FileStatus> real;  // unset: nothing stood there
  };
  struct Reading {
    std::string bytes;
    std::size_t offset = 0;
    FileStatus status;
  };

  Descriptor start_reading(std::string bytes, FileStatus status);
  std::optional<FileStatus> really(const std::string& path);
  const Belief* belief(const std::string& path);  // null when there is none, or it no longer holds

  std::map<std::string, Belief> beliefs_;
  std::map<Descriptor, Reading> readings_;
};

}  // namespace entryproof::subjects
