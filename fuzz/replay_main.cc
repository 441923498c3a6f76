// Stands in for the fuzzing engine: gives every file of the folders and files that are named to the target, once.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::size_t replay(const fs::path& path) {
  if (fs::is_directory(path)) {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(path)) files += entry.is_regular_file() ? replay(entry.path()) : 0;
    return files;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) files += replay(argv[i]);
  std::printf("%zu inputs\n", files);
  return files > 0 ? 0 : 1;  // an empty corpus proves nothing
}
