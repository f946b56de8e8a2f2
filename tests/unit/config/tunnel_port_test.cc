#include "config/tunnel_port.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("each mark of a command becomes the port") {
  CHECK(has_port_mark("ssh -N -D 127.0.0.1:{port} host"));
  CHECK(with_port("ssh -N -D 127.0.0.1:{port} host", 31001) == "ssh -N -D 127.0.0.1:31001 host");
  CHECK(with_port("{port}{port} {port}", 7) == "77 7");
  CHECK(with_port("", 7).empty());
}

TEST_CASE("what only looks like the mark stays as it is") {
  for (const char* const command :
       {"ssh -D 1080 host", "port=1080; ssh -D ${port} host", "echo {PORT} {port {ports} port}"}) {
    INFO(command);
    CHECK_FALSE(has_port_mark(command));
    CHECK(with_port(command, 7) == command);
  }
  CHECK(with_port("p={port}; ssh -D ${port}", 7) == "p=7; ssh -D ${port}");
}

TEST_CASE("an upstream is shown with the port that it got") {
  UpstreamConfig upstream;
  upstream.kind = UpstreamConfig::Kind::socks5;
  upstream.label = "socks5://127.0.0.1:{port}";
  upstream.address = HostPort::from("127.0.0.1", 1).value();
  set_tunnel_port(upstream, 31001);
  CHECK(upstream.address.port == 31001);
  CHECK(upstream.label == "socks5://127.0.0.1:31001");
}
