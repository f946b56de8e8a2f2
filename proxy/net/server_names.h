#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// Which of several certificates is for the name that a client asks for (SNI, RFC 6066 section 3).
class ServerNames {
 public:
  /// A certificate's name: "proxy.example", or "*.example" for one label more (RFC 6125 section
  /// 6.4.3).  Of several certificates for one name the first counts.
  void add(std::string_view name, std::size_t certificate);
  /// An exact name before a wildcard; nullopt: none is for that name.
  std::optional<std::size_t> find(std::string_view name) const;

 private:
  std::map<std::string, std::size_t, std::less<>> certificates_;
};

}  // namespace culvert
