#include "setup/diff.h"

#include <cstdint>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

std::string compared(std::string_view before, std::string_view after) {
  std::string text;
  for (const DiffLine& line : compare_lines(before, after))
    text.append(1, line.mark).append(line.text);
  return text;
}

}  // namespace

TEST_CASE("a comparison has the lines of both texts in order") {
  CHECK(compared("", "") == "");
  CHECK(compared("", "a\nb\n") == "+a\n+b\n");
  CHECK(compared("a\nb\n", "") == "-a\n-b\n");
  CHECK(compared("a\nb\nc\n", "a\nb\nc\n") == " a\n b\n c\n");
  CHECK(compared("a\nb\nc\n", "a\nx\nc\n") == " a\n-b\n+x\n c\n");
  CHECK(compared("a\nb\nc\nd\n", "b\nd\ne\n") == "-a\n b\n-c\n d\n+e\n");
  CHECK(compared("a", "a\nb\n") == "-a+a\n+b\n");
}

TEST_CASE("what a comparison leaves out is the other text") {
  std::uint32_t seed = 1;
  const auto random = [&](std::uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 16U) % below;
  };
  for (int round = 0; round < 200; ++round) {
    std::string texts[2];
    for (std::string& text : texts) {
      for (std::uint32_t i = random(12); i > 0; --i) text.append(1, "abc"[random(3)]).append("\n");
    }
    std::string before;
    std::string after;
    for (const DiffLine& line : compare_lines(texts[0], texts[1])) {
      if (line.mark != '+') before += line.text;
      if (line.mark != '-') after += line.text;
    }
    CHECK(before == texts[0]);
    CHECK(after == texts[1]);
  }
}

TEST_CASE("large texts are compared without a search") {
  std::string a;
  std::string b;
  for (int i = 0; i < 3000; ++i) a += std::to_string(i) + "\n";
  for (int i = 0; i < 3000; ++i) b += std::to_string(i * 7) + "x\n";
  CHECK(compare_lines(a, b).size() == 6000);
}

TEST_CASE("hunks have lines around them, and join where these meet") {
  const std::string before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
  const auto one = compare_lines(before, "1\n2\n3\n4\nx\n6\n7\n8\n9\n");
  const auto hunks = find_hunks(one, 3);
  REQUIRE(hunks.size() == 1);
  CHECK(hunks[0].first == 1);
  CHECK(hunks[0].count == 8);
  CHECK(hunks[0].old_line == 1);
  CHECK(hunks[0].new_line == 1);
  const auto two = compare_lines(before, "x\n1\n2\n3\n4\n5\n6\n7\n8\ny\n");
  CHECK(find_hunks(two, 3).size() == 2);
  CHECK(find_hunks(two, 4).size() == 1);
  CHECK(find_hunks(two, 1)[1].old_line == 7);
  CHECK(find_hunks(two, 1)[1].new_line == 8);
  CHECK(find_hunks(compare_lines(before, before), 3).empty());
}
