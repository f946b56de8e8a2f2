#include "host/socket_table.h"

#include <cstddef>

#include "base/text.h"

namespace culvert {
namespace {

// The columns; some belong together and are parted by ':'.
constexpr std::size_t kLocal = 1;
constexpr std::size_t kRemote = 2;
constexpr std::size_t kState = 3;
constexpr std::size_t kInode = 9;

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> columns;
  for (const std::string_view word : split(line, ' ')) {
    if (!word.empty()) columns.push_back(word);
  }
  return columns;
}

}  // namespace

std::vector<SocketRow> socket_rows(std::string_view table) {
  std::vector<SocketRow> rows;
  for (const std::string_view line : split(table, '\n')) {
    const auto columns = columns_of(line);
    if (columns.size() <= kInode || columns[0] == "sl") continue;
    rows.push_back({columns[kLocal], columns[kRemote], columns[kState], columns[kInode]});
  }
  return rows;
}

}  // namespace culvert
