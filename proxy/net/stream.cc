#include "net/stream.h"

#include <array>
#include <cerrno>

namespace culvert {

Io Stream::splice_to(Pipe&, std::size_t) { return Io::failed(ENOSYS); }
Io Stream::splice_from(Pipe&) { return Io::failed(ENOSYS); }

bool is_quiet(Stream& stream) {
  std::array<char, 1> unasked;
  return stream.try_read(unasked).status == Io::Status::would_block;
}

}  // namespace culvert
