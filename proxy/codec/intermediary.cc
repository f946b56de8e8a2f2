#include "codec/intermediary.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"
#include "codec/field_list.h"
#include "codec/octets.h"

namespace culvert {
namespace {

bool is_credential(std::string_view name) {
  return iequals(name, "authorization") || iequals(name, "proxy-authorization") ||
         iequals(name, "cookie");
}

}  // namespace

void append_field(std::string_view name, std::string_view value, std::string& out) {
  append_all(out, {name, ": ", value, kCrlf});
}

bool passed_through(const MessageHead& head, std::string_view pseudonym) {
  bool found = false;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, "via")) continue;
    each_element(field.value, [&](std::string_view element) {
      // [ protocol-name "/" ] protocol-version RWS received-by [ RWS comment ]
      const std::string_view rest =
          trim(element.substr(std::min(element.find_first_of(" \t"), element.size())));
      found = found || iequals(rest.substr(0, rest.find_first_of(" \t")), pseudonym);
    });
  }
  return found;
}

void append_via(int minor, std::string_view pseudonym, std::string& out) {
  append_all(out, {minor == 0 ? "Via: 1.0 " : "Via: 1.1 ", pseudonym, kCrlf});
}

Result<bool> expects_continue(const RequestHead& head) {
  bool expects = false;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, "expect")) continue;
    if (!iequals(field.value, "100-continue")) {
      return Error{.code = Errc::expectation_failed,
                   .side = Side::client,
                   .sys = 0,
                   .text = "the request expects something else than 100-continue"};
    }
    expects = head.minor >= 1;  // RFC 9110 section 10.1.1: ignored in HTTP/1.0
  }
  return expects;
}

std::optional<std::uint32_t> max_forwards(const RequestHead& head) {
  if (head.method != "TRACE" && head.method != "OPTIONS") return std::nullopt;
  const Field* field = head.find("max-forwards");
  if (field == nullptr) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = field->value.data() + field->value.size();
  const auto [stop, error] = std::from_chars(field->value.data(), end, value);
  if (stop != end || field->value.empty()) return std::nullopt;
  // A number that overflows is more than any chain of proxies.
  if (error != std::errc{}) return std::numeric_limits<std::uint32_t>::max();
  return value;
}

void append_trace_body(const RequestHead& head, std::string& out) {
  out.append(head.method).append(" ").append(head.target);
  out += head.minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
  for (const Field& field : head.fields) {
    if (is_credential(field.name)) continue;
    append_field(field.name, field.value, out);
  }
  out += "\r\n";
}

}  // namespace culvert
