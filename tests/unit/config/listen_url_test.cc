// What clients write to reach a listener.
#include "config/listen_url.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a listener for nothing but TLS is written with https://") {
  ListenConfig listen;
  CHECK(as_clients_write(listen, "http://127.0.0.1:3128") == "http://127.0.0.1:3128");
  listen.speaks = ListenConfig::Speaks::tls_only;
  CHECK(as_clients_write(listen, "http://127.0.0.1:3128") == "https://127.0.0.1:3128");
  CHECK(as_clients_write(listen, "unix:/run/culvert") == "unix:/run/culvert");
}

TEST_CASE("a message names a listener by the scheme that it was given with") {
  ListenConfig listen;
  listen.address = {"127.0.0.1", 3128, IpAddress::parse("127.0.0.1")};
  CHECK(listen_url(listen) == "http://127.0.0.1:3128");
  listen.speaks = ListenConfig::Speaks::tls_only;
  CHECK(listen_url(listen) == "https://127.0.0.1:3128");
  listen.speaks = ListenConfig::Speaks::http_only;
  CHECK(listen_url(listen) == "http-only://127.0.0.1:3128");
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/culvert";
  CHECK(listen_url(listen) == "unix:/run/culvert");
}

TEST_CASE("a URL of a listener that speaks TLS is told by its scheme") {
  CHECK(is_https_url("https://127.0.0.1:3128"));
  CHECK_FALSE(is_https_url("http://127.0.0.1:3128"));
  CHECK_FALSE(is_https_url("http-only://127.0.0.1:3128"));
  CHECK_FALSE(is_https_url(""));
}
