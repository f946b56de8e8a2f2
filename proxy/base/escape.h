#pragma once

#include <iterator>
#include <string>

#include <fmt/format.h>

namespace culvert {

/// What stands for a byte that cannot stand as it is in a line of the log: "\n", "\"" or "\x1b".
inline void append_escape(std::string& out, char byte) {
  out += '\\';
  if (byte == '\n') {
    out += 'n';
  } else if (byte == '\r') {
    out += 'r';
  } else if (byte == '\t') {
    out += 't';
  } else if (byte == '\\' || byte == '"') {
    out += byte;
  } else {
    fmt::format_to(std::back_inserter(out), "x{:02x}", static_cast<unsigned char>(byte));
  }
}

}  // namespace culvert
