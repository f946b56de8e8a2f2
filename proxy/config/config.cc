#include "config/config.h"

namespace culvert {

std::string ListenConfig::to_string() const {
  if (kind == Kind::unix_socket) return "unix:" + path;
  return "http://" + address.to_string();
}

}  // namespace culvert
