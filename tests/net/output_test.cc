#include "net/output.h"

#include <cerrno>

#include "support/catch.h"
#include "support/scripted_stream.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr std::string_view kText = "some bytes that are not written in one go";

/// Writes whenever the stream is ready, as its users do.
struct Writer final : private StreamEvents {
  Writer(Stream& to, Output& from) : stream(to), output(from) {
    stream.set_events(this);
    on_ready(stream);
  }
  void on_ready(Stream&) override { last = output.write_to(stream); }

  Stream& stream;
  Output& output;
  Io last;
};

}  // namespace

TEST_CASE("an output is written whole, at whatever pace the stream takes it") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Loop loop;
  Peer peer(loop, pace);
  const auto stream = peer.stream();
  Output output{std::string(kText)};
  const Writer writer(*stream, output);
  REQUIRE(turn_until(loop, [&] { return writer.last.status == Io::Status::ok; }));
  CHECK(peer.received() == kText);
  CHECK(output.empty());
  CHECK(output.left() == 0);
  CHECK_FALSE(output.begun());
}

TEST_CASE("an output that blocks goes on where it stopped, with what was appended meanwhile") {
  Loop loop;
  Peer peer(loop);
  const auto stream = peer.stream();
  Output output;
  CHECK(output.empty());
  output.bytes() = "0123456789";
  CHECK(output.left() == 10);
  CHECK_FALSE(output.begun());
  peer.takes(4);
  CHECK(output.write_to(*stream).status == Io::Status::would_block);
  CHECK(output.begun());
  CHECK_FALSE(output.empty());
  CHECK(output.left() == 6);
  output.bytes() += "abc";
  CHECK(output.left() == 9);
  peer.takes_all();
  CHECK(output.write_to(*stream).status == Io::Status::ok);
  CHECK(peer.received() == "0123456789abc");
  output.bytes() = "next";
  CHECK(output.write_to(*stream).status == Io::Status::ok);
  CHECK(peer.received() == "0123456789abcnext");
}

TEST_CASE("an output that fails reports why, and still has what is left") {
  Loop loop;
  Peer peer(loop);
  const auto stream = peer.stream();
  Output output("0123456789");
  peer.takes(4);
  CHECK(output.write_to(*stream).status == Io::Status::would_block);
  peer.refuses(EPIPE);
  const Io io = output.write_to(*stream);
  CHECK(io.status == Io::Status::error);
  CHECK(io.error == EPIPE);
  CHECK(output.left() == 6);
  output.clear();
  CHECK(output.empty());
  CHECK_FALSE(output.begun());
}

TEST_CASE("an empty output does not call the stream, even a broken one") {
  Loop loop;
  Peer peer(loop);
  const auto stream = peer.stream();
  peer.resets();
  CHECK(Output().write_to(*stream).status == Io::Status::ok);
  CHECK(peer.writes().empty());
}

TEST_CASE("an output keeps its memory when it runs empty, up to a limit") {
  Loop loop;
  Peer peer(loop);
  const auto stream = peer.stream();
  Output output(std::string(1000, 'x'));
  REQUIRE(output.write_to(*stream).status == Io::Status::ok);
  CHECK(output.bytes().capacity() >= 1000);
  output.clear_keeping(1000);
  CHECK(output.bytes().capacity() >= 1000);
  output.clear_keeping(100);
  CHECK(output.bytes().capacity() < 1000);
}

TEST_CASE("bytes that live elsewhere are written from where their writing stopped") {
  Loop loop;
  Peer peer(loop);
  const auto stream = peer.stream();
  std::size_t written = 0;
  peer.takes(5);
  CHECK(write_rest(*stream, kText, written).status == Io::Status::would_block);
  CHECK(written == 5);
  peer.takes_all();
  CHECK(write_rest(*stream, kText, written).status == Io::Status::ok);
  CHECK(written == kText.size());
  CHECK(peer.received() == kText);
}
