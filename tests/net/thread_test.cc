#include "net/thread.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "support/catch.h"

using culvert::Thread;

TEST_CASE("a thread runs what it was given, and is waited for") {
  std::atomic<int> ran = 0;
  auto thread = Thread::start([&] { ran = 7; });
  REQUIRE(thread);
  thread->join();
  CHECK(ran == 7);
}

TEST_CASE("a thread that nobody waits for runs, too") {
  std::atomic<bool> ran = false;
  REQUIRE(Thread::start_detached([&] {
    ran = true;
    ran.notify_all();
  }));
  ran.wait(false);
  CHECK(ran);
}
