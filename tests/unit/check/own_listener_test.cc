#include "check/own_listener.h"

#include "support/catch.h"

using namespace culvert;

namespace {

using Kind = ListenConfig::Kind;

ListenConfig at(const std::string& address) {
  ListenConfig listen;
  listen.address = HostPort::parse(address).value();
  return listen;
}

ListenConfig of(Kind kind) {
  ListenConfig listen;
  listen.kind = kind;
  return listen;
}

std::string address_of(std::vector<ListenConfig> listens) {
  Config config;
  config.listen = std::move(listens);
  const auto address = listener_address(config);
  return address ? address->to_string() : "none";
}

}  // namespace

TEST_CASE("clients use the first address that a variable can name") {
  CHECK(address_of({}) == "127.0.0.1:3128");
  CHECK(address_of({of(Kind::unix_socket), at("192.0.2.1:8080"), at("127.0.0.1:1")}) ==
        "192.0.2.1:8080");
  CHECK(address_of({at("0.0.0.0:8080")}) == "127.0.0.1:8080");
  CHECK(address_of({of(Kind::unix_socket)}) == "none");
  CHECK(address_of({of(Kind::systemd)}) == "127.0.0.1:3128");
}

TEST_CASE("where the configuration says nothing, they use the culvert that runs") {
  Config config;
  CHECK(client_address(config, "http://127.0.0.1:4000").to_string() == "127.0.0.1:4000");
  CHECK(client_address(config, "").to_string() == "127.0.0.1:3128");
  config.listen = {at("127.0.0.1:8080")};
  CHECK(client_address(config, "http://127.0.0.1:4000").to_string() == "127.0.0.1:8080");
}
