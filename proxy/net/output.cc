#include "net/output.h"

#include "base/text.h"

namespace culvert {

Io write_rest(Stream& stream, std::string_view bytes, std::size_t& written) {
  while (written < bytes.size()) {
    const Io io = stream.try_write(bytes.substr(written));
    if (io.status != Io::Status::ok) return io;
    written += io.bytes;
  }
  return Io::ok(0);
}

Io Output::write_to(Stream& stream) {
  const Io io = write_rest(stream, bytes_, written_);
  if (io.status == Io::Status::ok) clear();
  return io;
}

void Output::clear_keeping(std::size_t room) {
  culvert::clear_keeping(bytes_, room);
  written_ = 0;
}

}  // namespace culvert
