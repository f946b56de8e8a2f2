#include "status/cells.h"

#include <string>
#include <vector>

#include "base/utf8.h"
#include "support/catch.h"

using namespace culvert;

using Lines = std::vector<std::string>;

TEST_CASE("a character takes none, one or two columns") {
  CHECK(columns_of("gcr.io") == 6);
  CHECK(columns_of("é") == 1);
  CHECK(columns_of("e\u0301") == 1);
  CHECK(columns_of("例え") == 4);
  CHECK(columns_of("한국") == 4);
  CHECK(columns_of("ｆ") == 2);
  CHECK(columns_of("\U0001F600") == 2);
  CHECK(columns_of("a\u200bb\ufe0f") == 2);
  CHECK(columns_of("▁█…") == 3);
  CHECK(columns_of("\xff") == 1);
  CHECK(columns_of("") == 0);
}

TEST_CASE("names are shortened in the middle, sentences at their end") {
  CHECK(shorten_to("production.docker.com:443", 25, true) == "production.docker.com:443");
  CHECK(shorten_to("production.docker.com:443", 11, true) == "produ…m:443");
  CHECK(shorten_to("production.docker.com:443", 11, false) == "produ..:443");
  CHECK(cut_to("a sentence", 6, true) == "a sen…");
  CHECK(cut_to("a sentence", 6, false) == "a se..");
  CHECK(shorten_to("abc", 1, true) == "a");
  CHECK(shorten_to("abc", 0, true).empty());
  CHECK(cut_to("abc", 2, false) == "ab");
}

TEST_CASE("no character is cut, and none is wider than its place") {
  const std::string text = "例え.テスト.e\u0301xample:443";
  for (std::size_t columns = 0; columns < 30; ++columns) {
    for (const std::string& cut : {shorten_to(text, columns, true), cut_to(text, columns, true)}) {
      CHECK(is_utf8(cut));
      CHECK(columns_of(cut) <= columns);
    }
  }
}

TEST_CASE("colours are around words, and take no column") {
  const std::vector<Span> spans = {{"up", Tone::good}, {" and "}, {"down", Tone::bad}};
  CHECK(join_spans(spans, {80, true, false}) == "up and down");
  CHECK(join_spans(spans, {80, true, true}) == "\x1b[32mup\x1b[0m and \x1b[31mdown\x1b[0m");
  CHECK(join_spans(spans, {9, true, true}) == "\x1b[32mup\x1b[0m and \x1b[31md…\x1b[0m");
  CHECK(join_spans(spans, {4, true, true}) == "\x1b[32mup\x1b[0m …");
}

namespace {

const std::vector<Column> kColumns = {
    {.title = "NAME", .least = 9},
    {.title = "N", .right = true, .dispensable = 1},
    {.title = "WHY", .dispensable = 2},
};
const std::vector<std::vector<Span>> kRows = {
    {{"registry.example"}, {"7"}, {"because"}},
    {{"例え"}, {"1000"}, {""}},
};

}  // namespace

TEST_CASE("a table is as wide as what is in it") {
  CHECK(table_lines(kColumns, kRows, {80, true, false}) == Lines{"NAME                 N  WHY",
                                                                 "registry.example     7  because",
                                                                 "例え              1000"});
}

TEST_CASE("a narrow table shortens first, then leaves columns out") {
  CHECK(table_lines(kColumns, kRows, {24, true, false}) ==
        Lines{"NAME          N  WHY", "regi…mple     7  because", "例え       1000"});
  CHECK(table_lines(kColumns, kRows, {23, true, false}) ==
        Lines{"NAME                 N", "registry.example     7", "例え              1000"});
  CHECK(table_lines(kColumns, kRows, {10, true, false}) == Lines{"NAME", "regis…mple", "例え"});
  CHECK(table_lines(kColumns, kRows, {8, true, false}) == Lines{"NAME", "regi…ple", "例え"});
  CHECK(table_lines(kColumns, kRows, {3, true, false}) == Lines{"NA…", "re…", "例…"});
}

TEST_CASE("words are put into lines") {
  CHECK(wrap_words("  is the tunnel  up?", 11, true) == Lines{"is the", "tunnel up?"});
  CHECK(wrap_words("unbreakable", 6, true) == Lines{"unbre…"});
  CHECK(wrap_words("", 10, true).empty());
}
