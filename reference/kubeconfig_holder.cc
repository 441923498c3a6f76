#include "reference/kubeconfig_holder.h"

#include <sys/stat.h>

#include <cerrno>

#include "reference/files.h"
#include "reference/kubeconfig.h"

namespace reference {
namespace {

constexpr std::size_t kCap = 4 * 1024 * 1024;  // certificates may be long

}  // namespace

Result<Holder> find_holder(Host& host, const std::string& kubeconfig, std::string_view desired) {
  const auto status = host.lstat(kubeconfig);
  if (!status && (status.error() == Errno{ENOENT} || status.error() == Errno{ENOTDIR})) return Holder::kNobody;
  if (!status) return std::unexpected(system_problem("look at", kubeconfig, status.error(), kExitNoInput));
  if (!S_ISREG(status->mode) && !S_ISLNK(status->mode)) return Holder::kNobody;
  const auto content = read_file(host, kubeconfig, kCap);
  if (!content && S_ISLNK(status->mode)) {
    return refuse(kExitNoInput, "the kubeconfig " + kubeconfig + " is a link that leads to no file here; " + content.error().text);
  }
  if (!content) return std::unexpected(content.error());
  if (content->bytes.empty()) return Holder::kNobody;
  const bool ours = is_generated_kubeconfig(content->bytes) || desired.starts_with(content->bytes);
  return ours ? Holder::kUs : Holder::kSomebody;
}

}  // namespace reference
