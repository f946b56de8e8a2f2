#include "setup/toml_scanner.h"

#include "support/catch.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

Lines keys_of(std::string_view text) {
  Lines keys;
  TomlScanner scanner(text);
  while (const auto key = scanner.next_key()) keys.push_back(*key);
  return keys;
}

std::optional<TomlArray> array_in(std::string_view text) {
  TomlScanner scanner(text);
  if (!scanner.next_key()) return std::nullopt;
  return scanner.read_array();
}

TEST_CASE("keys are found with their tables") {
  CHECK(keys_of("a = 1\n[t]\nb = \"[x]\\nc = 1\"\n# d = 1\n\"e f\" = '''\ng = 1\n'''\n"
                "[ t . \"u\" ] # x\nh = [\n 1, # ]\n 2\n]\ni.j = {k = 1}\n[[l]]\nm=1") ==
        Lines{"a", "t.b", "t.e f", "t.u.h", "t.u.i.j", "l.m"});
  CHECK(keys_of("no key\n= \n\na = \"unfinished\nb = 1\n") == Lines{"", "a", "b"});
  CHECK(keys_of("[").empty());
  CHECK(keys_of("a = [\"").size() == 1);
  CHECK(keys_of("a = \"\\").size() == 1);
}

TEST_CASE("an array's strings are read in each form") {
  const auto array =
      array_in("x = [ \"a\\\"b\\u00e9\\t\", 'c\\d', # e\n {append = true}, \"\"\"f\n\"\"\" ]");
  REQUIRE(array);
  CHECK(array->strings == Lines{"a\"b\xc3\xa9\t", "c\\d", "f\n"});
  CHECK(array->tables == Lines{"append = true"});
  for (const std::string_view text :
       {"x = 1", "x = [1]", "x = [\"a\"", "x = [[\"a\"]]", "x =", "x = [\"a\\u12"}) {
    INFO(text);
    CHECK_FALSE(array_in(text));
  }
}

}  // namespace
}  // namespace culvert
