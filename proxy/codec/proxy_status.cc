#include "codec/proxy_status.h"

#include "base/text.h"
#include "codec/field_list.h"

namespace culvert {
namespace {

/// A bare item (RFC 8941 section 3.3) as text: a string without its quotes, others as they are.
std::string text_of_item(std::string_view item) {
  if (!item.starts_with('"')) return std::string(item);
  std::string text;
  for (std::size_t i = 1; i < item.size() && item[i] != '"'; ++i) {
    if (item[i] == '\\' && i + 1 < item.size()) ++i;
    text += item[i];
  }
  return text;
}

/// A member of the list: one proxy, and what it reports in its parameters.
std::string error_in_member(std::string_view member) {
  const std::string proxy = text_of_item(cut_part(member, ';'));
  std::string error;
  std::string more;
  while (!member.empty()) {
    const std::string_view parameter = cut_part(member, ';');
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = parameter.substr(0, equals);
    const std::string text = text_of_item(parameter.substr(equals + 1));
    if (text.empty()) continue;
    if (key == "error") error = text;
    if (key == "rcode" || key == "alert-message" || key == "details") more += ", " + text;
  }
  if (error.empty()) return {};
  return (proxy.empty() ? "" : proxy + ": ") + error + more;
}

}  // namespace

std::string error_in_proxy_status(std::string_view value) {
  // Each proxy on the way back appends itself.
  while (!value.empty()) {
    std::string error = error_in_member(cut_part(value, ','));
    if (!error.empty()) return error;
  }
  return {};
}

}  // namespace culvert
