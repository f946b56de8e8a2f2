#include "net/journal_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/journal_entry.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// What journald has: a socket for datagrams.
class Journald {
 public:
  explicit Journald(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto address = SocketAddress::of_path(path).value();
    unlink(path.c_str());
    REQUIRE(bind(fd_.get(), address.get(), address.size) == 0);
  }
  std::vector<std::string> take() {
    std::vector<std::string> records;
    std::string buffer(JournalEntry::kMost, '\0');
    ssize_t size = 0;
    while ((size = recv(fd_.get(), buffer.data(), buffer.size(), 0)) >= 0) {
      records.push_back(buffer.substr(0, static_cast<std::size_t>(size)));
    }
    return records;
  }

 private:
  Fd fd_;
};

std::unique_ptr<JournalSocket> opened(const std::string& path) {
  std::string problem;
  auto socket = JournalSocket::open(path, problem);
  INFO(problem);
  REQUIRE(socket != nullptr);
  return socket;
}

std::string problem_of(const std::string& path) {
  std::string problem;
  CHECK(JournalSocket::open(path, problem) == nullptr);
  return problem;
}

RecordSink::Sent send(RecordSink& sink, const std::vector<std::string>& records) {
  return sink.send(std::vector<std::string_view>(records.begin(), records.end()));
}

}  // namespace

TEST_CASE("each record is a datagram") {
  const TempDir dir;
  Journald journald(dir.path("socket"));
  const auto socket = opened(dir.path("socket"));
  std::vector<std::string> records;
  for (int i = 0; i < 40; ++i) records.push_back("N=" + std::to_string(i) + "\n");
  std::vector<std::string> got;
  for (std::size_t taken = 0; taken < records.size();) {
    const auto [sent, error] =
        send(*socket, {records.begin() + static_cast<std::ptrdiff_t>(taken), records.end()});
    CHECK((error == 0 || error == EAGAIN));
    taken += sent;
    for (std::string& record : journald.take()) got.push_back(std::move(record));
  }
  CHECK(got == records);
  CHECK(send(*socket, {}).error == 0);
}

TEST_CASE("the longest entry goes through") {
  const TempDir dir;
  Journald journald(dir.path("socket"));
  const auto socket = opened(dir.path("socket"));
  const std::string longest(JournalEntry::kMost, 'x');
  CHECK(send(*socket, {longest}).records == 1);
  CHECK(journald.take() == std::vector<std::string>{longest});
}

TEST_CASE("a journald that does not read is not waited for") {
  const TempDir dir;
  Journald journald(dir.path("socket"));
  const auto socket = opened(dir.path("socket"));
  const std::vector<std::string> batch(16, std::string(1000, 'x'));
  std::size_t sent = 0;
  RecordSink::Sent last;
  do {
    last = send(*socket, batch);
    sent += last.records;
    REQUIRE(sent < 1'000'000);
  } while (last.error == 0);
  CHECK(last.error == EAGAIN);
  CHECK(last.records < batch.size());
  CHECK(journald.take().size() == sent);
  CHECK(send(*socket, {"again"}).records == 1);
}

TEST_CASE("a journald that was started anew gets the next record") {
  const TempDir dir;
  auto first = std::make_unique<Journald>(dir.path("socket"));
  const auto socket = opened(dir.path("socket"));
  CHECK(send(*socket, {"1"}).records == 1);
  first.reset();
  CHECK(send(*socket, {"2", "3"}).error == ECONNREFUSED);
  unlink(dir.path("socket").c_str());
  CHECK(send(*socket, {"4"}).error == ENOENT);
  Journald second(dir.path("socket"));
  CHECK(send(*socket, {"5"}).records == 1);
  CHECK(second.take() == std::vector<std::string>{"5"});
}

TEST_CASE("one record that is refused does not hide why") {
  const TempDir dir;
  Journald journald(dir.path("socket"));
  const auto socket = opened(dir.path("socket"));
  const std::string too_long(10'000'000, 'x');
  const auto [sent, error] = send(*socket, {"a", too_long, "b"});
  CHECK(sent == 1);
  CHECK(error == EMSGSIZE);
  CHECK(journald.take() == std::vector<std::string>{"a"});
}

TEST_CASE("where nobody listens, there is a reason") {
  const TempDir dir;
  CHECK(problem_of(dir.path("none")) == "No such file or directory");
  { const Journald gone(dir.path("gone")); }
  CHECK(problem_of(dir.path("gone")) == "Connection refused");
  const Fd stream(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = SocketAddress::of_path(dir.path("stream")).value();
  REQUIRE(bind(stream.get(), address.get(), address.size) == 0);
  REQUIRE(listen(stream.get(), 1) == 0);
  CHECK(problem_of(dir.path("stream")) == "Protocol wrong type for socket");
  CHECK(problem_of(std::string(200, 'x')) == "File name too long");
}

TEST_CASE("its descriptors are given back") {
  const TempDir dir;
  const std::size_t before = open_files();
  {
    Journald journald(dir.path("socket"));
    const auto socket = opened(dir.path("socket"));
    CHECK(socket->fd() >= 0);
  }
  CHECK(problem_of(dir.path("none")) != "");
  CHECK(open_files() == before);
}
