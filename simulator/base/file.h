// Whole files of this machine, with a cap: how scenarios, fixtures and stored runs are read.
#pragma once

#include <cstddef>
#include <string>

#include "simulator/base/result.h"

namespace entryproof {

// The bytes of a regular file. kLimit when it holds more than `most_bytes` (and no more than that is ever read), kIo when it cannot be
// read, kInvalidInput for a directory, a device or a FIFO, which could block or never end.
Result<std::string> read_file(const std::string& path, std::size_t most_bytes);

}  // namespace entryproof
