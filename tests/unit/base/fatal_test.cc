#include "base/fatal.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <new>
#include <string>

#include "support/catch.h"
#include "support/sockets.h"

using culvert::fatal;

namespace {

struct End {
  int status = 0;    // of waitpid(2)
  std::string said;  // on stderr
};

End end_of(const std::function<void()>& ending) {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const culvert::test::Fd reading(ends[0]);
  culvert::test::Fd writing(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGSEGV}) std::signal(signal, SIG_DFL);  // not Catch2's
    dup2(writing.get(), STDERR_FILENO);
    ending();
    _exit(0);
  }
  writing.reset();
  End end;
  std::array<char, 4'096> piece{};
  while (true) {
    const ssize_t count = read(reading.get(), piece.data(), piece.size());
    if (count <= 0) break;
    end.said.append(piece.data(), static_cast<std::size_t>(count));
  }
  REQUIRE(waitpid(child, &end.status, 0) == child);
  return end;
}

}  // namespace

TEST_CASE("what is missing at the start is named, and ends the process") {
  const End end = end_of([] { fatal("epoll_create1", EMFILE); });
  CHECK(WIFEXITED(end.status));
  CHECK(WEXITSTATUS(end.status) == 1);
  CHECK(end.said ==
        "culvert: cannot start: epoll_create1: Too many open files - see the limits of open files, "
        "processes and memory (ulimit -a)\n");
}

TEST_CASE("a command may have an exit status of its own for that") {
  const End end = end_of([] {
    culvert::fatal_status = 125;
    fatal("epoll_create1", EMFILE);
  });
  CHECK(WEXITSTATUS(end.status) == 125);
}

TEST_CASE("memory that has run out ends the process, and is named") {
  const std::function<void()> fail = [] { throw std::bad_alloc(); };
  const End end = end_of([&]() noexcept { fail(); });
  CHECK(WIFSIGNALED(end.status));
  CHECK(WTERMSIG(end.status) == SIGABRT);
  CHECK(end.said.find("bad_alloc") != std::string::npos);
}
