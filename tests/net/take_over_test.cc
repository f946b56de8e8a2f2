#include "net/take_over.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/descriptor_message.h"
#include "net/predecessor.h"
#include "net/runtime_directory.h"
#include "net/successor.h"
#include "net/take_over_place.h"
#include "net/take_over_requests.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// The running culvert, which answers whoever asks.
struct Running {
  explicit Running(const std::string& in) : place(std::move(*TakeOverPlace::make(in))) {
    place->open();
    requests = std::make_unique<TakeOverRequests>(
        loop, place->fd(), TakeOverRequests::Asked::to<&Running::on_asked>(this));
  }
  void on_asked(const TakeOverRequest& request) {
    wanted = request.wanted;
    pid = request.pid;
    const auto found = request.of(sockets);
    if (found.empty() || !refusal.empty()) return request.refuse(refusal);
    CHECK(request.give(found));
    successor = Successor::attend(loop, request.control, request.pid,
                                  Successor::Ready::to<&Running::on_ready>(this),
                                  Successor::Failed::to<&Running::on_failed>(this), limit);
  }
  void on_ready(const std::string& tunnel_command) {
    command = tunnel_command;
    if (lets_go) CHECK(successor->let_go({}));
  }
  void on_failed(const std::string& reason) { why = reason; }

  /// What a new process gets that asks for `labels` and then does `then`.
  std::optional<TakenOver> ask(const std::string& directory, std::vector<std::string> labels,
                               const std::function<void(TakenOver&)>& then = {}) {
    std::optional<TakenOver> out;
    bool done = false;
    std::thread other([&] {
      auto taken = take_over(directory, labels, 20s);
      if (!taken) error = taken.error().text;
      if (taken && *taken) out = std::move(**taken);
      if (out && then) then(*out);
      loop.post([&] { done = true; });
    });
    const bool in_time = turn_until(
        loop, [&] { return done; }, 20s);
    other.join();
    REQUIRE(in_time);
    return out;
  }

  Loop loop;
  std::unique_ptr<TakeOverPlace> place;
  std::unique_ptr<TakeOverRequests> requests;
  std::vector<PassedSocket> sockets;
  std::chrono::milliseconds limit = 20s;
  std::string refusal;
  bool lets_go = true;
  std::vector<std::string> wanted;
  int pid = 0;
  std::unique_ptr<Successor> successor;
  std::string command;
  std::string why;
  std::string error;
};

/// One that only our own user can write to.
struct Directory {
  Directory() { REQUIRE(chmod(dir.path("").c_str(), S_IRWXU) == 0); }
  std::string path() const { return dir.path(""); }
  TempDir dir;
};

void close_all(const TakenOver& taken) {
  for (const PassedSocket& socket : taken.sockets) close(socket.fd);
}

bool same_file(int one, int other) {
  struct stat first {};
  struct stat second {};
  return fstat(one, &first) == 0 && fstat(other, &second) == 0 && first.st_ino == second.st_ino;
}

}  // namespace

