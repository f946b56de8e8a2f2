// Values with a password in a place where it does not belong: no message repeats it, whichever of
// the three ways it came.
#include <algorithm>
#include <cctype>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "options/toml.h"
#include "support/catch.h"
#include "unit/options/temporary_file.h"

using namespace culvert;

namespace {

constexpr const char* kSecret = "hunter2SECRET";

struct Row {
  const char* flag;
  const char* value;  ///< '$' stands for the secret
};

const Row kRows[] = {
    {"route", "https://u:$@h=direct"},
    {"route", "u:$=direct"},
    {"route", "u:x,$!,y@h=direct"},
    {"route", "gcr.io=socks5://u:$@h:1080"},
    {"route", "gcr.io=u:$"},
    {"route", "gcr.io=u:x,$,y@h"},
    {"route", "preset:u:$=direct"},
    {"route", "u:$@http://h=direct"},
    {"route", "u:$=https://h"},
    {"upstream", "a=socks5://h?via=http://u:$@p:3128"},
    {"upstream", "a=socks5://h?via=u:$"},
    {"upstream", "https://h?sni=u:$@h"},
    {"upstream", "https://h?sni=u%3A$%40h"},
    {"upstream", "socks5://u:p?ca=$@h"},
    {"upstream", "https://u:12?ca=$@h"},
    {"upstream", "https://u:12?password-file=$@h"},
    {"upstream", "socks5://u:p?warm=$@h"},
    {"upstream", "socks5://u:12?warm=$@h"},
    {"upstream", "socks5://u:12?warm=$&x@h"},
    {"upstream", "socks5://u:12?warm=1&$=x@h"},
    {"upstream", "socks5://u:12?resolve=$@h"},
    {"upstream", "socks5://u:12?connect-timeout=$@h"},
    {"upstream", "u:$@h"},
    {"upstream", "u:$"},
    {"upstream", "u:$@socks5://h"},
    {"no-proxy", "http://u:$@h"},
    {"no-proxy", "u:$@h"},
    {"no-proxy", "u:$"},
    {"no-proxy", "u:x,$*,y@h"},
    {"no-proxy", "u:x,$*,*,y@h"},
    {"allow-client", "u:$@h"},
    {"allow-client", "u:$"},
    {"allow-client", "u:x,$,y@h"},
    {"listen", "socks5://u:$@h:1080"},
    {"listen", "u:$@h"},
    {"listen", "u:$"},
    {"probe", "http://u:$@h"},
    {"probe", "u:$"},
    {"probe-tls", "http://u:$@h"},
    {"threads", "u:$@h"},
    {"connect-timeout", "u:$@h"},
    {"log-level", "u:$@h"},
    {"open-proxy", "u:$@h"},
    {"access-log", "/nonexistent/u:$@h"},
    {"access-log", "http://u:$@h/x"},
    {"max-connections", "http://u:$"},
};

std::string value_of(const Row& row) {
  std::string value = row.value;
  value.replace(value.find('$'), 1, kSecret);
  return value;
}

/// All output of a start with this command line.
std::string output_of(const std::vector<std::string>& arguments,
                      const Environment& environment = {}) {
  const CommandLine read = parse_command_line(arguments, environment);
  std::vector<std::string> lines;
  if (const auto* problems = std::get_if<Problems>(&read)) lines = problems->lines;
  if (const auto* config = std::get_if<Config>(&read)) lines = config->warnings;
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

void check_hidden(const std::string& text) {
  INFO(text);
  CHECK_FALSE(text.empty());
  // Some texts are lower case.
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  CHECK(lower.find("hunter2secret") == std::string::npos);
}

}  // namespace

TEST_CASE("a password in a flag's value is not repeated") {
  for (const Row& row : kRows) {
    INFO(row.flag << " " << row.value);
    check_hidden(output_of({std::string("--") + row.flag + "=" + value_of(row)}));
  }
}

TEST_CASE("nor is one in a variable") {
  for (const Row& row : kRows) {
    INFO(row.flag << " " << row.value);
    std::string variable = std::string("CULVERT_") + row.flag;
    for (char& c : variable) {
      c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    check_hidden(output_of({}, {{variable, value_of(row)}}));
  }
}

TEST_CASE("nor is one in a file") {
  for (const Row& row : kRows) {
    INFO(row.flag << " " << row.value);
    const TemporaryFile file(std::string(row.flag) + " = '" + value_of(row) + "'\n");
    check_hidden(output_of({"--config", file.path()}));
  }
  const std::string secret = kSecret;
  for (const std::string& text :
       {secret, "'u:" + secret + "@h' = 1", "'u:" + secret + "' = 1", "upstream = " + secret,
        "upstream = 'u:" + secret, "upstream = 'direct' " + secret}) {
    const TemporaryFile file(text + "\n");
    check_hidden(output_of({"--config", file.path()}));
  }
  check_hidden(output_of({"--config", "http://u:" + secret + "@h/x"}));
}

TEST_CASE("nor is one that came without its flag") {
  const std::string secret = kSecret;
  check_hidden(output_of({"u:" + secret + "@h"}));
  check_hidden(output_of({"u:" + secret}));
  check_hidden(output_of({"--threads", "1", "u:" + secret}));
  check_hidden(output_of({"--u:" + secret + "@h"}));
  check_hidden(output_of({"--u:" + secret}));
  check_hidden(output_of({"check", "--route", "https://u:" + secret + "/ss@h/"}));
  check_hidden(output_of({"check", "--route", "u:" + secret}));
  check_hidden(output_of({"check", "--route", "ftp://u:" + secret + "@h"}));
}

TEST_CASE("nor is one in any value that is mangled") {
  const std::string letters = "/?#@:[]=%,. x1*!";
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 2'000; ++round) {
    const char* const flags[] = {"route", "no-proxy", "allow-client", "listen", "probe", "threads"};
    const std::string flag = flags[below(std::size(flags))];
    // Insertions before the '@' only: everything before it may be the password.
    std::string before = "u:" + std::string(kSecret);
    for (std::size_t i = below(4); i > 0; --i) {
      const std::size_t where = below(before.size() + 1);
      const std::size_t at = before.find(kSecret);
      if (where > at && where < at + std::string(kSecret).size()) continue;
      before.insert(where, 1, letters[below(letters.size())]);
    }
    const std::string text = output_of({"--" + flag + "=" + before + "@h=direct"});
    INFO(flag << " " << before << " -> " << text);
    REQUIRE(text.find(kSecret) == std::string::npos);
  }
}
