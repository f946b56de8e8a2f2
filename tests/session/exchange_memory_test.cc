// What a keep-alive connection costs once it runs: no memory is asked for.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which count for themselves

#include <cstdlib>
#include <new>

#include "support/catch.h"
#include "support/plain_scene.h"

namespace {

std::size_t allocations = 0;

}  // namespace

// Counts for the whole program, which is one thread.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace culvert::test {

TEST_CASE("in the steady state an exchange allocates no more than its target's name") {
  PlainScene::Options options;
  options.access_log = false;
  PlainScene scene(std::move(options));
  // A name too long for a short string's own room.
  const std::string request = crlf(
      "GET http://a-rather-long-name.example/path HTTP/1.1\n"
      "Host: a-rather-long-name.example\nUser-Agent: test\nAccept: */*\n\n");
  const std::string answer = crlf("HTTP/1.1 200 OK\nDate: x\nServer: y\nContent-Length: 1024\n\n") +
                             std::string(1024, 'x');
  for (int i = 0; i < 4; ++i) {
    scene.say(request);
    scene.answer(answer);
    scene.asked();
    scene.hear();
  }
  scene.client().say(request);
  const std::size_t before_request = allocations;
  scene.settle();
  const std::size_t for_request = allocations - before_request;
  scene.target().say(answer);
  const std::size_t before_answer = allocations;
  scene.settle();
  const std::size_t for_answer = allocations - before_answer;
  CHECK(scene.hear().size() > 1024);
  CHECK(for_request <= 1);  // the target's name
  CHECK(for_answer == 0);
}

}  // namespace culvert::test

#endif
