#include "simulator/runner/build.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>

#include "simulator/base/digest.h"
#include "simulator/base/file.h"
#include "simulator/subjects/mutants/mutants.h"
#include "simulator/subjects/predecessors/traits.h"

namespace entryproof::runner {

namespace {

namespace fs = std::filesystem;
using Neighbours = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMaxExecutableBytes = 512ULL << 20;
constexpr std::array kLibraryDirectories = {"/lib",
                                            "/usr/lib",
                                            "/lib64",
                                            "/usr/lib64",
                                            "/lib/x86_64-linux-gnu",
                                            "/usr/lib/x86_64-linux-gnu",
                                            "/lib/aarch64-linux-gnu",
                                            "/usr/lib/aarch64-linux-gnu"};

// Whether a path will be there inside the container: below the machine's /usr (and its old names), or bound by --with.
bool present_inside(const std::string& path, const Neighbours& with) {
  for (const auto& [outside, inside] : with) {
    if (path == inside || path.starts_with(inside + "/")) return fs::exists(outside + path.substr(inside.size()));
  }
  for (const char* root : {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"}) {
    if (path.starts_with(root)) return fs::exists(path);
  }
  return false;
}

std::unexpected<Error> missing(const std::string& build, const std::string& what) {
  return fail(ErrorCode::kUnavailable, what + ", and the container would not have it (bind it with --with PATH:INSIDE, or install it)",
              build);
}

Result<> check_script(const std::string& path, const std::string& bytes, const Neighbours& with) {
  const std::string line = bytes.substr(2, std::min(bytes.find('\n'), std::size_t{258}) - 2);
  std::vector<std::string> words;
  for (std::size_t at = 0; at < line.size();) {
    const auto start = line.find_first_not_of(" \t\r", at);
    if (start == std::string::npos) break;
    const auto end = std::min(line.find_first_of(" \t\r", start), line.size());
    words.push_back(line.substr(start, end - start));
    at = end;
  }
  if (words.empty()) return fail(ErrorCode::kUsage, "a script whose first line names no interpreter", path);
  if (!present_inside(words[0], with)) return missing(path, "needs the interpreter " + words[0]);
  if (words[0].ends_with("/env") && words.size() > 1 && !words[1].starts_with("-")) {
    const bool found = std::ranges::any_of(std::array{"/usr/local/bin/", "/usr/bin/", "/bin/", "/usr/sbin/"},
                                           [&](const char* directory) { return present_inside(directory + words[1], with); });
    if (!found) return missing(path, "needs the interpreter " + words[1]);
  }
  return {};
}

// The program's loader and the names of its libraries, from its program headers; nothing for a static program or another architecture's.
struct DynamicNeeds {
  std::string loader;
  std::vector<std::string> libraries;
  bool own_search_path = false;
};

template <class T>
std::optional<T> read_at(const std::string& bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::string text_at(const std::string& bytes, std::uint64_t offset) {
  if (offset >= bytes.size()) return {};
  return bytes.substr(offset, std::min(bytes.find('\0', offset), bytes.size()) - offset);
}

DynamicNeeds dynamic_needs(const std::string& bytes) {
  DynamicNeeds needs;
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr)) return needs;
  std::vector<Elf64_Phdr> segments;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    if (const auto segment = read_at<Elf64_Phdr>(bytes, header->e_phoff + i * sizeof(Elf64_Phdr))) segments.push_back(*segment);
  }
  const auto file_offset = [&](std::uint64_t address) -> std::uint64_t {
    for (const auto& s : segments) {
      if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) return s.p_offset + (address - s.p_vaddr);
    }
    return bytes.size();
  };
  for (const auto& segment : segments) {
    if (segment.p_type == PT_INTERP) needs.loader = text_at(bytes, segment.p_offset);
    if (segment.p_type != PT_DYNAMIC) continue;
    std::vector<std::uint64_t> names;
    std::uint64_t strings = bytes.size();
    for (std::uint64_t at = segment.p_offset; at < segment.p_offset + segment.p_filesz; at += sizeof(Elf64_Dyn)) {
      const auto entry = read_at<Elf64_Dyn>(bytes, at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_NEEDED) names.push_back(entry->d_un.d_val);
      if (entry->d_tag == DT_STRTAB) strings = file_offset(entry->d_un.d_ptr);
      if (entry->d_tag == DT_RUNPATH || entry->d_tag == DT_RPATH) needs.own_search_path = true;
    }
    for (const auto name : names) needs.libraries.push_back(text_at(bytes, strings + name));
  }
  return needs;
}

