#include "status/screen.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a frame is written over the one before, without clearing it first") {
  CHECK(frame_of({"a", "", "b"}) == "\x1b[Ha\x1b[K\r\n\x1b[K\r\nb\x1b[K\x1b[J");
  CHECK(frame_of({}) == "\x1b[H\x1b[J");
}

TEST_CASE("what a terminal was switched to is switched back") {
  CHECK(screen_begin() == "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J");
  CHECK(screen_end() == "\x1b[?7h\x1b[?25h\x1b[?1049l");
}

TEST_CASE("without a terminal the size is that of the variables, or usual") {
  const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
  unsetenv("COLUMNS");
  unsetenv("LINES");
  CHECK(screen_size(none).width == 80);
  CHECK(screen_size(none).height == 24);
  setenv("COLUMNS", "133", 1);
  setenv("LINES", "none", 1);
  CHECK(screen_size(none).width == 133);
  CHECK(screen_size(none).height == 24);
  unsetenv("COLUMNS");
  unsetenv("LINES");
  close(none);
}
