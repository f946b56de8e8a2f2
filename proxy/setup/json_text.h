#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// Where the parts of a JSON object are in its text, as offsets.
struct JsonObject {
  struct Member {
    std::size_t key = 0;        ///< its opening quote
    std::size_t key_end = 0;    ///< behind its closing quote
    std::size_t value = 0;      ///< its first byte
    std::size_t value_end = 0;  ///< behind its last byte
  };
  std::size_t open = 0;  ///< '{'
  std::vector<Member> members;
};

/// Behind the white space (RFC 8259 section 2) at `at`.
std::size_t skip_json_space(std::string_view text, std::size_t at);

/// `text` is JSON that Json::parse() takes, with an object at `at`.
JsonObject read_json_object(std::string_view text, std::size_t at);

/// The index of the member `name`; the number of members if there is none.
std::size_t find_json_member(std::string_view text, const JsonObject& object,
                             std::string_view name);

/// The bytes of a value.
inline std::string_view json_value(std::string_view text, const JsonObject::Member& member) {
  return text.substr(member.value, member.value_end - member.value);
}

/// From 1.
std::size_t line_of(std::string_view text, std::size_t at);

}  // namespace culvert
