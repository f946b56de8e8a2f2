#include "net/server_names.h"

#include "base/text.h"

namespace culvert {
namespace {

/// As names are compared: a final dot, which SNI does not have, says nothing.
std::string plain_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return to_lower(name);
}

}  // namespace

void ServerNames::add(std::string_view name, std::size_t certificate) {
  certificates_.try_emplace(plain_name(name), certificate);
}

std::optional<std::size_t> ServerNames::find(std::string_view name) const {
  const std::string wanted = plain_name(name);
  if (wanted.starts_with('*')) return std::nullopt;
  if (const auto exact = certificates_.find(wanted); exact != certificates_.end()) {
    return exact->second;
  }
  const std::size_t dot = wanted.find('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const auto wildcard = certificates_.find("*" + wanted.substr(dot));
  if (wildcard == certificates_.end()) return std::nullopt;
  return wildcard->second;
}

}  // namespace culvert