TEST_CASE("a new process gets the sockets that it names, waits, and is let go") {
  const std::size_t before = open_files();
  {
    const Directory directory;
    Running running(directory.path());
    std::uint16_t port = 0;
    const Fd first = listen_on_loopback(port);
    std::uint16_t other_port = 0;
    const Fd second = listen_on_loopback(other_port);
    running.sockets = {
        {first.get(), "http://a"}, {second.get(), "unix:/b"}, {first.get(), "systemd:web"}};
    std::string given_up = "?";
    const auto taken =
        running.ask(directory.path(), {"unix:/b", "systemd", "http://none"}, [&](TakenOver& got) {
          Predecessor predecessor(std::exchange(got.control, -1));
          predecessor.await_turn("ssh -D 1080");
          given_up = predecessor.given_up();
        });
    REQUIRE(taken);
    CHECK(taken->pid == getpid());
    CHECK(running.pid == getpid());
    CHECK(running.wanted == std::vector<std::string>{"unix:/b", "systemd", "http://none"});
    REQUIRE(taken->sockets.size() == 2);
    CHECK(taken->sockets[0].label == "unix:/b");
    CHECK(same_file(taken->sockets[0].fd, second.get()));
    CHECK(taken->sockets[1].label == "systemd:web");
    CHECK(same_file(taken->sockets[1].fd, first.get()));
    CHECK((fcntl(taken->sockets[1].fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(running.command == "ssh -D 1080");
    CHECK(given_up.empty());
    CHECK(running.why.empty());
    close_all(*taken);
  }
  CHECK(open_files() == before);
}

TEST_CASE("more sockets than one message of the kernel takes come in whole") {
  const std::size_t before = open_files();
  {
    const Directory directory;
    Running running(directory.path());
    std::uint16_t port = 0;
    const Fd one = listen_on_loopback(port);
    for (int i = 0; i < 600; ++i) running.sockets.push_back({one.get(), "http://a"});
    const auto taken = running.ask(directory.path(), {"http://a"});
    REQUIRE(taken);
    CHECK(taken->sockets.size() == 600);
    CHECK(same_file(taken->sockets[599].fd, one.get()));
    close_all(*taken);
    close(taken->control);
  }
  CHECK(open_files() == before);
}

TEST_CASE("where nobody has the sockets the new process just starts") {
  const Directory directory;
  CHECK_FALSE(*take_over(directory.path(), {"http://a"}));
  Running running(directory.path());
  CHECK_FALSE(running.ask(directory.path(), {"http://a"}));
  CHECK(running.error.empty());
  running.requests.reset();
  running.place.reset();
  CHECK_FALSE(*take_over(directory.path(), {"http://a"}));
}

TEST_CASE("a refusal comes with its reason") {
  const Directory directory;
  Running running(directory.path());
  running.sockets = {{STDERR_FILENO, "http://a"}};
  running.refusal = "it cannot";
  CHECK_FALSE(running.ask(directory.path(), {"http://a"}));
  CHECK(running.error == "--take-over: the running culvert (process " + std::to_string(getpid()) +
                             ") does not hand over: it cannot");
}

TEST_CASE("a new process that hangs is given up, and told so when it wakes up") {
  const Directory directory;
  Running running(directory.path());
  running.limit = 100ms;
  running.sockets = {{STDERR_FILENO, "http://a"}};
  const auto taken = running.ask(directory.path(), {"http://a"});
  REQUIRE(taken);
  REQUIRE(turn_until(
      running.loop, [&] { return !running.why.empty(); }, 20s));
  CHECK(running.why == "was not ready to serve within 100ms");
  Predecessor predecessor(taken->control);
  CHECK(predecessor.await_turn("ssh").empty());
  CHECK(predecessor.given_up() == "this process was not ready to serve within 100ms");
  close_all(*taken);
}

TEST_CASE("a new process that ends is noticed") {
  const Directory directory;
  Running running(directory.path());
  running.sockets = {{STDERR_FILENO, "http://a"}};
  const auto taken = running.ask(directory.path(), {"http://a"});
  REQUIRE(taken);
  close_all(*taken);
  close(taken->control);
  REQUIRE(turn_until(
      running.loop, [&] { return !running.why.empty(); }, 20s));
  CHECK(running.why == "has ended");
}

TEST_CASE("a culvert that does not answer is an error, and one that ends meanwhile is not there") {
  const Directory directory;
  auto place = std::move(*TakeOverPlace::make(directory.path()));
  place->open();
  const auto silent = take_over(directory.path(), {"http://a"}, 50ms);
  REQUIRE_FALSE(silent);
  CHECK_THAT(silent.error().text, Contains("does not answer - is it stopped?"));
  std::thread other([&] { place.reset(); });
  CHECK_FALSE(*take_over(directory.path(), {"http://a"}, 20s));
  other.join();
}

TEST_CASE("of those that are just starting only older ones are waited for") {
  const Directory directory;
  const auto ours = std::move(*TakeOverPlace::make(directory.path()));
  // Of another process that is there, made before or after ours.
  const std::string other = directory.path() + "/" + network_prefix() + "1-0";
  const bool is_older = GENERATE(true, false);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  other.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  std::array<timespec, 2> times{};
  times[1].tv_sec = std::time(nullptr) + (is_older ? -2 : 2);
  REQUIRE(utimensat(AT_FDCWD, other.c_str(), times.data(), 0) == 0);
  bool waits = true;
  for (int tries = 0; tries < 5 && (tries == 0 || (waits && !is_older)); ++tries) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK_FALSE(*take_over(directory.path(), {"http://a"}));
    waits = std::chrono::steady_clock::now() - begun >= 1s;
  }
  CHECK(waits == is_older);
  CHECK(access(other.c_str(), F_OK) == 0);
}

TEST_CASE("a directory that others can write to is none for this") {
  const Directory directory;
  REQUIRE(chmod(directory.path().c_str(), S_IRWXU | S_IWOTH) == 0);
  CHECK_THAT(TakeOverPlace::make(directory.path()).error().text,
             Contains("others can write to it, or it is another user's"));
  CHECK_FALSE(take_over(directory.path(), {"http://a"}));
  CHECK_FALSE(prepare_runtime_directory("/dev/null"));
  CHECK_THAT(TakeOverPlace::make("/none/such").error().text,
             Contains("--take-over: /none/such: No such file or directory"));
}

TEST_CASE("what a message reader does not give away it closes") {
  const std::size_t before = open_files();
  {
    SocketPair pair = unix_pair();
    MessageReader reader;
    REQUIRE(send_message(pair.far.get(), "text", {STDERR_FILENO, STDERR_FILENO}));
    CHECK(reader.read_from(pair.near.get()) == MessageReader::State::complete);
    CHECK(reader.text() == "text");
  }
  CHECK(open_files() == before);
}

TEST_CASE("a message that ends early, is too long or has two ends is none") {
  SocketPair pair = unix_pair();
  const auto state_after = [&](const std::string& bytes, bool end) {
    MessageReader reader;
    send_all(pair.far, bytes);
    if (end) pair.far.reset();
    MessageReader::State state = MessageReader::State::more;
    for (int i = 0; i < 1000 && state == MessageReader::State::more; ++i) {
      state = reader.read_from(pair.near.get());
    }
    return state;
  };
  CHECK(state_after(std::string("a\0b\0", 4), false) == MessageReader::State::gone);
  CHECK(state_after("a", true) == MessageReader::State::gone);
}
