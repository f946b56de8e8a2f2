#include "options/credential_file.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "support/catch.h"
#include "support/sockets.h"
#include "unit/options/parsed_line.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

/// Files that systemd has handed to this process.
class HandedFiles {
 public:
  HandedFiles() { setenv("CREDENTIALS_DIRECTORY", directory().c_str(), 1); }
  ~HandedFiles() { unsetenv("CREDENTIALS_DIRECTORY"); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
  }
  std::string path(const std::string& name) const { return dir_.path(name); }
  std::string directory() const {
    const std::string file = dir_.path("x");
    return file.substr(0, file.rfind('/'));
  }

 private:
  TempDir dir_;
};

std::string password_of(const Config& config) {
  return std::string(config.upstreams.at(0).credentials.value().password.reveal());
}

}  // namespace

TEST_CASE("%d/ is the directory of credentials") {
  unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(named_file("/etc/x").path == "/etc/x");
  CHECK(named_file("%d").path == "%d");
  CHECK_THAT(named_file("%d/x").problem, Contains("CREDENTIALS_DIRECTORY, which is not set"));
  CHECK(credential_hint("/etc/x").empty());

  const HandedFiles credentials;
  credentials.write("x", "");
  CHECK(named_file("%d/x").path == credentials.path("x"));
  CHECK(named_file("%d/x").problem.empty());
  CHECK_THAT(named_file("%d/").problem, Contains("%d/NAME"));
  CHECK(credential_hint("/etc/x") == " - systemd hands over a file of that name: write %d/x");
  CHECK(credential_hint("/etc/y").empty());
  CHECK(credential_hint("/etc/").empty());
  CHECK(credential_hint(credentials.path("x")).empty());
}

TEST_CASE("behind the mark a URL's file is encoded as any") {
  CHECK(decode_file("%d/a%20b") == "%d/a b");
  CHECK(decode_file("/a%20b") == "/a b");
  CHECK_FALSE(decode_file("%d/%zz"));
  CHECK_FALSE(decode_file("/%d/x"));
}

TEST_CASE("files that options name may be credentials, and are read anew by a reload") {
  const HandedFiles credentials;
  credentials.write("office password", "first\n");
  credentials.write("culvert.toml", "upstream = 'http://u@h?password-file=%d/office%20password'\n");
  const std::vector<std::string> arguments = {"--config", "%d/culvert.toml"};
  const Config config = config_of(arguments);
  CHECK(password_of(config) == "first");
  CHECK(config.file == credentials.path("culvert.toml"));

  credentials.write("office password", "second\n");
  const CommandLine again = parse_command_line(arguments, {}, ReadWhen::serving);
  CHECK(password_of(std::get<Config>(again)) == "second");

  credentials.write("ca.pem", "");
  const auto listen =
      config_of({"--listen", "https://127.0.0.1:1?cert=%d/ca.pem&client-ca=/x"}).listen;
  CHECK(listen[0].certificates[0].cert == credentials.path("ca.pem"));
  CHECK(listen[0].certificates[0].key == credentials.path("ca.pem"));
  CHECK(listen[0].client_ca == "/x");
  const Config tls = config_of({"--upstream", "https://h?ca=%d/ca.pem"});
  CHECK(tls.upstreams[0].ca == credentials.path("ca.pem"));
}

TEST_CASE("a credential that is not there is told as it was written") {
  unsetenv("CREDENTIALS_DIRECTORY");
  const std::string why =
      "%d is $CREDENTIALS_DIRECTORY, which is not set: systemd sets it for a unit that has "
      "LoadCredential=NAME:PATH";
  CHECK(problems_of({"--upstream", "http://u@h?password-file=%d/a"}) ==
        Lines{"--upstream http://***@h?password-file=%d/a: password-file=%d/a: " + why});
  CHECK(problems_of({"--upstream", "https://h?ca=%d/a&sni=%d/b"}) ==
        Lines{"--upstream https://h?ca=%d/a&sni=%d/b: ca=%d/a: " + why,
              "--upstream https://h?ca=%d/a&sni=%d/b: sni: a '%' in a value is written %25"});
  CHECK(problems_of({"--listen", "https://127.0.0.1:1?cert=%d/a&key=/%zz"}).size() == 2);
  CHECK(problems_of({"--config", "%d/a.toml"}) == Lines{"--config %d/a.toml: " + why});

  const HandedFiles credentials;
  credentials.write("office", "pw");
  CHECK(problems_of({"--upstream", "http://u@h?password-file=%d/a%zz"}) ==
        Lines{"--upstream http://***@h?password-file=%d/a%zz: password-file: a '%' in a value is "
              "written %25"});
  CHECK(problems_of({"--upstream", "http://u@h?password-file=%d/b"}) ==
        Lines{"--upstream http://***@h?password-file=%d/b: password-file=%d/b: No such file or "
              "directory"});
  // A plain name is not taken for it, but it may be what was meant.
  CHECK(problems_of({"--upstream", "http://u@h?password-file=office"}) ==
        Lines{"--upstream http://***@h?password-file=office: password-file=office: No such file or "
              "directory - systemd hands over a file of that name: write %d/office"});
}