Result<> check_program(const std::string& path, const std::string& bytes, const Neighbours& with) {
  const auto needs = dynamic_needs(bytes);
  if (needs.loader.empty()) return {};
  if (!present_inside(needs.loader, with)) return missing(path, "needs the loader " + needs.loader);
  if (needs.own_search_path) return {};  // it knows places of its own; the loader will say
  for (const auto& library : needs.libraries) {
    if (library.empty()) continue;
    const bool bound = std::ranges::any_of(
        with, [&](const auto& pair) { return fs::path(pair.second).filename() == library || fs::exists(fs::path(pair.first) / library); });
    const bool found =
        bound || std::ranges::any_of(kLibraryDirectories, [&](const char* directory) { return fs::exists(fs::path(directory) / library); });
    if (!found) return missing(path, "needs the library " + library);
  }
  return {};
}

Result<std::string> read_executable(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return fail(ErrorCode::kUsage, "no such build: there is no file of this name", path);
  if (!fs::is_regular_file(status)) return fail(ErrorCode::kUsage, "not a build: it is no regular file", path);
  if (access(path.c_str(), X_OK) != 0) return fail(ErrorCode::kUsage, "not a build: it is not executable (chmod +x?)", path);
  if (fs::file_size(path, error) > kMaxExecutableBytes) return fail(ErrorCode::kLimit, "larger than 512 MiB", path);
  return read_file(path, kMaxExecutableBytes);
}

Result<Build> from_path(std::string name, std::string spec, const std::string& path, const Neighbours& with) {
  auto bytes = read_executable(path);
  if (!bytes) return std::unexpected(bytes.error());
  Result<> checked;
  if (bytes->starts_with("#!")) {
    checked = check_script(path, *bytes, with);
  } else if (bytes->starts_with(ELFMAG)) {
    checked = check_program(path, *bytes, with);
  } else {
    return fail(ErrorCode::kUsage, "not a build: neither a program for this system nor a script that begins with #!", path);
  }
  if (!checked) return std::unexpected(checked.error());
  return Build{std::move(name), std::move(spec), fs::canonical(path).string(), {}, sha256_hex(*bytes)};
}

Result<Build> come_along(const std::string& spec, const std::string& program, std::string variant) {
  auto build = from_path(spec, spec, program_directory() + "/" + program, {});
  if (!build)
    return fail(ErrorCode::kUnavailable, build.error().message + " (it is built and installed beside entryproof)", build.error().where);
  build->variant = std::move(variant);
  return build;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

bool is_name(std::string_view text) { return !text.empty() && text.find_first_of("=/:") == std::string_view::npos; }

Result<std::vector<Build>> mutants_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& mutant : subjects::mutants()) names.push_back(mutant.name);
  if (name != "*" && std::ranges::find(names, name) == names.end()) {
    return fail(ErrorCode::kUsage, "there is no mutant of this name; there are: " + joined(names), "mutant:" + name);
  }
  const auto program = come_along("mutant:" + name, "mutant", name);  // one for all of them
  if (!program) return std::unexpected(program.error());
  std::vector<Build> builds;
  for (const auto& each : names) {
    if (name != "*" && name != each) continue;
    Build& build = builds.emplace_back(*program);
    build.name = build.spec = "mutant:" + each;
    build.variant = each;
  }
  return builds;
}

Result<std::vector<Build>> single(Result<Build> build) {
  if (!build) return std::unexpected(build.error());
  return std::vector<Build>{std::move(*build)};
}

}  // namespace

std::string program_directory() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path().string();
}

Result<std::vector<Build>> resolve_build(const std::string& spec, const Neighbours& with) {
  if (spec == "reference") return single(come_along(spec, "thin_entrypoint", {}));
  if (spec.starts_with("mutant:")) return mutants_named(spec.substr(7));
  if (spec.starts_with("predecessor:")) {
    std::vector<std::string> versions;
    for (const auto& traits : subjects::predecessor::all_traits()) versions.emplace_back(traits.version);
    if (std::ranges::find(versions, spec.substr(12)) == versions.end()) {
      return fail(ErrorCode::kUsage, "there is no predecessor of this version; there are: " + joined(versions), spec);
    }
    return single(come_along(spec, "predecessor", spec.substr(12)));
  }
  if (const auto equals = spec.find('='); equals != std::string::npos && is_name(spec.substr(0, equals))) {
    return single(from_path(spec.substr(0, equals), spec, spec.substr(equals + 1), with));
  }
  return single(from_path(fs::path(spec).filename().string(), spec, spec, with));
}

}  // namespace entryproof::runner
