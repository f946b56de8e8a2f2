#include "base/rare_warnings.h"

#include <chrono>
#include <string>

#include "support/catch.h"
#include "support/memory_file.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Kind = RareWarnings::Kind;

namespace {

struct Warned {
  void write(Kind kind, std::string_view text) { warnings.write(kind, now, text); }
  /// The lines since the last call, without their times.
  std::string lines() {
    log.flush();
    const std::string all = file.text();
    std::string out;
    for (std::size_t begin = read; begin < all.size();) {
      const std::size_t end = all.find('\n', begin);
      out += all.substr(all.find("warning ", begin) + 8, end + 1 - all.find("warning ", begin) - 8);
      begin = end + 1;
    }
    read = all.size();
    return out;
  }

  MemoryFile file;
  Log log{file.fd(), -1, Log::Level::info, Log::Format::text};
  RareWarnings warnings{log};
  RareWarnings::Time now{1h};
  std::size_t read = 0;
};

}  // namespace

TEST_CASE("a few warnings of a kind are written in a period, and then how many were not") {
  Warned warned;
  std::string wanted;
  for (unsigned i = 0; i < RareWarnings::kMost; ++i) {
    const std::string text = "client " + std::to_string(i);
    warned.write(Kind::wrong_protocol, text);
    wanted += text + "\n";
  }
  for (int i = 0; i < 1234; ++i) warned.write(Kind::wrong_protocol, "one more");
  CHECK(warned.lines() == wanted);
  warned.now += RareWarnings::kPeriod - 1ms;
  warned.write(Kind::wrong_protocol, "not yet");
  CHECK(warned.lines().empty());
  warned.now += 1ms;
  warned.write(Kind::wrong_protocol, "again");
  warned.write(Kind::wrong_protocol, "and again");
  CHECK(warned.lines() == "again (and 1235 more like it before)\nand again\n");
}

TEST_CASE("each kind of warning counts for itself") {
  Warned warned;
  for (unsigned i = 0; i < 2 * RareWarnings::kMost; ++i) warned.write(Kind::distrust, "x");
  warned.lines();
  warned.write(Kind::wrong_balancer, "balancer");
  CHECK(warned.lines() == "balancer\n");
}

TEST_CASE("what is short is told once in a period") {
  Warned warned;
  for (int i = 0; i < 5; ++i) warned.write(Kind::no_accept, "none left");
  CHECK(warned.lines() == "none left\n");
  warned.now += RareWarnings::kPeriod;
  for (int i = 0; i < 5; ++i) warned.write(Kind::no_accept, "none left");
  CHECK(warned.lines() == "none left (and 4 more like it before)\n");
}
