#include "commands/patient_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "support/catch.h"

using namespace culvert;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLong{30'000};
constexpr milliseconds kShort{10};

/// A pipe of one page.
struct Pipe {
  explicit Pipe(int flags = 0) {
    REQUIRE(pipe2(ends, O_CLOEXEC | flags) == 0);
    REQUIRE(fcntl(ends[1], F_SETPIPE_SZ, 4'096) >= 4'096);
  }
  ~Pipe() {
    close_reader();
    if (ends[1] >= 0) close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_reader() {
    if (ends[0] >= 0) close(ends[0]);
    ends[0] = -1;
  }
  std::string read(std::size_t size) const {
    std::string text;
    std::array<char, 512> buffer;
    while (text.size() < size) {
      const ssize_t n = ::read(ends[0], buffer.data(), std::min(buffer.size(), size - text.size()));
      if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

  int ends[2] = {-1, -1};
};

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
  return text;
}

}  // namespace

TEST_CASE("output is written in the order in which it came") {
  const Pipe pipe;
  PatientOutput output(pipe.ends[1]);
  output.write("one\n");
  output.write("");
  output.write("two\n");
  CHECK(output.wait(kLong));
  CHECK(pipe.read(8) == "one\ntwo\n");
  CHECK_FALSE(output.failed());
}

TEST_CASE("a reader who does not read holds nobody up") {
  for (const int flags : {0, O_NONBLOCK}) {
    const std::string text = numbers(20'000);
    Pipe pipe(flags);
    PatientOutput output(pipe.ends[1]);
    output.write(text);
    CHECK_FALSE(output.wait(kShort));
    CHECK_FALSE(output.wait_for_reader(kShort));
    CHECK_FALSE(output.failed());
    // One who begins late gets all of it.
    CHECK(pipe.read(text.size()) == text);
    CHECK(output.wait_for_reader(kLong));
  }
}

TEST_CASE("a reader who takes bytes, and no page for long, is waited for") {
  constexpr milliseconds kPatience{500};
  const std::string text = numbers(3'000);
  const Pipe pipe;
  PatientOutput output(pipe.ends[1]);
  output.write(text);
  std::string got;
  std::thread reader([&] {
    // A page in more than the patience.
    while (got.size() < 4'000) {
      got += pipe.read(100);
      std::this_thread::sleep_for(milliseconds(20));
    }
    got += pipe.read(text.size() - got.size());
  });
  CHECK(output.wait_for_reader(kPatience));
  reader.join();
  CHECK(got == text);
}

TEST_CASE("a reader who leaves is a failure, and nothing more is written") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  PatientOutput output(pipe.ends[1]);
  output.write(numbers(20'000));
  CHECK_FALSE(output.wait(kShort));
  pipe.close_reader();
  CHECK(output.wait(kLong));
  CHECK(output.failed());
  output.write("more");
  CHECK(output.wait_for_reader(kShort));
}

TEST_CASE("an output that is given up lets its owner go") {
  Pipe pipe;
  {
    PatientOutput output(pipe.ends[1]);
    output.write(numbers(20'000));
    CHECK_FALSE(output.wait(kShort));
  }
  // The thread that hangs in its write goes, and may still use the descriptor.
  pipe.close_reader();
  pipe.ends[1] = -1;
}
