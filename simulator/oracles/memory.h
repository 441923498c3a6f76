// Memory: what the last texts were found to say, by their bytes; bounded, and forgotten as a whole when it is full.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace entryproof::oracles {

template <class Facts>
class Memory {
 public:
  explicit Memory(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // What is known of the text, or what `find_out()` says of it from now on.
  template <class FindOut>
  std::shared_ptr<const Facts> recall(std::string_view text, const FindOut& find_out) {
    if (const auto found = known_.find(text); found != known_.end()) return found->second;
    auto facts = std::make_shared<const Facts>(find_out());
    if (bytes_ + text.size() > bytes_max_) {
      known_.clear();
      bytes_ = 0;
    }
    bytes_ += text.size();
    known_.emplace(text, facts);
    return facts;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, std::shared_ptr<const Facts>, Hash, std::equal_to<>> known_;
};

}  // namespace entryproof::oracles
