#include "net/tcp_stream.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "net/pipe.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// A TcpStream, its far end, and how often it called.
struct Line final : StreamEvents {
  explicit Line(SocketPair pair)
      : far(std::move(pair.far)),
        stream(
            std::make_unique<TcpStream>(loop, pair.near.release(), TcpStream::State::connected)) {
    stream->set_events(this);
    loop.turn(0);
  }
  ~Line() {
    stream.reset();
    CHECK_FALSE(loop.busy());
  }
  void on_ready(Stream&) override {
    ++calls;
    if (const auto act = then) act();  // a copy: it may destroy us
  }

  /// One attempt; its bytes, or "(eof)", "(blocked)", "(errno)".
  std::string read(std::size_t most = 100) {
    std::string buffer(most, '\0');
    const Io io = stream->try_read(buffer);
    switch (io.status) {
      case Io::Status::ok:
        return buffer.substr(0, io.bytes);
      case Io::Status::would_block:
        return "(blocked)";
      case Io::Status::eof:
        return "(eof)";
      case Io::Status::error:
        return "(" + std::to_string(io.error) + ")";
    }
    return {};
  }

  /// Reads until there are `size` bytes.
  std::string read_all(std::size_t size) {
    std::string got;
    REQUIRE(turn_until(loop, [&] {
      const std::string bytes = read();
      if (bytes != "(blocked)") got += bytes;
      return got.size() >= size;
    }));
    return got;
  }

  /// The far end sends `bytes`, of which all but the first are left.
  void read_in_part(std::string_view bytes) {
    const int before = calls;
    send_all(far, bytes);
    REQUIRE(turn_until(loop, [&] { return unread() == bytes.size() && calls > before; }));
    CHECK(read(1) == bytes.substr(0, 1));
  }
  /// How many bytes the kernel has for it.
  std::size_t unread() const {
    int count = 0;
    REQUIRE(ioctl(stream->fd(), FIONREAD, &count) == 0);
    return static_cast<std::size_t>(count);
  }

  /// Writes until it would block; how much that was.
  std::size_t fill() {
    const std::string block(10'000, 'x');
    std::size_t total = 0;
    for (;;) {
      const Io io = stream->try_write(block);
      if (io.status != Io::Status::ok) {
        CHECK(io.status == Io::Status::would_block);
        return total;
      }
      total += io.bytes;
    }
  }

  Loop loop;
  Fd far;
  std::unique_ptr<TcpStream> stream;
  int calls = 0;
  std::function<void()> then;
};

const std::string kReset = "(" + std::to_string(ECONNRESET) + ")";

SocketPair make_pair(bool tcp) { return tcp ? tcp_pair() : unix_pair(); }

}  // namespace

TEST_CASE("a stream reads what was received, blocks, and is notified of more") {
  Line line(make_pair(GENERATE(true, false)));
  CHECK(line.read() == "(blocked)");
  send_all(line.far, "hello");
  CHECK(line.read() == "(blocked)");  // no edge yet: not even tried
  REQUIRE(turn_until(line.loop, [&] { return line.calls > 1; }));
  CHECK(line.read() == "hello");
  CHECK(line.read() == "(blocked)");
  send_all(line.far, "again");
  REQUIRE(turn_until(line.loop, [&] { return line.calls > 2; }));
  CHECK(line.read(3) == "aga");
  CHECK(line.read(3) == "in");
  CHECK(line.read(3) == "(blocked)");
  send_fin(line.far);
  REQUIRE(turn_until(line.loop, [&] { return line.calls > 3; }));
  CHECK(line.read() == "(eof)");
  CHECK(line.read() == "(eof)");
  CHECK_FALSE(line.stream->broken());
}

TEST_CASE("a FIN that came in with the last bytes is found without another edge") {
  Line line(make_pair(GENERATE(true, false)));
  send_all(line.far, "last words");
  send_fin(line.far);
  line.loop.turn(100);
  CHECK(line.read() == "last words");  // a short read, and no edge will come any more
  CHECK(line.read() == "(eof)");
}

TEST_CASE("a FIN between the edge and the read is not lost") {
  Line line(make_pair(GENERATE(true, false)));
  send_all(line.far, "last words");
  line.loop.turn(100);
  send_fin(line.far);
  CHECK(line.read() == "last words");
  const int before = line.calls;
  REQUIRE(turn_until(line.loop, [&] { return line.calls > before; }));
  CHECK(line.read() == "(eof)");
}

// Reading stops in front of an urgent byte, which is none of the stream (RFC 6093).
TEST_CASE("urgent data holds up nothing behind it") {
  Line line(tcp_pair());
  send_all(line.far, "abc");
  REQUIRE(send(line.far.get(), "!", 1, MSG_OOB) == 1);
  send_all(line.far, "def");
  CHECK(line.read_all(6) == "abcdef");
  CHECK_FALSE(line.stream->can_splice());
}

