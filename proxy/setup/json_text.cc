#include "setup/json_text.h"

#include <algorithm>

#include "base/json.h"

namespace culvert {
namespace {

std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

/// An object or an array, without recursion.
std::size_t skip_nested(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  const char first = at < text.size() ? text[at] : '\0';
  if (first == '"') return skip_string(text, at);
  if (first == '{' || first == '[') return skip_nested(text, at);
  return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
}

/// Behind `c`, which follows after white space; where it should be if it does not.
std::size_t skip_sign(std::string_view text, std::size_t at, char c) {
  at = skip_json_space(text, at);
  return at < text.size() && text[at] == c ? at + 1 : at;
}

}  // namespace

std::size_t skip_json_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

JsonObject read_json_object(std::string_view text, std::size_t at) {
  JsonObject object{.open = at, .members = {}};
  at = skip_json_space(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    JsonObject::Member member;
    member.key = at;
    member.key_end = skip_string(text, at);
    member.value = skip_json_space(text, skip_sign(text, member.key_end, ':'));
    member.value_end = skip_value(text, member.value);
    object.members.push_back(member);
    at = skip_json_space(text, skip_sign(text, member.value_end, ','));
  }
  return object;
}

std::size_t find_json_member(std::string_view text, const JsonObject& object,
                             std::string_view name) {
  const auto has_name = [&](const JsonObject::Member& member) {
    const auto key = Json::parse(text.substr(member.key, member.key_end - member.key));
    return key && key->text() == name;
  };
  const auto found = std::find_if(object.members.begin(), object.members.end(), has_name);
  return static_cast<std::size_t>(found - object.members.begin());
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace culvert
