#include "host/socket_table.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("the rows of a table of sockets") {
  constexpr std::string_view kTable =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:0C38\n"
      "  12: 0100007F:A1B2 0100007F:0C38 06 00000000:00000000 03:00000B5C 00000000     0        0 "
      "0";
  const auto rows = socket_rows(kTable);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].local == "0100007F:0C38");
  CHECK(rows[0].remote == "00000000:0000");
  CHECK(rows[0].state == "0A");
  CHECK(rows[0].inode == "4711");
  CHECK(rows[1].local == "0100007F:A1B2");
  CHECK(rows[1].remote == "0100007F:0C38");
  CHECK(rows[1].inode == "0");
  CHECK(socket_rows("").empty());
}
