#include "codec/upgrade.h"

#include "base/text.h"
#include "codec/field_list.h"

namespace culvert {
namespace {

bool may_follow(std::string_view protocol) {
  const std::string_view name = protocol.substr(0, protocol.find('/'));
  return !name.empty() && !iequals(name, "h2c") && !iequals(name, "h2") && !iequals(name, "http");
}

}  // namespace

bool has_upgrade(const MessageHead& head) {
  bool found = false;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, "upgrade")) continue;
    each_element(field.value, [&](std::string_view p) { found = found || may_follow(p); });
  }
  return found;
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
