#include "session/upstream_connection.h"

#include <array>

namespace culvert {

bool UpstreamConnection::leads_to(const HostPort& wanted, bool upgrade) const {
  if (!stream) return false;
  return to_proxy ? !upgrade : target == wanted;
}

bool UpstreamConnection::quiet() const {
  std::array<char, 1> unasked;
  return stream->try_read(unasked).status == Io::Status::would_block;
}

}  // namespace culvert
