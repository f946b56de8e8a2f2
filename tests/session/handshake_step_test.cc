// One handshake on a connection: what the proxy has sent, and what its end means.
#include "dial/handshake_step.h"

#include <array>
#include <cerrno>

#include "codec/http_connect.h"
#include "codec/socks.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using Progress = HandshakeStep::Progress;

namespace {

struct Step {
  Loop loop;
  HostPort target = HostPort::parse("gcr.io:443").value();
  Peer far{loop};
  std::unique_ptr<Stream> stream = far.stream();
  ProxyStep step{*stream, make_socks5_handshake(target, {})};
};

}  // namespace

TEST_CASE("a handshake reports what the proxy has sent, phase by phase") {
  Step scene;
  CHECK(scene.step.advance() == Progress::waits);
  CHECK(scene.far.received() == kSocks5Greeting);
  CHECK(scene.step.phase() == DialPhase::greeting);
  CHECK(scene.step.replied() == Replied::nothing);
  scene.far.sends(kSocks5Welcome);
  CHECK(scene.step.advance() == Progress::waits);
  CHECK(scene.step.phase() == DialPhase::request);
  CHECK(scene.step.replied() == Replied::to_greeting);
  scene.far.sends(kSocks5Granted + "glued");
  CHECK(scene.step.advance() == Progress::done);
  CHECK(scene.step.replied() == Replied::to_request);
  std::array<char, 16> buffer;
  CHECK(scene.stream->try_read(buffer).bytes == 5);
}

TEST_CASE("an end before any reply proves nothing about the target") {
  Step scene;
  scene.far.resets();
  CHECK(scene.step.advance() == Progress::failed);
  CHECK(scene.step.replied() == Replied::nothing);
  const HandshakeFailure failure = scene.step.failure(scene.step.last_io());
  CHECK(failure.sys == ECONNRESET);
  CHECK_FALSE(failure.names_target);
}

TEST_CASE("an end after the greeting is a reply: this is how ssh -D refuses") {
  Step scene;
  scene.far.expects(kSocks5Greeting).sends(kSocks5Welcome).expects(kSocks5Request).ends();
  CHECK(scene.step.advance() == Progress::failed);
  CHECK(scene.step.replied() == Replied::to_request);
  const HandshakeFailure failure = scene.step.failure(scene.step.last_io());
  CHECK(failure.side == Side::target);
  CHECK(failure.names_target);
}

TEST_CASE("a refusal is what the proxy sent, whatever the stream's end") {
  Step scene;
  scene.far.expects(kSocks5Greeting)
      .sends(kSocks5Welcome)
      .expects(kSocks5Request)
      .sends(kSocks5Refused);
  CHECK(scene.step.advance() == Progress::failed);
  const HandshakeFailure failure = scene.step.failure(scene.step.last_io());
  CHECK(failure.code == Errc::connection_refused);
  CHECK(failure.sys == 0);
}

TEST_CASE("a refusal is known before the text that may tell more") {
  Loop loop;
  Peer far(loop);
  const auto stream = far.stream();
  ProxyStep step(*stream, make_http_connect_handshake(kTarget, std::nullopt, ""));
  far.expects(std::string(kConnect)).sends("HTTP/1.1 502 No\r\n\r\n");
  CHECK(step.advance() == Progress::refused);
  CHECK(step.replied() == Replied::to_request);
  CHECK(step.failure(step.last_io()).text == "answered 502 No for gcr.io:443");
  far.sends("no tun");
  CHECK(step.advance() == Progress::refused);
  CHECK(step.failure(step.last_io()).text == "answered 502: no tun (No) for gcr.io:443");
  SECTION("the line ends") { far.sends("nel\n"); }
  SECTION("the connection ends") { far.sends("nel").ends(); }
  SECTION("the connection is reset") { far.sends("nel").resets(); }
  CHECK(step.advance() == Progress::failed);
  const HandshakeFailure failure = step.failure(step.last_io());
  CHECK(failure.text == "answered 502: no tunnel (No) for gcr.io:443");
  CHECK(failure.sys == 0);
  CHECK(step.last_io().status != Io::Status::eof);
  CHECK(step.last_io().status != Io::Status::error);
}
