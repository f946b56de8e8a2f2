#include "setup/unit_environment.h"

#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

using Lines = std::vector<std::string>;

Lines environment_with(const TemporaryRoot& root, const std::string& service) {
  root.write("/etc/systemd/system/x.service", "[Service]\n" + service);
  Lines all;
  for (const UnitVariable& variable : unit_environment(root.facts(), {"x"}).variables) {
    all.push_back(variable.name + "=" + variable.value);
  }
  return all;
}

TEST_CASE("a unit sets variables, resets them, and takes them away") {
  const TemporaryRoot root;
  root.write("/etc/x.env", "B=file\nexport C=no\n");
  CHECK(environment_with(root, "Environment=A=1 \"B=2 3\" C\nEnvironment=A=4\n") ==
        Lines{"A=4", "B=2 3"});
  CHECK(environment_with(root, "Environment=A=1\nEnvironment=\nEnvironment=B=2\n") == Lines{"B=2"});
  CHECK(environment_with(root, "EnvironmentFile=-/etc/x.env\nEnvironment=B=unit A=50%%\n") ==
        Lines{"B=file", "A=50%"});
  CHECK(environment_with(root, "EnvironmentFile=/etc/x.env\nEnvironmentFile=\n").empty());
  CHECK(environment_with(root, "EnvironmentFile=/etc/?.env\n") == Lines{"B=file"});
  CHECK(environment_with(root, "Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=4\n") ==
        Lines{"C=3"});
  CHECK(environment_with(root, "Environment=A=%H\n").empty());
}

TEST_CASE("each variable tells its file, and one that was taken away who did it") {
  const TemporaryRoot root;
  root.write("/etc/x.env", "A=1\n");
  root.write("/etc/systemd/system/x.service", "[Service]\nEnvironmentFile=/etc/x.env\n");
  root.write("/etc/systemd/system/x.service.d/a.conf", "[Service]\nEnvironment=B=1 A=2\n");
  UnitEnvironment environment = unit_environment(root.facts(), {"x"});
  CHECK(environment.found);
  CHECK(environment.find("A")->path == "/etc/x.env");
  CHECK(environment.find("B")->path == "/etc/systemd/system/x.service.d/a.conf");
  CHECK(environment.find("C") == nullptr);
  root.write("/etc/systemd/system/x.service.d/b.conf", "[Service]\nUnsetEnvironment=B\n");
  environment = unit_environment(root.facts(), {"x"});
  REQUIRE(environment.removed.size() == 1);
  CHECK(environment.removed[0].name == "B");
  CHECK(environment.removed[0].path == "/etc/systemd/system/x.service.d/b.conf");
}

TEST_CASE("an environment file is read as systemd reads it") {
  CHECK(read_environment_file("# c\n;c\nA=1\n B = 2 3 \nC=\nD\nexport E=5\n1F=6\n") ==
        Lines{"A=1", "B=2 3", "C="});
  CHECK(read_environment_file("A=\"1 \\\"2\\\" \\n\" \nB='3 \\' 4\nC=5\\\n6\\ \nD=x\"y\"\n") ==
        Lines{"A=1 \"2\" \\n", "B=3 \\4", "C=56 ", "D=x\"y\""});
  CHECK(read_environment_file("A=\"1\n2\"\r\n# c\\\nB=3\nC=4") == Lines{"A=1\n2", "C=4"});
  for (const char* cut : {"", "A", "A=", "A=\"", "A=\\", "#\\", "="}) {
    CHECK(read_environment_file(cut).size() < 2);
  }
}

}  // namespace
}  // namespace culvert
