#include "simulator/reports/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace entryproof::reports {

namespace fs = std::filesystem;

Result<std::unique_ptr<Output>> Output::to_file(const std::string& path, Kind kind) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return fail(ErrorCode::kUsage, "is a directory; name a file for the report", path);
  const bool in_place = kind == Kind::kStreamed || (fs::exists(status) && !fs::is_regular_file(status));

  std::unique_ptr<Output> output(new Output);
  output->path_ = path;
  const std::string opened = in_place ? path : path + ".tmp-" + std::to_string(::getpid());
  errno = 0;
  output->file_.open(opened, std::ios::binary | std::ios::trunc);
  if (!output->file_) return fail_errno("open report", opened, errno != 0 ? errno : EIO);
  output->stream_ = &output->file_;
  if (!in_place) {
    output->temporary_ = opened;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove the report of an earlier run", path, errno);
  }
  return output;
}

std::unique_ptr<Output> Output::to_stream(std::ostream& stream, std::string name) {
  std::unique_ptr<Output> output(new Output);
  output->stream_ = &stream;
  output->path_ = std::move(name);
  return output;
}

Output::~Output() {
  if (temporary_.empty()) return;
  file_.close();
  ::unlink(temporary_.c_str());
}

Result<> Output::commit() {
  errno = 0;
  stream_->flush();
  if (stream_ == &file_ && file_.is_open() && file_) file_.close();
  if (!*stream_) return fail_errno("write report", path_, errno != 0 ? errno : EIO);
  if (!temporary_.empty()) {
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return fail_errno("rename report to", path_, errno);
    temporary_.clear();
  }
  return {};
}

}  // namespace entryproof::reports
