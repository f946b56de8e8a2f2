#include "base/json.h"

#include <jansson.h>

#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/text.h"

namespace culvert {
namespace {

/// Without the text that jansson quotes, which may be a secret.
Error parse_error(const json_error_t& error) {
  const std::string_view text = error.text;
  return {Errc::proxy_internal_error, Side::local, 0,
          fmt::format("line {}, column {}: {}", error.line, error.column,
                      printable(text.substr(0, text.find(" near ")), 120))};
}

json_t* make_string(std::string_view text) {
  if (json_t* value = json_stringn(text.data(), text.size())) return value;
  std::string ascii(text);
  for (char& c : ascii) {
    if ((static_cast<unsigned char>(c) & 0x80U) != 0) c = '?';
  }
  return json_stringn(ascii.data(), ascii.size());
}

}  // namespace

Json::Json() : value_(json_null()) {}
Json::Json(std::string_view text) : value_(make_string(text)) {}
Json::Json(bool value) : value_(json_boolean(value)) {}
Json::Json(std::int64_t value) : value_(json_integer(value)) {}
Json::Json(double value) : value_(json_real(value)) {}
Json Json::object() { return Json(json_object()); }
Json Json::array() { return Json(json_array()); }
Json::Json(const Json& other) : value_(json_incref(other.value_)) {}
Json::~Json() { json_decref(value_); }

Result<Json> Json::parse(std::string_view text) {
  json_error_t error;
  json_t* value = json_loadb(text.data(), text.size(),
                             JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
  if (value == nullptr) return parse_error(error);
  return Json(value);
}

bool Json::is_object() const { return json_is_object(value_); }
bool Json::is_array() const { return json_is_array(value_); }
bool Json::is_string() const { return json_is_string(value_); }

Json Json::at(std::string_view name) const {
  json_t* member = json_object_get(value_, std::string(name).c_str());
  return member == nullptr ? Json() : Json(json_incref(member));
}

bool Json::has(std::string_view name) const {
  return json_object_get(value_, std::string(name).c_str()) != nullptr;
}

std::vector<std::string> Json::names() const {
  std::vector<std::string> names;
  for (void* i = json_object_iter(value_); i != nullptr; i = json_object_iter_next(value_, i)) {
    names.emplace_back(json_object_iter_key(i));
  }
  return names;
}

std::vector<Json> Json::elements() const {
  std::vector<Json> elements;
  for (std::size_t i = 0; i < json_array_size(value_); ++i) {
    elements.push_back(Json(json_incref(json_array_get(value_, i))));
  }
  return elements;
}

std::optional<std::string> Json::text() const {
  if (!is_string()) return std::nullopt;
  return std::string(json_string_value(value_), json_string_length(value_));
}

std::optional<std::int64_t> Json::integer() const {
  if (json_is_integer(value_)) return json_integer_value(value_);
  if (!json_is_real(value_)) return std::nullopt;
  const double real = json_real_value(value_);
  constexpr double kBeyond = 9'223'372'036'854'775'808.0;  // 2^63
  if (!(real >= -kBeyond && real < kBeyond)) return std::nullopt;
  return static_cast<std::int64_t>(real);
}

Json& Json::set(std::string_view name, const Json& value) {
  json_object_set(value_, std::string(name).c_str(), value.value_);
  return *this;
}

Json& Json::append(const Json& value) {
  json_array_append(value_, value.value_);
  return *this;
}

std::string Json::dump(std::size_t indent) const {
  const std::unique_ptr<char, void (*)(void*)> text(
      json_dumps(value_, JSON_INDENT(indent) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)),
      [](void* bytes) { std::free(bytes); });
  return text ? text.get() : "null";
}

std::string_view jansson_version() { return jansson_version_str(); }

}  // namespace culvert
