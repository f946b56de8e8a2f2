#include "config/admin_place.h"

namespace culvert {

std::string AdminPlace::shown() const {
  return path.empty() ? (tls ? "https://" : "http://") + host.to_string() : "unix:" + path;
}

}  // namespace culvert
