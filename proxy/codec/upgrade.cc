#include "codec/upgrade.h"

#include "base/text.h"
#include "codec/field_list.h"

namespace culvert {
namespace {

bool may_follow(std::string_view protocol) {
  const std::string_view name = protocol.substr(0, protocol.find('/'));
  return !name.empty() && !iequals(name, "h2c") && !iequals(name, "h2") && !iequals(name, "http");
}

template <typename Handle>
void each_protocol(const MessageHead& head, Handle handle) {
  for (const Field& field : head.fields) {
    if (iequals(field.name, "upgrade")) each_element(field.value, handle);
  }
}

}  // namespace

bool has_upgrade(const MessageHead& head) {
  bool found = false;
  each_protocol(head, [&](std::string_view p) { found = found || may_follow(p); });
  return found;
}

bool switches_as_offered(const ResponseHead& response, const RequestHead& request) {
  bool switches = false;
  bool as_offered = true;
  each_protocol(response, [&](std::string_view protocol) {
    bool offered = false;
    each_protocol(request, [&](std::string_view p) { offered = offered || iequals(p, protocol); });
    switches = true;
    as_offered = as_offered && offered && may_follow(protocol);
  });
  return switches && as_offered;
}

bool wants_upgrade(const RequestHead& head, const ConnectionOptions& options) {
  return head.minor >= 1 && options.upgrade() && has_upgrade(head);
}

void append_upgrade(std::string_view value, std::string& out) {
  bool begun = false;
  each_element(value, [&](std::string_view protocol) {
    if (!may_follow(protocol)) return;
    out.append(begun ? ", " : "Upgrade: ").append(protocol);
    begun = true;
  });
  if (begun) out += "\r\n";
}

}  // namespace culvert