TEST_CASE("bytes that end exactly with the buffer do not hide the end") {
  Line line(tcp_pair());
  send_all(line.far, "12345678");
  line.loop.turn(100);
  CHECK(line.read(8) == "12345678");
  CHECK(line.read(8) == "(blocked)");
  send_all(line.far, "x");
  CHECK(line.read(8) == "(blocked)");  // not tried before an edge
  line.loop.turn(100);
  CHECK(line.read(1) == "x");
  send_fin(line.far);
  line.loop.turn(100);
  CHECK(line.read(8) == "(eof)");
}

TEST_CASE("what came before a reset is read first") {
  Line line(tcp_pair());
  send_all(line.far, "before");
  send_reset(line.far);
  line.loop.turn(100);
  CHECK(line.stream->broken());
  CHECK(line.read() == "before");
  CHECK(line.read() == kReset);
  CHECK(line.read() == "(eof)");
}

TEST_CASE("writing to a connection that was reset fails, and no signal kills us") {
  Line line(tcp_pair());
  send_reset(line.far);
  line.loop.turn(100);
  CHECK(line.stream->try_write(std::string("x")).error == ECONNRESET);
  CHECK(line.stream->try_write(std::string("x")).error == EPIPE);
  CHECK(line.stream->unsent() == 0);
}

TEST_CASE("destruction is a FIN, or a reset where that was requested") {
  Line line(tcp_pair());
  const bool reset = GENERATE(false, true);
  send_all(line.far, "x");  // read, or the kernel would reset by itself
  line.loop.turn(100);
  CHECK(line.read() == "x");
  if (reset) line.stream->reset_on_close();
  line.stream.reset();
  const Received received = receive_now(line.far);
  CHECK(received.ended == !reset);
  CHECK(received.error == (reset ? ECONNRESET : 0));
}

TEST_CASE("shutdown_write() ends one direction only") {
  Line line(make_pair(GENERATE(true, false)));
  CHECK(line.stream->shutdown_write().status == Io::Status::ok);
  CHECK(line.stream->shutdown_write().status == Io::Status::ok);
  CHECK(receive_now(line.far).ended);
  send_all(line.far, "still here");
  line.loop.turn(100);
  CHECK(line.read() == "still here");
}

TEST_CASE("shutdown_write() of a dead connection fails") {
  Line line(tcp_pair());
  send_reset(line.far);
  line.loop.turn(100);
  CHECK(line.stream->shutdown_write().status == Io::Status::error);
}

TEST_CASE("a full stream blocks, and is notified when there is room") {
  Line line(make_pair(GENERATE(true, false)));
  const std::size_t written = line.fill();
  CHECK(written > 0);
  CHECK(line.stream->unsent() > 0);
  CHECK(line.stream->try_write(std::string("x")).status == Io::Status::would_block);
  const int before = line.calls;
  std::size_t received = receive_now(line.far).bytes.size();
  CHECK(received > 0);
  CHECK(line.stream->try_write(std::string("x")).status == Io::Status::would_block);  // no edge yet
  REQUIRE(turn_until(line.loop, [&] {
    received += receive_now(line.far).bytes.size();
    return received == written;
  }));
  REQUIRE(turn_until(line.loop, [&] { return line.calls > before; }));
  CHECK(line.stream->try_write(std::string("x")).status == Io::Status::ok);
}

TEST_CASE("unsent() goes down to nothing once the peer has all of it") {
  Line line(tcp_pair());
  CHECK(line.stream->unsent() == 0);
  CHECK(line.stream->try_write(std::string(1000, 'x')).bytes == 1000);
  CHECK(turn_until(line.loop, [&] { return line.stream->unsent() == 0; }));
}

TEST_CASE("bytes that were put back come first, the last ones put back before the others") {
  Line line(tcp_pair());
  send_all(line.far, "from the wire");
  line.loop.turn(100);
  line.stream->unread("middle ");
  line.stream->unread("first ");
  line.stream->unread("");
  CHECK_FALSE(line.stream->can_splice());
  CHECK(line.read(3) == "fir");
  CHECK(line.read() == "st middle ");
  CHECK(line.stream->can_splice());
  CHECK(line.read() == "from the wire");
}

TEST_CASE("resume() calls in the next turn") {
  Line line(tcp_pair());
  const int before = line.calls;
  line.stream->resume();
  CHECK(line.calls == before);
  line.loop.turn(-1);
  CHECK(line.calls == before + 1);
}

