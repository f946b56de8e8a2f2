// Bytes and ends over TLS.
#include "net/tls_stream.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <openssl/ssl.h>

#include "net/tcp_stream.h"
#include "support/catch.h"
#include "support/numbered_bytes.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("TLS does the handshake, carries bytes in both directions and ends each by itself") {
  const Pace pace = GENERATE(from_range(kPaces));
  TlsServerOptions options;
  options.only_tls12 = GENERATE(false, true);
  CAPTURE(to_string(pace), options.only_tls12);
  TlsLine line(pace, options);
  line.server.expects("ping").sends("pong").expects_end().sends("after your end").ends();
  REQUIRE(line.client.shake_hands());
  REQUIRE(line.client.ready());
  CHECK(line.server.sni() == "proxy.example");
  CHECK(line.client.write("ping"));
  CHECK(line.client.read(4) == "pong");
  CHECK(line.client.shut_down());
  CHECK(line.wire.received_end());
  CHECK(line.client.read(100) == "after your end(eof)");
  CHECK(line.client.read(100) == "(eof)");
  CHECK(line.server.verdict() == "");
  line.client.stream.reset();
  CHECK(line.wire.closed());
  CHECK_FALSE(line.loop.busy());
}

TEST_CASE("RFC 8446 6.1: new keys after our end are no reason to stop reading") {
  TlsLine line;
  line.server.expects_end();
  REQUIRE(line.client.shake_hands());
  CHECK(line.client.shut_down());
  for (int i = 0; i < 3; ++i) {
    line.server.sends("more").updates_keys();
    CHECK(line.client.read(4) == "more");
  }
  line.server.sends("the last").ends();
  CHECK(line.client.read(100) == "the last(eof)");
  CHECK(line.server.verdict() == "");
  CHECK(line.wire.verdict() == "");
}

TEST_CASE("a server may end first, and receives the rest") {
  TlsLine line;
  line.server.sends("bye").ends().expects("the rest").expects_end();
  REQUIRE(line.client.shake_hands());
  CHECK(line.client.read(100) == "bye(eof)");
  CHECK_FALSE(line.client.stream->truncated());
  CHECK(line.client.write("the rest"));
  CHECK(line.client.shut_down());
  CHECK(line.server.verdict() == "");
}

TEST_CASE("bulk data in both directions at once, through a narrow wire") {
  TlsLine line(GENERATE(Pace{}, Pace{true, 1460}));
  const std::string up = numbered_bytes(300'000);
  const std::string down = numbered_bytes(300'000, "-");
  line.server.sends(down).expects(up);
  REQUIRE(line.client.shake_hands());
  std::string received;
  std::string_view rest = up;
  REQUIRE(line.client.exchange(rest, received,
                               [&] { return rest.empty() && received.size() >= down.size(); }));
  CHECK(received == down);
  CHECK(line.server.verdict() == "");
}

TEST_CASE("a record that was stuck half-written goes on where it was") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  const std::string bytes(40'000, 'r');
  line.server.expects(bytes).expects_end();
  line.wire.takes(100);
  CHECK(line.client.stream->try_write(bytes).bytes == bytes.size());
  CHECK(line.client.stream->try_write(std::string("!")).status == Io::Status::would_block);
  CHECK(line.client.stream->shutdown_write().status == Io::Status::would_block);
  CHECK(line.client.stream->unsent() > bytes.size() - 100);
  SECTION("when somebody writes again") {
    line.wire.takes(1000);
    CHECK(line.client.stream->try_write(std::string("!")).status == Io::Status::would_block);
    line.wire.takes_all();
    CHECK(line.client.shut_down());
  }
  SECTION("by itself") {
    line.wire.takes_all();
    settle(line.loop);
    CHECK(line.client.stream->unsent() == 0);
    CHECK(line.client.shut_down());
  }
  CHECK(line.server.verdict() == "");
}

TEST_CASE("a reset behind what a write took is met by who comes next") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  line.wire.takes(0);
  CHECK(line.client.stream->try_write(std::string("lost")).bytes == 4);
  line.wire.resets();
  SECTION("who writes") {
    const Io io = line.client.stream->try_write(std::string("x"));
    CHECK(io.status == Io::Status::error);
    CHECK(io.error == ECONNRESET);
  }
  SECTION("who reads") {
    settle(line.loop);
    CHECK(line.client.read(100) == "(error)");
  }
}

TEST_CASE("what a write has failed with stays, or its bytes could arrive twice") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  const std::size_t before = line.wire.writes().size();
  // As for a moment: the connection itself is fine.
  line.wire.refuses(ENOBUFS);
  CHECK(line.client.stream->try_write(std::string("once")).error == ENOBUFS);
  line.wire.refuses(0);
  settle(line.loop);
  CHECK(line.client.stream->try_write(std::string("once")).error == ENOBUFS);
  CHECK(line.client.stream->shutdown_write().error == ENOBUFS);
  CHECK(line.wire.writes().size() == before);
}

