#include "options/config_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a file's keys are flags") {
  const Source source = read_config_text(
      "listen = [\"127.0.0.1:1\",\n 'unix:/a']\nthreads = 4\nopen_proxy = true\n"
      "connect-timeout = '5s'\n",
      "c.toml");
  CHECK(source.problems.empty());
  const auto& listen = source.settings.of("listen");
  REQUIRE(listen.size() == 2);
  CHECK(listen[0].value == "127.0.0.1:1");
  CHECK(listen[0].origin == "c.toml:1: listen");
  CHECK(listen[1].origin == "c.toml:2: listen");
  CHECK(source.settings.of("threads").at(0).value == "4");
  CHECK(source.settings.of("open-proxy").at(0).value == "true");
  CHECK(source.settings.of("connect-timeout").at(0).origin == "c.toml:5: connect-timeout");
}

TEST_CASE("a single value serves a repeatable flag") {
  const Source source = read_config_text("upstream = 'direct'", "c.toml");
  CHECK(source.problems.empty());
  CHECK(source.settings.of("upstream").size() == 1);
}

TEST_CASE("problems in a file name the line") {
  const Source source = read_config_text(
      "lisen = '1'\nbogus-thing = 1\nthreads = [1, 2]\nconfig = 'x'\nhelp = true\nlog-level = ''\n"
      "access-log = -\n",
      "c.toml");
  const std::vector<std::string> expected = {
      "c.toml:1: lisen: unknown flag (did you mean listen?)",
      "c.toml:2: bogus-thing: unknown flag",
      "c.toml:3: threads: takes one value, not an array",
      "c.toml:4: config: a file cannot name another",
      "c.toml:5: help: unknown flag",
      "c.toml:6: log-level: needs a value",
      "c.toml:7: a value is a \"text\" in quotes, a whole number, true or false",
  };
  CHECK(source.problems == expected);
}

TEST_CASE("a file that cannot be read") {
  CHECK(read_config_file("/nonexistent.toml", "--config", ReadWhen::starting).problems ==
        std::vector<std::string>{"--config /nonexistent.toml: No such file or directory"});
  CHECK(read_config_file("/", "CULVERT_CONFIG", ReadWhen::starting).problems ==
        std::vector<std::string>{"CULVERT_CONFIG /: Is a directory"});
}

TEST_CASE("two spellings of one key are one flag given twice") {
  const Source source = read_config_text(
      "connect_timeout = '5s'\n\nconnect-timeout = '6s'\nlog-level = 'info'\n", "c.toml");
  CHECK(source.problems ==
        std::vector<std::string>{
            "c.toml:3: connect-timeout: stands in line 1 already, as connect_timeout"});
  // The same key is reported once.
  CHECK(read_config_text("a-b = 1\na-b = 2", "c.toml").problems.size() == 2);
  CHECK(read_config_text("threads = 1\nthreads = 2", "c.toml").problems.size() == 1);
}

TEST_CASE("a pipe is waited for at the start, and never while clients are served") {
  std::string folder = "/tmp/culvert-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  ::alarm(10);  // instead of hanging
  CHECK(read_config_file(path, "--config", ReadWhen::serving).problems ==
        std::vector<std::string>{"--config " + path +
                                 ": a pipe, which can be read at the start only"});
  std::thread writer([&] { std::ofstream(path) << "threads = 4\n"; });
  const Source source = read_config_file(path, "--config", ReadWhen::starting);
  writer.join();
  ::alarm(0);
  CHECK(source.problems.empty());
  CHECK(source.settings.of("threads").at(0).value == "4");
  ::unlink(path.c_str());
  ::rmdir(folder.c_str());
}
