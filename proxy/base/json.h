#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

struct json_t;

namespace culvert {

/// A JSON value (RFC 8259).  Copies share one value.  Objects keep the order of their members.
class Json {
 public:
  Json();                       ///< null
  Json(std::string_view text);  ///< bytes that are not UTF-8 become '?'
  Json(const char* text) : Json(std::string_view(text)) {}
  Json(const std::string& text) : Json(std::string_view(text)) {}
  Json(bool value);
  Json(std::int64_t value);
  Json(double value);
  static Json object();
  static Json array();

  Json(const Json& other);
  Json(Json&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  Json& operator=(Json other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Json();

  /// Reads one value.  An object that has a name twice is an error, as what it means is uncertain.
  /// The error's text is a clause: "line 3, column 7: '}' expected".  It repeats nothing of the
  /// text.
  static Result<Json> parse(std::string_view text);

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;

  /// The member of an object; null if this is no object, or has no such member.
  Json at(std::string_view name) const;
  bool has(std::string_view name) const;
  /// The members' names; empty if this is no object.
  std::vector<std::string> names() const;
  /// The elements of an array; empty if this is none.
  std::vector<Json> elements() const;
  /// nullopt if this is no string.
  std::optional<std::string> text() const;
  /// nullopt if this is no number.  A fraction is cut off.
  std::optional<std::int64_t> integer() const;

  /// Adds or replaces a member of this object.  Returns this.
  Json& set(std::string_view name, const Json& value);
  /// Adds an element to this array.  Returns this.
  Json& append(const Json& value);

  /// With `indent` spaces a level, or in one line if that is 0.
  std::string dump(std::size_t indent = 0) const;

 private:
  explicit Json(json_t* owned) : value_(owned) {}

  json_t* value_;  // a reference of ours; never nullptr, but in what was moved from
};

/// Of the library, as "2.14".
std::string_view jansson_version();

}  // namespace culvert
