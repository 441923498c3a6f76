// Volume: how kubelet fills a projected, ConfigMap or Secret volume, and how it replaces what is in it.
//
// The files of one state lie in a directory "..2026_01_01_00_00_00.123456789"; "..data" is a symlink to it; each file's name is a symlink
// into "..data". An update makes a new directory and swings "..data" over by one rename, so whoever reads through one resolution of
// "..data" sees one state, never a mixture. The steps and their order are those of kubelet's atomic writer; here they are data (change.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulator/cluster/change.h"

namespace entryproof::cluster {

// File name -> bytes. Names have no "/" and do not begin with "..".
using Payload = std::map<std::string, std::string>;

class AtomicVolume {
 public:
  static constexpr mode_t kFileMode = 0644;
  static constexpr mode_t kDirectoryMode = 0755;

  // `seed` makes the directories' random digits; `file_mode` is the volume's defaultMode, the same for service accounts, ConfigMaps and
  // Secrets unless a Pod says otherwise.
  explicit AtomicVolume(std::uint64_t seed, mode_t file_mode = kFileMode) : seed_(seed), file_mode_(file_mode) {}

  // The changes that bring the volume's directory from the last payload to this one, at wall time `wall_ns`; none if they are equal
  // (kubelet writes nothing then). The first call fills an empty directory.
  std::vector<Change> update(const Payload& payload, std::int64_t wall_ns);

  const Payload& payload() const { return payload_; }
  // Name of the directory that "..data" points to after all changes; "" before the first update.
  const std::string& data_directory() const { return data_directory_; }

 private:
  std::uint64_t seed_;
  mode_t file_mode_;
  std::uint64_t updates_ = 0;
  Payload payload_;
  std::string data_directory_;
};

// The same payload as plain files, as an operator leaves them in a host directory: each written under a hidden name and renamed into place,
// so no file is ever partial; but two files do not change as one.
std::vector<Change> plain_files(const Payload& payload, mode_t mode = AtomicVolume::kFileMode);

}  // namespace entryproof::cluster
