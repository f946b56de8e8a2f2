#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace culvert {

/// What the access log tells of a tunnel or a plain request, in its order.  proxy/manual/status.md
/// has a table of their meanings.
enum class AccessField : std::uint8_t {
  id,
  client,
  uid,
  pid,
  balancer,
  user,
  method,
  target,
  upstream,
  balance,
  outcome,
  stage,
  status,
  bytes_up,
  bytes_down,
  connect_ms,
  first_byte_ms,
  total_ms,
  closed_by,
  detail,
};

/// Their names in text and in JSON; in the journal CULVERT_ and the same in capitals.
inline constexpr auto kAccessFields = std::to_array<std::string_view>(
    {"id",         "client",     "uid",           "pid",      "balancer",  "user",   "method",
     "target",     "upstream",   "balance",       "outcome",  "stage",     "status", "bytes_up",
     "bytes_down", "connect_ms", "first_byte_ms", "total_ms", "closed_by", "detail"});
static_assert(kAccessFields.size() == static_cast<std::size_t>(AccessField::detail) + 1);

constexpr std::string_view name_of(AccessField field) {
  return kAccessFields[static_cast<std::size_t>(field)];
}

}  // namespace culvert