TEST_CASE("a read takes all the records that are there, a write makes as many as it needs") {
  TlsLine line;
  const std::string bytes = numbered_bytes(60'000);
  line.server.sends(bytes).expects(bytes);
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  std::string buffer(64 * 1024, '\0');
  const Io in = line.client.stream->try_read(buffer);
  REQUIRE(in.status == Io::Status::ok);
  CHECK(in.bytes == bytes.size());
  CHECK(std::string_view(buffer).substr(0, in.bytes) == bytes);
  const Io out = line.client.stream->try_write(bytes);
  REQUIRE(out.status == Io::Status::ok);
  CHECK(out.bytes == bytes.size());
  settle(line.loop);
  CHECK(line.server.verdict() == "");
}

TEST_CASE("a full wire holds up the end, not for good") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  line.wire.takes(0);
  CHECK(line.client.stream->shutdown_write().status == Io::Status::would_block);
  CHECK_FALSE(line.wire.received_end());
  line.wire.takes_all();
  CHECK(line.client.shut_down());
  CHECK(line.client.stream->shutdown_write().status == Io::Status::ok);
  CHECK(line.wire.received_end());
  line.server.expects_end();
  CHECK(line.server.verdict() == "");
}

TEST_CASE("a connection that ends without close_notify has ended") {
  TlsLine line;
  line.server.sends("cut sho");
  REQUIRE(line.client.shake_hands());
  SECTION("by a FIN") {
    line.wire.ends();
    CHECK(line.client.read(100) == "cut sho(eof)");
    CHECK(line.client.stream->truncated());
    line.server.expects("the rest");
    CHECK(line.client.write("the rest"));
    CHECK(line.server.verdict() == "");
  }
  SECTION("by a reset") {
    line.wire.resets();
    CHECK(line.client.read(100) == "cut sho(error)");
    CHECK(line.client.stream->broken());
  }
}

TEST_CASE("RFC 9112 9.8: a FIN within a record is a failure, and stays one") {
  TlsServerOptions options;
  options.only_tls12 = GENERATE(false, true);
  const std::string piece = GENERATE(values<std::string>({
      "\x17",
      "\x17\x03\x03\x01",
      "\x17\x03\x03\x01\x20",
      "\x17\x03\x03\x01\x20"
      "cut sho",
  }));
  CAPTURE(options.only_tls12, piece.size());
  TlsLine line(Pace{}, options);
  line.server.sends("whole");
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  line.wire.sends(piece).ends();
  CHECK(line.client.read(100) == "whole(error)");
  CHECK(line.client.read(100) == "(error)");
}

