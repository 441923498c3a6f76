// Objects: the few API objects that the simulated cluster keeps: Pods, network-attachment-definitions, and what a test adds.
//
// JSON documents by resource, name space and name, with the resourceVersion that every change raises. Bodies of PATCH come from clients and
// are untrusted: capped, parsed, refused with an HTTP status and a reason. Not thread-safe; ControlPlane guards it.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entryproof::cluster {

// Why a request is not served: what the API server's Status says. No token bytes.
struct Refusal {
  int status = 0;      // HTTP: 400, 401, 403, 404, 409, 413, 415, 422
  std::string reason;  // in words
};

// Which object. `resource` is the plural of the URL: "pods", "network-attachment-definitions".
struct ObjectKey {
  std::string resource;
  std::string name_space;
  std::string name;
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

class Objects {
 public:
  static constexpr std::size_t kMaximumBody = 1 << 20;  // bytes of one document

  Objects();
  ~Objects();
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  // Creates or replaces. The document must be a JSON object; its metadata gets name, namespace and resourceVersion.
  std::expected<void, Refusal> put(const ObjectKey& key, std::string_view json);
  bool erase(const ObjectKey& key);
  // The document as JSON, nullopt if there is none.
  std::optional<std::string> get(const ObjectKey& key) const;
  // All of a resource, in a name space or ("") everywhere, by name.
  std::vector<std::string> list(std::string_view resource, std::string_view name_space) const;

  // PATCH as the content type says: application/merge-patch+json, application/json-patch+json, or application/strategic-merge-patch+json,
  // which is taken for a merge patch (lists are replaced, not merged). Of `subresource` "status" the spec stays as it was. Gives the new
  // document. Name, name space and uid cannot be patched.
  std::expected<std::string, Refusal> patch(const ObjectKey& key, std::string_view subresource, std::string_view content_type,
                                            std::string_view body);

  std::uint64_t resource_version() const { return version_; }

 private:
  struct Document;
  void stamp(const ObjectKey& key, Document& document);

  std::map<ObjectKey, std::unique_ptr<Document>> documents_;
  std::uint64_t version_ = 1;
};

}  // namespace entryproof::cluster
