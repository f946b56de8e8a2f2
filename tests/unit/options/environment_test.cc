#include "options/environment.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("variables are flags in capitals") {
  const Source source = read_environment({{"CULVERT_CONNECT_TIMEOUT", " 5s\r\n"},
                                          {"CULVERT_LISTEN", " 127.0.0.1:1\n\tunix:/a "},
                                          {"CULVERT_ACCESS_LOG", "/a file"},
                                          {"CULVERT_THREADS", ""},
                                          {"CULVERT_UPSTREAM", "  "},
                                          {"CULVERT_HOLD", "\n"},
                                          {"CULVERT_ALLOW_CLIENT", "10.0.0.0/8, 172.17.0.0/16\n"},
                                          {"LISTEN", "x"},
                                          {"HOME", "/"}});
  CHECK(source.problems.empty());
  CHECK(source.warnings.empty());
  CHECK(source.settings.of("connect-timeout").at(0).value == "5s");
  CHECK(source.settings.of("connect-timeout").at(0).origin == "CULVERT_CONNECT_TIMEOUT");
  const auto& listen = source.settings.of("listen");
  REQUIRE(listen.size() == 2);
  CHECK(listen[0].value == "127.0.0.1:1");
  CHECK(listen[1].value == "unix:/a");
  CHECK(source.settings.of("access-log").at(0).value == "/a file");  // takes one value
  CHECK_FALSE(source.settings.has("threads"));
  CHECK_FALSE(source.settings.has("upstream"));
  CHECK_FALSE(source.settings.has("hold"));
  REQUIRE(source.settings.of("allow-client").size() == 1);
  CHECK(source.settings.of("allow-client")[0].value == "10.0.0.0/8, 172.17.0.0/16");
}

TEST_CASE("a misspelt variable is reported, a foreign one is not") {
  const Source source = read_environment({{"CULVERT_CONECT_TIMEOUT", "5s"},
                                          {"CULVERT_SERVICE_HOST", "10.0.0.1"},
                                          {"CULVERT_PORT_3128_TCP_ADDR", "10.0.0.1"},
                                          {"CULVERT_PORT", "tcp://10.0.0.1:3128"},
                                          {"CULVERT_VERSION", "0.1.0"},
                                          {"CULVERT_HELP", "1"},
                                          {"CULVERT_", "x"}});
  CHECK(source.problems.empty());
  CHECK(source.warnings ==
        std::vector<std::string>{"CULVERT_CONECT_TIMEOUT: no such variable (did you mean "
                                 "CULVERT_CONNECT_TIMEOUT?)"});
}

TEST_CASE("the process's own variables") {
  ::setenv("CULVERT_THREADS", "3", 1);
  const Environment environment = process_environment();
  ::unsetenv("CULVERT_THREADS");
  const auto found = environment.find("CULVERT_THREADS");
  REQUIRE(found != environment.end());
  CHECK(found->second == "3");
  CHECK(environment.find("PATH") == environment.end());
}

TEST_CASE("the variable of a flag") {
  CHECK(variable_name("listen") == "CULVERT_LISTEN");
  CHECK(variable_name("half-open-timeout") == "CULVERT_HALF_OPEN_TIMEOUT");
}
