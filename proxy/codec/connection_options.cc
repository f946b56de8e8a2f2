#include "codec/connection_options.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "base/text.h"
#include "codec/field_list.h"
#include "codec/octets.h"

namespace culvert {
namespace {

/// Fields that no Connection option removes.  RFC 9110 section 7.6.1: an option must not name a
/// field that is intended for all recipients of the content.
constexpr std::array<std::string_view, 10> kEndToEnd = {
    "cache-control", "content-encoding", "content-length", "content-range", "content-type",
    "date",          "expect",           "host",           "max-forwards",  "via",
};

constexpr std::size_t kMostNames = 16;
constexpr std::string_view kTooMany = "there are too many connection options";

}  // namespace

bool ConnectionOptions::names(std::string_view field_name) const {
  const auto is_name = [field_name](std::string_view name) { return iequals(name, field_name); };
  if (std::none_of(names_.begin(), names_.end(), is_name)) return false;
  return std::none_of(kEndToEnd.begin(), kEndToEnd.end(), is_name);
}

bool ConnectionOptions::gather(const MessageHead& head) {
  for (const Field& field : head.fields) {
    if (iequals(field.name, "connection")) {
      each_element(field.value, [this](std::string_view option) { add(option); });
    } else if (iequals(field.name, "proxy-connection")) {
      close_ = close_ || iequals(field.value, "close");
      keep_alive_ = keep_alive_ || iequals(field.value, "keep-alive");
    }
  }
  return names_.size() <= kMostNames;
}

void ConnectionOptions::add(std::string_view option) {
  if (iequals(option, "close")) {
    close_ = true;
  } else if (iequals(option, "keep-alive")) {
    keep_alive_ = true;
  } else if (iequals(option, "upgrade")) {
    upgrade_ = true;
  } else if (is_token(option)) {  // what is not a token cannot name a field
    if (names_.size() <= kMostNames) names_.push_back(option);
  }
}

Result<ConnectionOptions> connection_options(const RequestHead& head) {
  ConnectionOptions options;
  if (options.gather(head)) return options;
  return Error{.code = Errc::http_request_error,
               .side = Side::client,
               .sys = 0,
               .text = std::string(kTooMany)};
}

Result<ConnectionOptions> connection_options(const ResponseHead& head) {
  ConnectionOptions options;
  if (options.gather(head)) return options;
  return Error{.code = Errc::http_protocol_error,
               .side = Side::upstream,
               .sys = 0,
               .text = std::string(kTooMany)};
}

bool persists(const RequestHead& head, const ConnectionOptions& options) {
  return head.minor >= 1 && !options.close();
}

bool persists(const ResponseHead& head, const ConnectionOptions& options) {
  return !options.close() && (head.minor >= 1 || options.keep_alive());
}

}  // namespace culvert
