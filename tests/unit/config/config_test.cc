#include "config/config.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a listener as text") {
  ListenConfig listen;
  listen.address = *HostPort::parse("[::1]:3128");
  CHECK(listen.to_string() == "http://[::1]:3128");
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/culvert.sock";
  CHECK(listen.to_string() == "unix:/run/culvert.sock");
  listen.kind = ListenConfig::Kind::systemd;
  CHECK(listen.to_string() == "systemd");
  listen.name = "web";
  CHECK(listen.to_string() == "systemd:web");
}

TEST_CASE("a stall is described by what is too little for too long") {
  CHECK(StallLimit{.time = std::chrono::seconds(30)}.describe() == "nothing moved for 30.0 s");
  CHECK(StallLimit{.time = std::chrono::minutes(1), .rate = 4096}.describe() ==
        "less than 4096 bytes a second moved for 60.0 s");
}
