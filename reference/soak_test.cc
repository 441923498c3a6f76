// A hundred thousand turns on real files, in good times and bad: not one byte of memory more, not one descriptor (LIFE-60).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "reference/entrypoint.h"
#include "reference/posix_host.h"

namespace {

// Bytes that operator new has given out and that did not come back.
std::atomic<std::ptrdiff_t> live_bytes{0};

void* counted(std::size_t size, std::size_t alignment) {
  void* found = alignment == 0 ? std::malloc(size) : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (found == nullptr) throw std::bad_alloc();
  live_bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(found));
  return found;
}

void returned(void* pointer) noexcept {
  if (pointer != nullptr) live_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(pointer));
  std::free(pointer);
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* pointer) noexcept { returned(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { returned(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { returned(pointer); }
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept { returned(pointer); }

namespace reference {
namespace {

namespace fs = std::filesystem;

constexpr int kTurns = 100'000;
constexpr std::ptrdiff_t kSlack = 4096;  // strings of other capacities, a log line that was remembered

std::ptrdiff_t open_descriptors() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

class SoakTest : public testing::Test {
 protected:
  SoakTest() {
    std::string name = (fs::temp_directory_path() / "reference_soak_XXXXXX").string();
    root_ = mkdtemp(name.data());
    fs::create_directories(net());
    fs::create_directories(root_ / "bin");
    fs::create_directories(root_ / "sa");
    put(root_ / "source", "#!/bin/sh\n");
    put(root_ / "sa/ca.crt", "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n");
    heal();
    // What the program says goes nowhere: PosixHost writes to the streams of this process.
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    out_ = dup(1);
    error_ = dup(2);
    dup2(nowhere, 1);
    dup2(nowhere, 2);
    close(nowhere);
  }
  ~SoakTest() override {
    dup2(out_, 1);
    dup2(error_, 2);
    close(out_);
    close(error_);
    fs::remove_all(root_);
  }

  fs::path net() const { return root_ / "host/etc/cni/net.d"; }
  fs::path kubeconfig() const { return net() / "multus.d/multus.kubeconfig"; }
  static void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

  void heal() {
    put(root_ / "sa/token", "a-token");
    put(net() / "10-flannel.conf", R"({"cniVersion":"0.3.1","name":"cbr0","type":"flannel"})");
  }

  std::vector<std::string> arguments() const {
    return {"--cni-conf-dir=" + net().string(),
            "--multus-autoconfig-dir=" + net().string(),
            "--cni-bin-dir=" + (root_ / "bin").string(),
            "--multus-bin-file=" + (root_ / "source").string(),
            "--token-file=" + (root_ / "sa/token").string(),
            "--ca-file=" + (root_ / "sa/ca.crt").string(),
            "--api-server=https://10.96.0.1:443"};
  }

  // What may become of a node; each is followed by a few hundred turns, and then healed.
  std::vector<std::function<void()>> troubles() {
    return {[] {},
            [&] { put(root_ / "sa/token", "another-token"); },
            [&] { put(root_ / "sa/token", "no token\n\n at all"); },
            [&] { fs::remove(root_ / "sa/token"); },
            [&] { put(net() / "10-flannel.conf", R"({"cniVersion":"1.0.0","name":"cbr0","type":"calico"})"); },
            [&] { put(net() / "10-flannel.conf", R"({"cniVersion":)"); },
            [&] { fs::remove(net() / "10-flannel.conf"); },
            [&] { fs::remove_all(net() / "multus.d"); },
            [&] { put(net() / "00-multus.conf", "x"); },
            [&] { fs::remove(root_ / "bin/multus"); }};
  }

  // Every trouble once, `turns` turns in all.
  void live(Entrypoint& entrypoint, int turns) {
    const auto all = troubles();
    const int share = turns / static_cast<int>(2 * all.size());
    for (const auto& trouble : all) {
      trouble();
      for (int i = 0; i < share; ++i) ASSERT_FALSE(entrypoint.turn().exit);
      heal();
      for (int i = 0; i < share; ++i) ASSERT_FALSE(entrypoint.turn().exit);
    }
  }

  fs::path root_;
  int out_ = -1;
  int error_ = -1;
};

TEST_F(SoakTest, ManyTurnsLeakNoByteAndNoDescriptor) {
  auto options = parse_options(arguments(), {});
  ASSERT_TRUE(options) << options.error().message;
  PosixHost host;
  Entrypoint entrypoint(host, std::move(*options));
  live(entrypoint, kTurns / 10);  // what is allocated once is allocated now
  const auto bytes = live_bytes.load();
  const auto descriptors = open_descriptors();
  ASSERT_GT(bytes, 0);
  live(entrypoint, kTurns);
  EXPECT_LE(live_bytes.load() - bytes, kSlack);
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_TRUE(fs::exists(kubeconfig()));
}

}  // namespace
}  // namespace reference
