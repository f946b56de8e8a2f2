#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace culvert {

/// The names of those `--upstream` that had problems of their own.  A reference to one of them is
/// not a further mistake.
class BrokenUpstreams {
 public:
  /// `name` is empty if even that could not be read.
  void add(std::string name) { names_.push_back(std::move(name)); }
  bool empty() const { return names_.empty(); }
  /// Whether `name` may be one of them.  An upstream without a name is referred to by its URL.
  bool may_be(std::string_view name) const {
    return std::any_of(names_.begin(), names_.end(), [&](const std::string& broken) {
      return broken == name || (broken.empty() && name.find("://") != std::string_view::npos);
    });
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace culvert
