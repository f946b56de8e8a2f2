#pragma once

#include <string_view>
#include <vector>

namespace culvert {

/// A line of /proc/net/tcp or tcp6 (proc(5)), as it stands there: addresses as "0100007F:0C38", the
/// state as "0A", the inode as a decimal number, "0" for a socket that no program has any more.
struct SocketRow {
  std::string_view local, remote, state, inode;
};

/// Of the text of such a file, into which they point; lines that have too few columns, and the
/// title, are left out.
std::vector<SocketRow> socket_rows(std::string_view table);

}  // namespace culvert
