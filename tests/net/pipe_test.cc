#include "net/pipe.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

// A user of Linux without any right.
constexpr uid_t kNobody = 65534;

}  // namespace

TEST_CASE("a pipe that was given back is lent again") {
  PipePool pool;
  Pipe first = pool.borrow();
  REQUIRE(first.open());
  const int fd = first.read_end;
  pool.give_back(std::move(first));
  CHECK_FALSE(first.open());  // NOLINT(bugprone-use-after-move): that is the question
  Pipe again = pool.borrow();
  CHECK(again.read_end == fd);
  pool.give_back(std::move(again));
}

TEST_CASE("a pipe that holds bytes is never lent again") {
  PipePool pool;
  Pipe pipe = pool.borrow();
  REQUIRE(write(pipe.write_end, "secret", 6) == 6);
  pipe.held = 6;
  pool.give_back(std::move(pipe));
  Pipe next = pool.borrow();
  char byte = 0;
  CHECK(read(next.read_end, &byte, 1) == -1);
  CHECK(errno == EAGAIN);
  pool.give_back(std::move(next));
}

TEST_CASE("a pool lends so many and no more, and its end closes them") {
  const std::size_t before = open_files();
  {
    PipePool pool;
    std::vector<Pipe> pipes;
    for (std::size_t i = 0; i < PipePool::kMost; ++i) {
      pipes.push_back(pool.borrow());
      CHECK(pipes.back().open());
    }
    CHECK_FALSE(pool.borrow().open());
    pool.give_back(std::move(pipes.back()));
    pipes.pop_back();
    pipes.push_back(pool.borrow());
    CHECK(pipes.back().open());
    CHECK_FALSE(pool.borrow().open());
    // Bytes that belong to nobody make room for a new pipe, too.
    pipes.back().held = 1;
    pool.give_back(std::move(pipes.back()));
    pipes.back() = pool.borrow();
    CHECK(pipes.back().open());
    for (Pipe& pipe : pipes) pool.give_back(std::move(pipe));
    CHECK(open_files() == before + 2 * PipePool::kMost);
  }
  CHECK(open_files() == before);
}

TEST_CASE("without descriptors there is no pipe, and no harm") {
  PipePool pool;
  {
    const FileLimit none_left;
    CHECK_FALSE(pool.borrow().open());
    pool.give_back(pool.borrow());
  }
  // A failed attempt costs, so it is not repeated at once; but before long.
  Pipe pipe;
  for (int i = 0; i < 1000 && !pipe.open(); ++i) pipe = pool.borrow();
  CHECK(pipe.open());
  pool.give_back(std::move(pipe));
}

TEST_CASE("beyond the user's share of pipe memory there is no pipe rather than a tiny one") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Root's share has no bound.
    if (geteuid() == 0 && setuid(kNobody) != 0) _exit(2);
    std::array<PipePool, 3> pools;
    std::vector<Pipe> pipes;
    std::size_t refused = 0;
    for (PipePool& pool : pools) {
      for (std::size_t i = 0; i < PipePool::kMost; ++i) pipes.push_back(pool.borrow());
    }
    for (const Pipe& pipe : pipes) {
      if (!pipe.open()) {
        ++refused;
      } else if (fcntl(pipe.write_end, F_GETPIPE_SZ) < 256 * 1024) {
        _exit(3);
      }
    }
    _exit(refused > 0 && refused < pipes.size() ? 0 : 4);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a pipe is closed by its owner's end, and moves") {
  const std::size_t before = open_files();
  {
    PipePool pool;
    Pipe pipe = pool.borrow();
    Pipe moved(std::move(pipe));
    Pipe assigned;
    assigned = std::move(moved);
    CHECK(assigned.open());
    CHECK(open_files() == before + 2);
  }
  CHECK(open_files() == before);
}
