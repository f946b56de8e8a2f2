#include "net/stream.h"

#include <cerrno>

namespace culvert {

Io Stream::splice_to(Pipe&, std::size_t) { return Io::failed(ENOSYS); }
Io Stream::splice_from(Pipe&) { return Io::failed(ENOSYS); }

}  // namespace culvert
