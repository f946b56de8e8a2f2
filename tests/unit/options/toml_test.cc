#include "options/toml.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

/// Entries as "key@line=value" or "key@line=[value|value]", problems in braces.
std::string read(std::string_view text) {
  std::vector<std::string> problems;
  std::string shown;
  for (const TomlEntry& entry : read_toml(text, problems)) {
    if (!shown.empty()) shown += ' ';
    shown += entry.key + "@" + std::to_string(entry.line) + "=";
    if (entry.is_array) shown += '[';
    for (std::size_t i = 0; i < entry.values.size(); ++i) {
      if (i > 0) shown += '|';
      shown += entry.values[i].text;
    }
    if (entry.is_array) shown += ']';
  }
  for (const std::string& problem : problems) shown += "{" + problem + "}";
  return shown;
}

}  // namespace

TEST_CASE("what TOML looks like") {
  CHECK(read("") == "");
  CHECK(read("\n \t\n# comment\n") == "");
  CHECK(read("a = \"b\"") == "a@1=b");
  CHECK(read("a='b'") == "a@1=b");
  CHECK(read("\xef\xbb\xbf"
             "a='b'") == "a@1=b");
  CHECK(read("  a-b_c  =  'd'  # comment\r\nb = 1\r\n") == "a-b_c@1=d b@2=1");
  CHECK(read("\"a b\" = 1\n'c' = 2") == "a b@1=1 c@2=2");
  CHECK(read("a = true\nb = false\nc = 0\nd = 42") == "a@1=true b@2=false c@3=0 d@4=42");
  CHECK(read("a = '#no comment' # one") == "a@1=#no comment");
  CHECK(read("a = 'C:\\x'") == "a@1=C:\\x");
  CHECK(read(R"(a = "q\"b\\t\tn\nu\u00e4U\U0001F600")") ==
        "a@1=q\"b\\t\tn\nu\xc3\xa4U\xf0\x9f\x98\x80");
  CHECK(read("a = ''") == "a@1=");
}

TEST_CASE("arrays") {
  CHECK(read("a = []") == "a@1=[]");
  CHECK(read("a = ['b']") == "a@1=[b]");
  CHECK(read("a = [ 'b' , \"c\",1,true, ] # d") == "a@1=[b|c|1|true]");
  CHECK(read("a = [\n  'b', # the first\n\n  # nothing\n  'c'\n]\nd = 1") == "a@1=[b|c] d@7=1");

  std::vector<std::string> problems;
  const auto entries = read_toml("\na = [\n'b',\n\n'c']", problems);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].line == 2);
  CHECK(entries[0].values[0].line == 3);
  CHECK(entries[0].values[1].line == 5);
}

TEST_CASE("one bad value does not hide the others of its array") {
  const std::string word = "a value is a \"text\" in quotes, a whole number, true or false";
  CHECK(read("a = [\n'b',\nc.d:1, # no\n'e'\n]\nf = 1") == "a@1=[b|e] f@6=1{3: " + word + "}");
  CHECK(read("a = [x, 'b', y]\nc = 1") == "a@1=[b] c@2=1{1: " + word + "}{1: " + word + "}");
  CHECK(read("a = [\n'b'\n'c'\n]\nd = 1") ==
        "a@1=[b|c] d@5=1{3: a ',' or ']' is missing behind an array's value}");
  CHECK(read("a = [\n'b,\n'c',\n]\nd = 1") ==
        "a@1=[c] d@5=1{2: the text's closing quote is missing}");
  CHECK(read("a = [\n\"b\\x, y\",\n'c',\n]\nd = 1") ==
        "a@1=[c] d@5=1{2: a '\\' in a text is written \\\\, or the text goes in single quotes}");
  CHECK(read("a = [\r\r]").find('{') != std::string::npos);
}

TEST_CASE("no text holds a NUL byte") {
  CHECK(read("a = \"/x\\u0000y\"") == "{1: a text holds no NUL byte}");
  CHECK(read("a = \"/x\\U00000000y\"") == "{1: a text holds no NUL byte}");
}

TEST_CASE("a mistake is reported with its line, and the rest is read") {
  CHECK(read("a = 1\nb\nc = 2") == "a@1=1 c@3=2{2: '=' is missing behind a key}");
  CHECK(read("a = 127.0.0.1:3128\nb = 5s") ==
        "{1: a value is a \"text\" in quotes, a whole number, true or false}"
        "{2: a value is a \"text\" in quotes, a whole number, true or false}");
  CHECK(read("[server]\na = 1") == "a@2=1{1: culvert's file has no [sections]}");
  CHECK(read("a.b = 1") == "{1: a key is one word, the name of a flag}");
  CHECK(read("= 1") == "{1: a key is missing, the name of a flag}");
  CHECK(read("a =") == "{1: a value is missing}");
  CHECK(read("a = \nb = 1") == "b@2=1{1: a value is missing}");
  CHECK(read("a = 'b") == "{1: the text's closing quote is missing}");
  CHECK(read("a = \"b\nc = 1") == "c@2=1{1: the text's closing quote is missing}");
  CHECK(read("a = 'b' 'c'") == "{1: something follows the value}");
  CHECK(read("a = 1\na = 2") ==
        "a@1=1{2: 'a' stands in line 1 already; several values go in one array [..., ...]}");
  CHECK(read("a = ['b'\nc = 1") == "{2: a ',' or ']' is missing behind an array's value}");
  CHECK(read("\na = ['b',") == "{2: the array's closing ']' is missing}");
  CHECK(read("\na = [\n'b'\n") == "{2: the array's closing ']' is missing}");
  CHECK(read("a = [['b']]") == "{1: an array within an array has no meaning here}");
  CHECK(read("a = '''b'''") == "{1: a text stands in single quotes or double ones, on one line}");
  for (const char* const text :
       {"a = \"\\x\"", "a = \"\\u12\"", "a = \"\\ud800\"", "a = \"\\U00110000\"", "a = \"\x01\"",
        "a = 1.5", "a = 01", "a = +1", "a = -1", "a = 1979-05-27", "a = True", "a = {b = 1}",
        "a = \"\\", "a = \"\\u", "\"a = 1", "a = [1 2]", "a = [,]"}) {
    INFO(text);
    CHECK(read(text).find('{') != std::string::npos);
  }
}