TEST_CASE("what arrives at a muted stream is not reported before it is drained") {
  Line line(make_pair(GENERATE(true, false)));
  line.read_in_part("abc");
  line.stream->mute();
  settle(line.loop);
  const int before = line.calls;
  send_all(line.far, "de");
  REQUIRE(turn_until(line.loop, [&] { return line.unread() == 4; }));
  settle(line.loop);
  CHECK(line.calls == before);
  CHECK(line.read() == "bcde");
  CHECK(line.read() == "(blocked)");
  settle(line.loop);
  const int drained = line.calls;
  send_all(line.far, "f");
  REQUIRE(turn_until(line.loop, [&] { return line.calls > drained; }));
  CHECK(line.read() == "f");
}

TEST_CASE("a drained stream is not muted") {
  Line line(make_pair(GENERATE(true, false)));
  for (const std::string bytes : {"abc", "def"}) {
    line.stream->mute();
    const int before = line.calls;
    send_all(line.far, bytes);
    REQUIRE(turn_until(line.loop, [&] { return line.calls > before; }));
    CHECK(line.read() == bytes);
  }
}

TEST_CASE("a muted stream reports the end of the connection") {
  const bool reset = GENERATE(false, true);
  Line line(tcp_pair());
  line.read_in_part("abc");
  line.stream->mute();
  settle(line.loop);
  const int before = line.calls;
  if (reset) {
    send_reset(line.far);
  } else {
    send_fin(line.far);
  }
  REQUIRE(turn_until(line.loop, [&] { return line.calls > before; }));
  CHECK(line.stream->peer_finished());
  CHECK(line.stream->broken() == reset);
  CHECK(line.read() == "bc");
  CHECK(line.read() == (reset ? kReset : "(eof)"));
}

TEST_CASE("urgent data that comes to a muted stream holds up nothing behind it") {
  Line line(tcp_pair());
  line.read_in_part("abc");
  line.stream->mute();
  REQUIRE(send(line.far.get(), "!", 1, MSG_OOB) == 1);
  send_all(line.far, "def");
  CHECK(line.read_all(5) == "bcdef");
}

TEST_CASE("a muted stream has its voice in another loop") {
  Line line(make_pair(GENERATE(true, false)));
  line.read_in_part("abc");
  line.stream->mute();
  line.stream->detach();
  REQUIRE(line.stream->attach(line.loop) == 0);
  CHECK(line.read(1) == "b");
  settle(line.loop);
  const int before = line.calls;
  send_all(line.far, "d");
  REQUIRE(turn_until(line.loop, [&] { return line.calls > before; }));
  CHECK(line.read() == "cd");
}

TEST_CASE("a stream may be destroyed by what it calls") {
  Line line(tcp_pair());
  line.then = [&] { line.stream.reset(); };
  send_all(line.far, "x");
  line.loop.turn(100);
  CHECK(line.stream == nullptr);
  CHECK(line.calls == 2);
}

TEST_CASE("a stream without listeners remembers what happened") {
  Line line(tcp_pair());
  line.stream->set_events(nullptr);
  send_all(line.far, "unheard");
  send_reset(line.far);
  line.loop.turn(100);
  CHECK(line.stream->broken());
  CHECK(line.read() == "unheard");
}

TEST_CASE("a closed stream calls nobody, not even for an event that was fetched already") {
  Line first(tcp_pair());
  // Two streams on one loop, both ready in one turn; whichever is called first closes the other.
  SocketPair pair = tcp_pair();
  auto second =
      std::make_unique<TcpStream>(first.loop, pair.near.release(), TcpStream::State::connected);
  second->set_events(&first);
  first.loop.turn(0);
  first.calls = 0;
  first.then = [&] {
    first.stream.reset();
    second.reset();
  };
  send_all(first.far, "x");
  send_all(pair.far, "x");
  first.loop.turn(100);
  first.loop.turn(0);
  CHECK(first.calls == 1);
}

TEST_CASE("splice moves bytes through a pipe, and keeps count of them") {
  Line from(make_pair(GENERATE(true, false)));
  Line to(make_pair(GENERATE(true, false)));
  PipePool pool;
  Pipe pipe = pool.borrow();
  REQUIRE(pipe.open());
  CHECK(from.stream->splice_to(pipe, PipePool::kPipeBytes).status == Io::Status::would_block);
  send_all(from.far, "through the pipe");
  from.loop.turn(100);
  const Io in = from.stream->splice_to(pipe, PipePool::kPipeBytes);
  CHECK(in.bytes == 16);
  CHECK(pipe.held == 16);
  CHECK(from.stream->splice_to(pipe, PipePool::kPipeBytes).status == Io::Status::would_block);
  CHECK(to.stream->splice_from(pipe).bytes == 16);
  CHECK(pipe.held == 0);
  CHECK(receive_now(to.far).bytes == "through the pipe");
  send_fin(from.far);
  from.loop.turn(100);
  CHECK(from.stream->splice_to(pipe, PipePool::kPipeBytes).status == Io::Status::eof);
  pool.give_back(std::move(pipe));
}