TEST_CASE("what was taken and cannot be sent after all is a failure for who reads") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  line.server.expects("before");
  CHECK(line.client.stream->try_write(std::string("before")).bytes == 6);
  settle(line.loop);
  line.wire.takes(0);
  CHECK(line.client.stream->try_write(std::string("lost")).bytes == 4);
  line.wire.refuses(ENOBUFS);
  line.wire.takes_all();
  settle(line.loop);
  char byte = 0;
  for (int i = 0; i < 2; ++i) {
    const Io io = line.client.stream->try_read({&byte, 1});
    CHECK(io.status == Io::Status::error);
    CHECK(io.error == ENOBUFS);
  }
}

TEST_CASE("a reset is met by who writes, too") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  line.wire.resets();
  const Io io = line.client.stream->try_write(std::string("x"));
  CHECK(io.status == Io::Status::error);
  CHECK(io.error == ECONNRESET);
}

TEST_CASE("bytes that were put back come before those from the wire") {
  TlsLine line;
  line.server.sends("from the wire");
  REQUIRE(line.client.shake_hands());
  line.client.stream->unread("second ");
  line.client.stream->unread("first ");
  CHECK(line.client.read(26) == "first second from the wire");
  CHECK_FALSE(line.client.stream->can_splice());
}

TEST_CASE("the stream beneath gets the calls that it needs") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  settle(line.loop);
  line.wire.holds_back(17);
  CHECK(line.client.stream->unsent() == 17);
  const int before = line.client.calls;
  line.client.stream->resume();
  line.loop.turn(0);
  CHECK(line.client.calls == before + 1);
  line.client.stream->reset_on_close();
  line.client.stream.reset();
  CHECK(line.wire.closed_by_reset());
}

TEST_CASE("TLS stacks on TLS") {
  Loop loop;
  Peer wire(loop, GENERATE(Pace{}, Pace{true, 16}));
  Peer inner_wire(
      loop);  // between the two servers: what the outer one receives, the inner one gets
  TlsServer outer(wire, proxy_context());
  TlsServer inner(inner_wire, proxy_context());
  const auto inner_end = inner_wire.stream();
  outer.replies = [&](const std::string& bytes) {
    static_cast<void>(inner_end->try_write(bytes));
    std::string answer(100'000, '\0');
    const Io io = inner_end->try_read(answer);
    return answer.substr(0, io.bytes);
  };
  inner.expects("ping").sends("pong");
  TlsSessionSlot slot, inner_slot;
  const auto context = trusting_context();
  TlsClient first(loop, wire.stream(), *context, slot);
  REQUIRE(first.shake_hands());
  TlsClient second(loop, std::move(first.stream), *context, inner_slot);
  REQUIRE(second.shake_hands());
  REQUIRE(second.ready());
  CHECK(second.write("ping"));
  CHECK(second.read(4) == "pong");
}

TEST_CASE("over a real socket bulk data in both directions, to a server that only echoes") {
  SocketPair pair = tcp_pair();
  const auto server_side = proxy_context();
  bool received_end = false;
  std::thread server([&, fd = pair.far.get()] {
    SSL* ssl = SSL_new(server_side.get());
    SSL_set_fd(ssl, fd);
    std::string buffer(30'000, '\0');
    if (SSL_accept(ssl) == 1) {
      int count = 0;
      while ((count = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()))) > 0) {
        if (SSL_write(ssl, buffer.data(), count) != count) break;
      }
      received_end = SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN;
      SSL_shutdown(ssl);
    }
    shutdown(fd, SHUT_RDWR);
    SSL_free(ssl);
  });
  Loop loop;
  TlsSessionSlot slot;
  const auto context = trusting_context();
  TlsClient client(
      loop, std::make_unique<TcpStream>(loop, pair.near.release(), TcpStream::State::connected),
      *context, slot);
  CHECK(client.shake_hands());
  CHECK(client.ready());
  const std::string bytes = numbered_bytes(4'000'000);
  std::string_view rest = bytes;
  std::string echo;
  bool told = false;
  CHECK(client.exchange(rest, echo, [&] {
    if (rest.empty() && !told) told = client.shut_down();
    return client.ended;
  }));
  client.stream.reset();
  server.join();
  CHECK((echo == bytes));
  CHECK(received_end);
}
