#include "base/text.h"

#include <cstdint>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;

TEST_CASE("concat joins its parts") {
  CHECK(concat({}).empty());
  const std::string middle = "b";
  CHECK(concat({"a", middle, std::string("c")}) == "abc");
}

TEST_CASE("a text is a number as a whole, or none") {
  CHECK(parse_number<std::uint16_t>("0") == 0);
  CHECK(parse_number<std::uint16_t>("0065535") == 65'535);
  CHECK(parse_number<int>("-7") == -7);
  for (const char* const text : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "65536"}) {
    CHECK_FALSE(parse_number<std::uint16_t>(text).has_value());
  }
}

TEST_CASE("printable leaves printable ASCII alone and hides the rest") {
  CHECK(printable("plain ~ text") == "plain ~ text");
  CHECK(printable("a\r\nb\tc\0d\x7f\x1b[31m\xc3\xa9"s) == "a??b?c?d??[31m??");
  CHECK(printable("") == "");
}

TEST_CASE("printable cuts visibly") {
  CHECK(printable("123456", 6) == "123456");
  CHECK(printable("1234567", 6) == "123...");
  CHECK(printable("1234567", 3) == "...");
  CHECK(printable("1234567", 2) == "..");
  CHECK(printable("1234567", 0) == "");
  CHECK(printable(std::string(1000, 'x')).size() == 200);
}

TEST_CASE("names are shortened in the middle") {
  CHECK(shorten_middle("gcr.io:443", 10) == "gcr.io:443");
  CHECK(shorten_middle("registry.example.com:443", 12) == "regis..m:443");
  CHECK(shorten_middle("abcdef", 5) == "a..ef");
  CHECK(shorten_middle("abcdef", 2) == "ab");
  CHECK(shorten_middle("abcdef", 0) == "");
}

TEST_CASE("JSON strings are escaped by RFC 8259 section 7") {
  CHECK(json_escape("plain") == "plain");
  CHECK(json_escape("\"\\/") == "\\\"\\\\/");
  CHECK(json_escape("\n\r\t\x01\x7f"s + '\0') == "\\n\\r\\t\\u0001\\u007f\\u0000");
  CHECK(json_escape("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3") ==
        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3");
  CHECK(json_escape("\xc2\x9b") == "\\u009b");
}

TEST_CASE("what is not UTF-8 becomes a replacement character") {
  CHECK(json_escape("a\xff"
                    "b") == "a\\ufffdb");
  CHECK(json_escape("\xc3") == "\\ufffd");             // cut short
  CHECK(json_escape("\xc0\xaf") == "\\ufffd\\ufffd");  // overlong
  CHECK(json_escape("\xe0\x80\xaf") == "\\ufffd\\ufffd\\ufffd");
  CHECK(json_escape("\xed\xa0\x80") == "\\ufffd\\ufffd\\ufffd");  // surrogate
  CHECK(json_escape("\xf4\x90\x80\x80") == "\\ufffd\\ufffd\\ufffd\\ufffd");
  CHECK(json_escape("\x80\"") == "\\ufffd\\\"");
  CHECK(json_escape("\xe2\x82\"") == "\\ufffd\\ufffd\\\"");
}

TEST_CASE("case is folded in ASCII only") {
  CHECK(to_lower("ABC-xyz_\xc3\x84") == "abc-xyz_\xc3\x84");
  CHECK(iequals("Host", "hOST"));
  CHECK_FALSE(iequals("Host", "Hos"));
  CHECK_FALSE(iequals("@", "`"));
  CHECK_FALSE(iequals("[", "{"));
}

TEST_CASE("trim and split know spaces and tabs") {
  CHECK(trim(" \t a b \t") == "a b");
  CHECK(trim(" \t ") == "");
  CHECK(trim("\na\n") == "\na\n");
  CHECK(split("a, b ,,c", ',') == std::vector<std::string_view>{"a", "b", "", "c"});
  CHECK(trim_space(" \t\r\n\v\fa\nb\r\n") == "a\nb");
  CHECK(trim_space("\n ") == "");
  CHECK(split("a,\n b\r\n", ',') == std::vector<std::string_view>{"a", "b"});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
  CHECK(split("a,", ',') == std::vector<std::string_view>{"a", ""});
}

TEST_CASE("percent-encoding is decoded or refused") {
  CHECK(percent_decode("p%40ss%3A%2f") == "p@ss:/");
  CHECK(percent_decode("a+b") == "a+b");
  std::string encoded = "a";
  for (const char c : {'/', '\xff', '\0', ' '}) append_percent_encoded(encoded, c);
  CHECK(encoded == "a%2F%FF%00%20");
  CHECK(percent_decode("%00") == "\0"s);
  CHECK(percent_decode("") == "");
  for (const char* bad : {"%", "%4", "%4g", "%g4", "a%", "%%41", "% 41"}) {
    CAPTURE(bad);
    CHECK_FALSE(percent_decode(bad));
  }
}

TEST_CASE("base64 follows the vectors of RFC 4648 section 10") {
  const std::vector<std::pair<std::string, std::string>> rows = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"},
                                                                 {"\xff\xfe\xfd"s, "//79"},
                                                                 {"\0\0"s, "AAA="}};
  for (const auto& [bytes, text] : rows) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
}

TEST_CASE("base64 that others might read differently is refused") {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Z=g=", "Zm9v\n",
                          "Zm 9v", "Zh==", "Zm9=", "Zm-_", "Zm9v="}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad));
  }
}

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* text : {"", "a", "b\xc3\xbc", "\xf0\x9f\x98\x80"}) CHECK(is_utf8(text));
  for (const char* text : {"\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    CHECK_FALSE(is_utf8(text));
  }
}

TEST_CASE("control characters are C0 and DEL, and no byte beyond ASCII") {
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    CHECK(is_control(static_cast<char>(byte)) == (byte < 32 || byte == 127));
  }
  CHECK(has_control("a\tb"));
  CHECK(has_control(std::string_view("\0", 1)));
  CHECK_FALSE(has_control("a b \xc3\xa9"));
  CHECK_FALSE(has_control(""));
}

TEST_CASE("one byte order mark goes, and only from the beginning") {
  CHECK(without_byte_order_mark("\xef\xbb\xbfkey") == "key");
  CHECK(without_byte_order_mark("\xef\xbb\xbf\xef\xbb\xbf") == "\xef\xbb\xbf");
  CHECK(without_byte_order_mark("\xef\xbb") == "\xef\xbb");
  CHECK(without_byte_order_mark("key\xef\xbb\xbf") == "key\xef\xbb\xbf");
  CHECK(without_byte_order_mark("").empty());
}

TEST_CASE("what is not plain is percent-encoded, byte by byte") {
  const auto is_plain = [](char c) { return is_letter_or_digit(c) || c == '/'; };
  CHECK(percent_encode("a/b c\xc3\xa9%", is_plain) == "a/b%20c%C3%A9%25");
  CHECK(percent_encode(std::string_view("\0", 1), is_plain) == "%00");
  CHECK(percent_encode("", is_plain).empty());
}