TEST_CASE("splice_to() does not take urgent data for the end") {
  Line line(tcp_pair());
  PipePool pool;
  Pipe pipe = pool.borrow();
  send_all(line.far, "abc");
  line.loop.turn(100);
  REQUIRE(send(line.far.get(), "!", 1, MSG_OOB) == 1);
  send_all(line.far, "def");
  send_fin(line.far);
  Io io = line.stream->splice_to(pipe, PipePool::kPipeBytes);
  CHECK(io.bytes == 3);
  io = line.stream->splice_to(pipe, PipePool::kPipeBytes);
  CHECK(io.status == Io::Status::ok);
  CHECK(io.bytes == 0);
  CHECK_FALSE(line.stream->can_splice());
  CHECK(line.read() == "def");
  CHECK(line.read() == "(eof)");
  pool.give_back(std::move(pipe));
}

TEST_CASE("splice_to() takes no more than it may") {
  Line line(tcp_pair());
  PipePool pool;
  Pipe pipe = pool.borrow();
  send_all(line.far, "0123456789");
  line.loop.turn(100);
  CHECK(line.stream->splice_to(pipe, 4).bytes == 4);
  CHECK(line.stream->splice_to(pipe, 4).bytes == 4);
  CHECK(pipe.held == 8);
  CHECK(line.read() == "89");
  pool.give_back(std::move(pipe));
}

TEST_CASE("splice meets resets as reading and writing do") {
  Line line(tcp_pair());
  PipePool pool;
  Pipe pipe = pool.borrow();
  send_all(line.far, "before");
  send_reset(line.far);
  line.loop.turn(100);
  CHECK(line.stream->splice_to(pipe, PipePool::kPipeBytes).bytes == 6);
  CHECK(line.stream->splice_from(pipe).error == ECONNRESET);
  CHECK(line.stream->splice_from(pipe).error == EPIPE);
  CHECK(pipe.held == 6);
  pool.give_back(std::move(pipe));
}

TEST_CASE("splice_from() into a full stream blocks and keeps the bytes") {
  Line to(tcp_pair());
  Line from(tcp_pair());
  PipePool pool;
  Pipe pipe = pool.borrow();
  const std::size_t filled = to.fill();
  send_all(from.far, "held");
  from.loop.turn(100);
  CHECK(from.stream->splice_to(pipe, PipePool::kPipeBytes).bytes == 4);
  CHECK(to.stream->splice_from(pipe).status == Io::Status::would_block);
  CHECK(pipe.held == 4);
  std::string received;
  REQUIRE(turn_until(to.loop, [&] {
    received += receive_now(to.far).bytes;
    if (pipe.held > 0) static_cast<void>(to.stream->splice_from(pipe));
    return received.size() == filled + 4;
  }));
  CHECK(received.substr(filled) == "held");
  pool.give_back(std::move(pipe));
}

TEST_CASE("a stream goes on in another loop, and misses nothing that came between") {
  Line line(tcp_pair());
  Loop second;
  line.stream->detach();
  CHECK_FALSE(line.loop.busy());
  CHECK(is_quiet(*line.stream));
  send_all(line.far, "between");
  SECTION("it is read while it has no loop") {
    CHECK(line.read(3) == "bet");
    send_all(line.far, "bet");
  }
  SECTION("it is not read") {}
  line.calls = 0;
  REQUIRE(line.stream->attach(second) == 0);
  CHECK(turn_until(second, [&] { return line.calls > 0; }));
  CHECK(line.read().substr(0, 4).size() == 4);
  CHECK(line.read() == "(blocked)");
  CHECK(line.stream->try_write(std::string_view("x")).status == Io::Status::ok);
  send_fin(line.far);
  CHECK(turn_until(second, [&] { return line.stream->peer_finished(); }));
  CHECK(line.read() == "(eof)");
  line.stream.reset();
  CHECK_FALSE(second.busy());
}

TEST_CASE("a stream that is gone gets no event through a copy of its descriptor") {
  // As a child has one until it runs its program.
  Loop loop;
  SocketPair pair = tcp_pair();
  const Fd copy(dup(pair.near.get()));
  Loop::expect_children();
  {
    const TcpStream stream(loop, pair.near.release(), TcpStream::State::connected);
    loop.turn(0);
  }
  send_all(pair.far, "!");
  loop.turn(0);  // would call what is gone
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a stream is small: every idle tunnel has two") { CHECK(sizeof(TcpStream) <= 56); }
