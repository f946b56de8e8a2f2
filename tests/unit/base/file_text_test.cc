#include "base/file_text.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/catch.h"
#include "support/memory_file.h"

using namespace culvert;

TEST_CASE("the text of a file") {
  const std::string text = std::string(10'000, 'x') + '\0' + "end";
  const test::MemoryFile file;
  REQUIRE(write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  CHECK(file_text("/proc/self/fd/" + std::to_string(file.fd())) == text);
  CHECK_FALSE(file_text("/proc/self/comm").empty());
}

TEST_CASE("what cannot be read is empty") {
  CHECK(file_text("/nonexistent").empty());
  CHECK(file_text("/proc").empty());
}

TEST_CASE("why a file cannot be read is told by errno, and a large one is cut") {
  CHECK_FALSE(file_text("/nonexistent", 10));
  CHECK(errno == ENOENT);
  CHECK_FALSE(file_text("/proc", 10));
  CHECK(errno == EISDIR);
  const auto cut = file_text("/dev/zero", 10'000);
  REQUIRE(cut);
  CHECK(cut->size() >= 10'000);
  CHECK(cut->size() < 20'000);
}
