#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

#include "support/catch.h"
#include "support/memory_file.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr std::size_t kMost = 1 << 20;
// Static, so that the heap and the stack hold it only if the reader has left it there.
constexpr std::string_view kLine = "the quick brown key of q7Kx0vZb, which nobody may see again\n";
std::array<char, 1 << 16> window;

std::string path_of(const MemoryFile& file) { return "/proc/self/fd/" + std::to_string(file.fd()); }

void append_lines(const MemoryFile& file, std::string_view line, int count) {
  for (int i = 0; i < count; ++i) {
    REQUIRE(write(file.fd(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
}

/// How often the line is found from `begin` to `end` of this process.
int lines_between(int memory, unsigned long begin, unsigned long end) {
  int found = 0;
  while (begin < end) {
    const ssize_t count =
        pread(memory, window.data(), std::min<std::size_t>(window.size(), end - begin),
              static_cast<off_t>(begin));
    if (count <= 0) break;
    const std::string_view text(window.data(), static_cast<std::size_t>(count));
    for (std::size_t at = 0; (at = text.find(kLine, at)) != text.npos; ++at) ++found;
    begin += static_cast<unsigned long>(count);
  }
  return found;
}

/// On the heap and the stack.
int lines_in_memory() {
  const Fd memory(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  std::ifstream maps("/proc/self/maps");
  int found = 0;
  for (std::string map; std::getline(maps, map);) {
    if (!map.ends_with("[heap]") && !map.ends_with("[stack]")) continue;
    std::size_t dash = 0;
    const unsigned long begin = std::stoul(map, &dash, 16);
    found += lines_between(memory.get(), begin, std::stoul(map.substr(dash + 1), nullptr, 16));
  }
  return found;
}

}  // namespace

TEST_CASE("a secret file is read in whole") {
  const MemoryFile file;
  CHECK(read_secret_file(path_of(file), kMost).text.empty());
  append_lines(file, "neither a key nor a secret\n", 300);
  const SecretFile read = read_secret_file(path_of(file), kMost);
  CHECK(read.problem.empty());
  CHECK(read.text.reveal() == file.text());
  // Its size is not known before.
  const SecretFile unknown = read_secret_file("/proc/self/maps", kMost);
  CHECK(unknown.problem.empty());
  CHECK(unknown.text.reveal().find("[stack]") != std::string_view::npos);
}

TEST_CASE("nothing of a secret file stays in memory") {
  const MemoryFile file;
  append_lines(file, kLine, 300);
  {
    const SecretFile read = read_secret_file(path_of(file), kMost);
    REQUIRE(read.problem.empty());
  }
  CHECK(lines_in_memory() == 0);
  CHECK_FALSE(read_secret_file(path_of(file), 1000).problem.empty());
  CHECK(lines_in_memory() == 0);
}

TEST_CASE("why a secret file cannot be read") {
  const TempDir dir;
  CHECK(read_secret_file("/nonexistent", kMost).problem == "No such file or directory");
  CHECK(read_secret_file("/proc", kMost).problem == "Is a directory");
  CHECK(read_secret_file("/dev/zero", 5000).problem == "larger than 5000 bytes");
  REQUIRE(mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  const std::string pipe = "a pipe, which cannot be read again by a reload";
  CHECK(read_secret_file(dir.path("pipe"), kMost).problem == pipe);
  const Fd writer(open(dir.path("pipe").c_str(), O_RDWR | O_CLOEXEC));
  CHECK(read_secret_file(dir.path("pipe"), kMost).problem == pipe);
}
