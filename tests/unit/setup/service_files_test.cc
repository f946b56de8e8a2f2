#include "setup/service_files.h"

#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

const std::string kGiven = "/run/credentials/culvert.service/";

TEST_CASE("what everybody can read is left, the rest is handed over by systemd") {
  const TemporaryRoot root;
  root.write("/etc/ssl/ca.pem", "x", 0644);
  root.write("/etc/ssl/key.pem", "x", 0600);
  root.write("/etc/private/ca.pem", "x", 0644);
  root.write("/home/me/cert 50%.pem", "x", 0644);
  root.write("/etc/ssl/link.pem", "x", 0644);
  REQUIRE(::chmod((root.path() + "/etc/private").c_str(), 0700) == 0);
  const SetupFacts facts = root.facts();
  ServiceFiles files(facts);
  CHECK(files.usable("upstream", "a=https://u@h:1?warm=1&ca=/etc/ssl/ca.pem&sni=x") ==
        "a=https://u@h:1?warm=1&ca=/etc/ssl/ca.pem&sni=x");
  CHECK(files.unit_lines().empty());
  CHECK(files.usable("upstream", "https://h?KEY=/etc/ssl/key.pem&ca=/etc/private/ca.pem") ==
        "https://h?key=" + kGiven + "key.pem&ca=" + kGiven + "ca.pem");
  CHECK(files.usable("upstream", "https://h?cert=/home/me/cert%2050%25.pem") ==
        "https://h?cert=" + kGiven + "cert_50_.pem");
  CHECK(files.usable("upstream", "https://h?key=/etc/ssl/key.pem") ==
        "https://h?key=" + kGiven + "key.pem");
  CHECK(files.unit_lines() ==
        "LoadCredential=key.pem:/etc/ssl/key.pem\nLoadCredential=ca.pem:/etc/private/ca.pem\n"
        "LoadCredential=cert_50_.pem:/home/me/cert 50%%.pem\n");
  CHECK(files.problems().empty());
  CHECK(files.notes().empty());
}

TEST_CASE("an auth file is handed over as well") {
  const TemporaryRoot root;
  root.write("/etc/culvert/users", "x", 0640);
  const SetupFacts facts = root.facts();
  ServiceFiles files(facts);
  CHECK(files.usable("auth-file", "/etc/culvert/users") == kGiven + "users");
  CHECK(files.unit_lines() == "LoadCredential=users:/etc/culvert/users\n");
  CHECK(files.notes() ==
        std::vector<std::string>{"/etc/culvert/users is handed over by systemd when the service "
                                 "starts: restart it after a change"});
  files.usable("auth-file", "users");
  CHECK(files.problems() ==
        std::vector<std::string>{"--auth-file users: the service starts in /; write the whole path "
                                 "of the file"});
}

TEST_CASE("files of one name have two in the unit") {
  const TemporaryRoot root;
  root.write("/a/culvert.toml", "x", 0600);
  root.write("/b/culvert.toml", "x", 0600);
  const SetupFacts facts = root.facts();
  ServiceFiles files(facts);
  CHECK(files.usable("upstream", "http://u@h?password-file=/a/culvert.toml") ==
        "http://u@h?password-file=" + kGiven + "_culvert.toml");
  CHECK(files.usable("upstream", "http://u@h?password-file=/b/culvert.toml") ==
        "http://u@h?password-file=" + kGiven + "__culvert.toml");
}

TEST_CASE("/tmp and homes are hidden, by a link, too") {
  const TemporaryRoot root;
  root.write("/var/tmp/ca.pem", "x", 0644);
  root.link("/etc/ca.pem", "/var/tmp/ca.pem");
  const SetupFacts facts = root.facts();
  ServiceFiles files(facts);
  CHECK(files.usable("upstream", "https://h?ca=/etc/ca.pem") ==
        "https://h?ca=" + kGiven + "ca.pem");
  for (const char* path : {"/tmp/x", "/var/tmp/x", "/home/me/x", "/root/x", "/run/user/0/x"}) {
    CHECK(is_hidden_from_service(path));
  }
  CHECK_FALSE(is_hidden_from_service("/usr/local/bin/culvert"));
}

TEST_CASE("a log is written to its own folder, the journal or nowhere") {
  const TemporaryRoot root;
  const SetupFacts facts = root.facts();
  for (const char* fine : {"-", "off", "journal", "/dev/stdout"}) {
    ServiceFiles files(facts);
    CHECK(files.usable("access-log", fine) == fine);
    CHECK(files.unit_lines().empty());
    CHECK(files.problems().empty());
  }
  ServiceFiles own(facts);
  own.usable("access-log", "/var/log/culvert/access.log");
  CHECK(own.unit_lines() == "LogsDirectory=culvert\n");
  CHECK(own.problems().empty());
  for (const char* wrong : {"access.log", "/var/log/access.log", "/tmp/access.log"}) {
    ServiceFiles files(facts);
    files.usable("access-log", wrong);
    REQUIRE(files.problems().size() == 1);
    CHECK(files.problems()[0].find("--access-log /var/log/culvert/access.log") !=
          std::string::npos);
  }
}

}  // namespace
}  // namespace culvert
