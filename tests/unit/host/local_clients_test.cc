#include "host/local_clients.h"

#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

const std::string kHead =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

}  // namespace

TEST_CASE("a client is a connection to the port that a program still has") {
  // Port 3128 is 0C38.
  const std::string listener =
      "   0: 0100007F:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "4711 1 0000000000000000 100 0 0 10 0\n";
  const std::string our_end =
      "   1: 0100007F:0C38 0100007F:D431 08 00000000:00000000 00:00000000 00000000     0        0 "
      "4712 1 0000000000000000 20 4 30 10 -1\n";
  const std::string closed =
      "   2: 0100007F:D431 0100007F:0C38 05 00000000:00000000 00:00000000 00000000     0        0 "
      "0 1 0000000000000000 20 4 30 10 -1\n";
  const std::string open =
      "   3: 0100007F:D432 0100007F:0C38 01 00000000:00000000 02:00000000 00000000     0        0 "
      "4713 2 0000000000000000 20 4 30 10 -1\n";
  const std::string of_ipv6 =
      "   0: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF00000100007F:0C38 01 "
      "00000000:00000000 02:00000000 00000000     0        0 4713 2 0000000000000000 20 4 30 10 "
      "-1\n";
  CHECK_FALSE(table_has_client("", 3128));
  CHECK_FALSE(table_has_client(kHead + listener + our_end + closed, 3128));
  CHECK(table_has_client(kHead + listener + our_end + closed + open, 3128));
  CHECK(table_has_client(kHead + open + listener, 3128));
  CHECK(table_has_client(kHead + of_ipv6, 3128));
  CHECK_FALSE(table_has_client(kHead + open, 3129));
}

TEST_CASE("lines that are cut short are nobody's") {
  CHECK_FALSE(table_has_client("   3: 0100007F:D432 0100007F:0C38 01", 3128));
  CHECK_FALSE(table_has_client("\n\n: : :\n", 0));
}
