#include "setup/unit_file.h"

#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

using Words = std::vector<std::string>;

/// The values of `Key=`, in their order.
std::string values_of(const UnitSettings& unit) {
  std::string all;
  for (const UnitSetting& setting : unit.settings) all += setting.value + " ";
  return all;
}

std::string key(const std::string& value) { return "[Service]\nKey=" + value + "\n"; }

TEST_CASE("of units of one name that in /etc counts, then /run, then /usr/lib") {
  const TemporaryRoot root;
  CHECK_FALSE(read_unit(root.facts(), {"x"}).found);
  root.write("/lib/systemd/system/x.service", key("lib"));
  CHECK(values_of(read_unit(root.facts(), {"x"})) == "lib ");
  root.write("/run/systemd/system/x.service", key("run"));
  CHECK(values_of(read_unit(root.facts(), {"x"})) == "run ");
  root.write("/etc/systemd/system/x.service", key("etc"));
  CHECK(values_of(read_unit(root.facts(), {"x"})) == "etc ");
  CHECK(read_unit(root.facts(), {"x"}).found);
  CHECK_FALSE(read_unit(root.facts(), {"x", true}).found);
}

TEST_CASE("drop-ins are read by their names, wherever they are") {
  const TemporaryRoot root;
  const std::string etc = "/etc/systemd/system/a-b.service.d/";
  const std::string lib = "/usr/lib/systemd/system/a-b.service.d/";
  root.write("/usr/lib/systemd/system/a-b.service", key("main"));
  root.write(etc + "20.conf", key("etc20"));
  root.write(lib + "30.conf", key("lib30"));
  root.write(lib + "10.conf", key("lib10"));
  root.write(lib + "20.conf", key("lib20"));
  root.write("/run/systemd/system/a-.service.d/15.conf", key("dash"));
  root.write("/etc/systemd/system/service.d/40.conf", key("all"));
  root.write("/etc/systemd/system/service.d/10.conf", key("all10"));
  root.write(etc + "50.conf.bak", key("no"));
  root.write(etc + ".50.conf", key("no"));
  CHECK(values_of(read_unit(root.facts(), {"a-b"})) == "main lib10 dash etc20 lib30 all ");
  root.link("/etc/systemd/system/a-b.service.d/30.conf", "/dev/null");
  CHECK(values_of(read_unit(root.facts(), {"a-b"})) == "main lib10 dash etc20 all ");
  std::vector<FileEdit> edits(2);
  edits[0].path = etc + "20.conf";
  edits[1].path = etc + "zz.conf";
  edits[1].with = key("new");
  CHECK(values_of(read_unit(root.facts(), {"a-b"}, edits)) == "main lib10 dash lib20 all new ");
}

TEST_CASE("a user's units are in the home folder first") {
  const TemporaryRoot root;
  CHECK(drop_in_folder(root.facts(), {"x", true}) == "/root/.config/systemd/user/x.service.d");
  root.write("/usr/lib/systemd/user/x.service", key("lib"));
  root.write("/root/.config/systemd/user/x.service.d/1.conf", key("home"));
  root.write("/etc/systemd/user/x.service.d/2.conf", key("etc"));
  CHECK(values_of(read_unit(root.facts(), {"x", true})) == "lib home etc ");
}

TEST_CASE("only [Service] is read, lines that go on as one, and comments not at all") {
  const TemporaryRoot root;
  root.write("/etc/systemd/system/x.service",
             "Key=0\n[Unit]\nKey=1\n[Service]\n Key = 2 \\\n# Key=3\n  4\n;Key=5\nOther\nKey=\r\n");
  const UnitSettings unit = read_unit(root.facts(), {"x"});
  REQUIRE(unit.settings.size() == 2);
  CHECK(unit.settings[0].key == "Key");
  CHECK(unit_words(unit.settings[0].value) == Words{"2", "4"});
  CHECK(unit.settings[1].value.empty());
}

TEST_CASE("a byte order mark is no part of the first line") {
  const TemporaryRoot root;
  root.write("/etc/systemd/system/x.service", "\xef\xbb\xbf" + key("1"));
  CHECK(values_of(read_unit(root.facts(), {"x"})) == "1 ");
}

TEST_CASE("words are quoted and escaped as systemd has it") {
  CHECK(unit_words("a=1 \"b=2 3\" 'c=4 \"'  d=\"5 6\"7") ==
        Words{"a=1", "b=2 3", "c=4 \"", "d=5 67"});
  CHECK(unit_words(R"(a\sb\\c "\"" '\'' \t)") == Words{"a b\\c", "\"", "'", "\t"});
  CHECK(unit_words(R"(\x41\102\u00e4\u20ac\U0001f600)") ==
        Words{"AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"});
  for (const char* wrong :
       {"\\x4", "\\x00", "\\400", "\\18", "\\u00g0", "\\U00110000", "\\", "\\x-1"}) {
    CHECK(unit_words(wrong).empty());
  }
  CHECK(unit_words("").empty());
  CHECK(unit_words("a \"b") == Words{"a"});
  CHECK(unit_words("a \\y b") == Words{"a"});
}

TEST_CASE("what cannot be read is told") {
  const TemporaryRoot root;
  root.write("/etc/systemd/system/x.service/file", "");
  CHECK(read_unit(root.facts(), {"x"}).unreadable ==
        "/etc/systemd/system/x.service: not a regular file");
}

}  // namespace
}  // namespace culvert
