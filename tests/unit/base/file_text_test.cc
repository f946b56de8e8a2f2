#include "base/file_text.h"

#include <unistd.h>

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
