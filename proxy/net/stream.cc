#include "net/stream.h"

#include <array>
#include <cerrno>
#include <system_error>

namespace culvert {

Io Stream::splice_to(Pipe&, std::size_t) { return Io::failed(ENOSYS); }
Io Stream::splice_from(Pipe&) { return Io::failed(ENOSYS); }

std::string describe_failure(int error) {
  return error == EPROTO ? "the TLS connection broke" : std::generic_category().message(error);
}

bool is_reset(int error) { return error == ECONNRESET || error == EPIPE; }

bool is_quiet(Stream& stream) {
  std::array<char, 1> unasked;
  return stream.try_read(unasked).status == Io::Status::would_block;
}

}  // namespace culvert
