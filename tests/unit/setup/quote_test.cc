#include "setup/quote.h"

#include <string>
#include <string_view>

#include "base/unit_text.h"
#include "support/catch.h"

using namespace culvert;

namespace {

/// A value, and what each reader needs for it.  The readers themselves are asked in
/// tests/e2e/test_setup.py.
struct Quoted {
  std::string_view value;
  std::string_view unit;
  std::string_view word;
  std::string_view environment_file;
  std::string_view shell;
  std::string_view toml;
  std::string_view npm;
};

constexpr Quoted kTable[] = {
    {"http://a:1", R"("N=http://a:1")", "http://a:1", R"("http://a:1")", "'http://a:1'",
     R"("http://a:1")", "http://a:1"},
    {"", R"("N=")", R"("")", R"("")", "''", R"("")", ""},
    {"a%20b", R"("N=a%%20b")", "a%%20b", R"("a%20b")", "'a%20b'", R"("a%20b")", "a%20b"},
    {R"(a"b)", R"("N=a\"b")", R"("a\"b")", R"("a\"b")", R"('a"b')", R"("a\"b")", R"("a\"b")"},
    {R"(a\b)", R"("N=a\\b")", R"("a\\b")", R"("a\\b")", R"('a'\\'b')", R"("a\\b")", R"("a\\b")"},
    {"a'b", R"("N=a'b")", R"("a'b")", R"("a'b")", R"('a'\''b')", R"("a'b")", R"("a'b")"},
    {"$a ${b}", R"("N=$a ${b}")", R"("$$a $${b}")", R"("\$a \${b}")", "'$a ${b}'", R"("$a ${b}")",
     R"("$a \\${b}")"},
    {"a;b #c", R"("N=a;b #c")", R"("a;b #c")", R"("a;b #c")", "'a;b #c'", R"("a;b #c")",
     R"("a;b #c")"},
    {"`a`", R"("N=`a`")", "`a`", R"("\`a\`")", "'`a`'", R"("`a`")", "`a`"},
};

}  // namespace

TEST_CASE("a value is quoted as its reader needs it") {
  for (const Quoted& row : kTable) {
    CAPTURE(row.value);
    CHECK(quote_unit_environment("N", row.value) == row.unit);
    CHECK(quote_unit_word(row.value) == row.word);
    CHECK(quote_environment_file(row.value) == row.environment_file);
    CHECK(quote_shell(row.value) == row.shell);
    CHECK(quote_toml(row.value) == row.toml);
    CHECK(quote_git(row.value) == row.toml);
    CHECK(quote_npm(row.value) == row.npm);
  }
}

TEST_CASE("npm finds nothing to replace in a value") {
  CHECK(quote_npm(R"(\\${a})") == R"("\\\\\\\\\\${a}")");
  CHECK(quote_npm("${}${$}${a") == R"("${}${$}${a")");
  CHECK(quote_npm("${${a}}") == R"("${\\${a}}")");
}
