// The hello of a probe, as a TLS server reads it.
#include "net/client_hello.h"

#include "codec/tls_answer.h"
#include "codec/tls_opening.h"
#include "net/loop.h"
#include "support/catch.h"
#include "support/tls_client.h"
#include "support/tls_server.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// What a TLS server makes of it: the name in it, and the first bytes of its answer.
struct Answered {
  std::string name;
  std::string bytes;
};

Answered answer_to(const std::string& hello, const TlsServerOptions& options = {}) {
  Loop loop;
  Peer wire(loop);
  TlsServer server(wire, proxy_context(options));
  const auto stream = wire.stream();
  std::string out;
  char buffer[4096];
  CHECK(stream->try_write(hello).status == Io::Status::ok);
  static_cast<void>(turn_until(loop, [&] {
    const Io io = stream->try_read(buffer);
    if (io.status == Io::Status::ok) out.append(buffer, io.bytes);
    return !out.empty();
  }));
  return {server.sni(), out};
}

}  // namespace

TEST_CASE("a server answers the hello with its own, and finds its name in it") {
  const bool old = GENERATE(false, true);
  const auto [text, name] = GENERATE(table<const char*, std::string>(
      {{"proxy.example:443", "proxy.example"}, {"proxy.example.:443", "proxy.example"}}));
  TlsServerOptions options;
  options.only_tls12 = old;
  const auto answered = answer_to(make_client_hello(HostPort::parse(text).value()), options);
  CHECK(answered.name == name);
  CHECK(judge_tls_answer(answered.bytes) == TlsAnswer::server_hello);
}

TEST_CASE("an address is not named in the hello") {
  const std::string hello =
      make_client_hello(HostPort::parse(GENERATE("127.0.0.1:443", "[::1]:443")).value());
  TlsOpening opening;
  opening.feed(hello);
  CHECK(opening.recognised());
  CHECK(answer_to(hello).name.empty());
}

TEST_CASE("each hello has a random of its own") {
  const HostPort host = HostPort::parse("proxy.example:443").value();
  CHECK(make_client_hello(host) != make_client_hello(host));
}
