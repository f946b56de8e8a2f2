#include "config/config.h"

#include <fmt/format.h>

#include "base/duration.h"

namespace culvert {

std::string ListenConfig::to_string() const {
  if (kind == Kind::unix_socket) return "unix:" + path;
  if (kind == Kind::systemd) return name.empty() ? "systemd" : "systemd:" + name;
  return "http://" + address.to_string();
}

std::string StallLimit::describe() const {
  const std::string what =
      rate == 0 ? std::string("nothing") : fmt::format("less than {} bytes a second", rate);
  return fmt::format("{} moved for {}", what, format_seconds(time));
}

}  // namespace culvert
