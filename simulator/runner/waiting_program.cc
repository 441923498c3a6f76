#include "simulator/runner/waiting_program.h"

#include <elf.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace entryproof::runner {

namespace {

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
constexpr auto kCode = std::to_array<std::uint8_t>({
    0xb8, 0x22, 0x00, 0x00, 0x00,  // mov eax, 34
    0x0f, 0x05,                    // syscall: pause(2)
    0xeb, 0xf7,                    // and again
});
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
constexpr auto kCode = std::to_array<std::uint8_t>({
    0x00, 0x00, 0x80, 0xd2,  // mov x0, #0
    0x01, 0x00, 0x80, 0xd2,  // mov x1, #0
    0x02, 0x00, 0x80, 0xd2,  // mov x2, #0
    0x03, 0x00, 0x80, 0xd2,  // mov x3, #0
    0x28, 0x09, 0x80, 0xd2,  // mov x8, #73
    0x01, 0x00, 0x00, 0xd4,  // svc #0: ppoll(2) of nothing
    0xfa, 0xff, 0xff, 0x17,  // and again
});
#else
#error "how does a program wait on this machine?"
#endif

constexpr Elf64_Addr kAddress = 0x400000;
constexpr std::size_t kHeaders = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
constexpr std::size_t kSize = kHeaders + kCode.size();

}  // namespace

std::string waiting_program() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = kMachine;
  header.e_version = EV_CURRENT;
  header.e_entry = kAddress + kHeaders;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_vaddr = kAddress;
  segment.p_paddr = kAddress;
  segment.p_filesz = kSize;
  segment.p_memsz = kSize;
  segment.p_align = 0x10000;  // the largest page of these machines

  std::string file(kSize, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, &segment, sizeof segment);
  std::memcpy(file.data() + kHeaders, kCode.data(), kCode.size());
  return file;
}

}  // namespace entryproof::runner
