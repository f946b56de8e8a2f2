#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace culvert {

/// A value that must never be shown: it has no operator<<, no formatter and no implicit conversion,
/// and wipes its bytes when destroyed.  reveal() is for the code that sends it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

/// User and password for an upstream proxy.
struct Credentials {
  std::string user;
  Secret password;
};

/// Overwrites `bytes`, even if nobody reads them any more.
void wipe(std::span<char> bytes) noexcept;

/// What follows "Basic " in an Authorization field (RFC 7617 section 2).
Secret basic_token(const Credentials& credentials);

}  // namespace culvert
