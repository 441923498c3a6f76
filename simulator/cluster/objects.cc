#include "simulator/cluster/objects.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace entryproof::cluster {
namespace {

using Json = nlohmann::json;

std::unexpected<Refusal> refuse(int status, std::string reason) { return std::unexpected(Refusal{status, std::move(reason)}); }

// The exceptions of the library end here: a JSON Patch may fail in many ways.
std::expected<Json, Refusal> patched(const Json& before, std::string_view content_type, const Json& change) try {
  if (content_type == "application/json-patch+json") return before.patch(change);
  if (content_type != "application/merge-patch+json" && content_type != "application/strategic-merge-patch+json")
    return refuse(415, "the body of the request was in an unknown format");
  if (!change.is_object()) return refuse(400, "the patch is not an object");
  Json after = before;
  after.merge_patch(change);
  return after;
} catch (const Json::exception&) {
  return refuse(422, "the patch cannot be applied");
}

// Deeper nesting than any object has; the library copies and destroys documents by recursion.
constexpr int kMaximumDepth = 64;

std::optional<Json> parse(std::string_view text) {
  int deepest = 0;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    deepest = std::max(deepest, depth);
    return depth <= kMaximumDepth;
  };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded() || deepest > kMaximumDepth) return std::nullopt;
  return json;
}

}  // namespace

struct Objects::Document {
  Json json;
};

Objects::Objects() = default;
Objects::~Objects() = default;

void Objects::stamp(const ObjectKey& key, Document& document) {
  auto& metadata = document.json["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata["name"] = key.name;
  if (!key.name_space.empty()) metadata["namespace"] = key.name_space;
  metadata["resourceVersion"] = std::to_string(++version_);
}

std::expected<void, Refusal> Objects::put(const ObjectKey& key, std::string_view json) {
  if (json.size() > kMaximumBody) return refuse(413, "the document is too large");
  auto parsed = parse(json);
  if (!parsed || !parsed->is_object()) return refuse(400, "the document is not a JSON object");
  auto document = std::make_unique<Document>(std::move(*parsed));
  stamp(key, *document);
  documents_[key] = std::move(document);
  return {};
}

bool Objects::erase(const ObjectKey& key) {
  if (documents_.erase(key) == 0) return false;
  ++version_;
  return true;
}

std::optional<std::string> Objects::get(const ObjectKey& key) const {
  const auto found = documents_.find(key);
  if (found == documents_.end()) return std::nullopt;
  return found->second->json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> Objects::list(std::string_view resource, std::string_view name_space) const {
  std::vector<std::string> all;
  for (const auto& [key, document] : documents_) {
    if (key.resource == resource && (name_space.empty() || key.name_space == name_space))
      all.push_back(document->json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return all;
}

std::expected<std::string, Refusal> Objects::patch(const ObjectKey& key, std::string_view subresource, std::string_view content_type,
                                                   std::string_view body) {
  if (body.size() > kMaximumBody) return refuse(413, "the patch is too large");
  const auto found = documents_.find(key);
  if (found == documents_.end()) return refuse(404, fmt::format("{} \"{}\" not found", key.resource, key.name));
  const auto change = parse(body);
  if (!change) return refuse(400, "the patch is not JSON");
  const Json& before = found->second->json;
  auto after = patched(before, content_type, *change);
  if (!after) return std::unexpected(after.error());
  if (!after->is_object()) return refuse(422, "the patch leaves no object");
  if (subresource == "status") {
    after->erase("spec");
    if (before.contains("spec")) (*after)["spec"] = before["spec"];
  }
  Document next{std::move(*after)};
  stamp(key, next);
  const auto uid = Json::json_pointer("/metadata/uid");
  if (before.contains(uid)) next.json[uid] = before[uid];
  if (next.json.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMaximumBody)
    return refuse(413, "the object would be too large");
  *found->second = std::move(next);
  return *get(key);
}

}  // namespace entryproof::cluster
