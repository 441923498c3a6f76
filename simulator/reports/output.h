// Output: where a report goes, a stream that is already there or a file.
//
// A whole file appears under its name when commit() says so, and never half: it is written beside and renamed. What lay there before is
// removed at once, so that nobody takes the report of an earlier run for this one's. A streamed file is written in place; its reader can
// tell when it is short.
#pragma once

#include <fstream>
#include <memory>
#include <ostream>
#include <string>

#include "simulator/base/result.h"

namespace entryproof::reports {

class Output {
 public:
  enum class Kind { kWhole, kStreamed };

  // Opens at once, so that a directory that is not there is known before the run and not after it. Devices and pipes are written in place.
  static Result<std::unique_ptr<Output>> to_file(const std::string& path, Kind kind);
  // Does not own the stream; `name` is for messages.
  static std::unique_ptr<Output> to_stream(std::ostream& stream, std::string name);

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();  // without commit(): a whole file is forgotten

  std::ostream& stream() { return *stream_; }
  // Flushes, and gives a whole file its name. An error says what could not be written.
  Result<> commit();

 private:
  Output() = default;
  std::ofstream file_;
  std::ostream* stream_ = nullptr;
  std::string path_;
  std::string temporary_;  // empty once renamed, or if written in place
};

}  // namespace entryproof::reports
