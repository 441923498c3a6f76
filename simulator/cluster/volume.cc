#include "simulator/cluster/volume.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "simulator/cluster/seeded.h"

namespace entryproof::cluster {
namespace {

std::string timestamped_name(std::int64_t wall_ns, std::uint64_t random) {
  const std::time_t seconds = wall_ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("..{:%Y_%m_%d_%H_%M_%S}.{:09}", utc, random % 1'000'000'000);
}

}  // namespace

std::vector<Change> AtomicVolume::update(const Payload& payload, std::int64_t wall_ns) {
  if (updates_ > 0 && payload == payload_) return {};
  // Two updates within one second could draw the same digits, and mkdir must not meet the directory in use.
  std::string fresh;
  do {
    fresh = timestamped_name(wall_ns, scramble(seed_ + scramble(++updates_)));
  } while (fresh == data_directory_);

  std::vector<Change> changes;
  changes.push_back(Change::mkdir(fresh, kDirectoryMode));
  for (const auto& [name, bytes] : payload) changes.push_back(Change::write(fresh + "/" + name, bytes, file_mode_));
  changes.push_back(Change::symlink("..data_tmp", fresh));
  changes.push_back(Change::rename("..data_tmp", "..data"));
  for (const auto& [name, bytes] : payload) {
    if (!payload_.contains(name)) changes.push_back(Change::symlink(name, "..data/" + name));
  }
  for (const auto& [name, bytes] : payload_) {
    if (!payload.contains(name)) changes.push_back(Change::remove(name));
  }
  if (!data_directory_.empty()) changes.push_back(Change::remove(data_directory_));

  payload_ = payload;
  data_directory_ = std::move(fresh);
  return changes;
}

std::vector<Change> plain_files(const Payload& payload, mode_t mode) {
  std::vector<Change> changes;
  for (const auto& [name, bytes] : payload) {
    const std::string temporary = "." + name + ".new";
    changes.push_back(Change::write(temporary, bytes, mode));
    changes.push_back(Change::rename(temporary, name));
  }
  return changes;
}

}  // namespace entryproof::cluster
