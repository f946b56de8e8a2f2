#include "setup/own_text.h"

#include <string>

#include "temporary_root.h"

using namespace culvert;

namespace {

const std::string kBody = "first\nsecond\n";

/// What is in the file after its `with`, and again after a second edit with another body.
FileEdit block_in(const TemporaryRoot& root, const std::string& body) {
  return own_block(root.facts(), "npm", "/etc/npmrc", body);
}

}  // namespace

TEST_CASE("a file of our own says so in its first line") {
  const TemporaryRoot root;
  const FileEdit edit = own_file(root.facts(), "docker", "/etc/a/b/c.conf", kBody);
  CHECK_FALSE(edit.before);
  CHECK_FALSE(edit.without);
  CHECK(edit.our_folders == 3);
  REQUIRE(edit.with);
  CHECK_THAT(*edit.with,
             Catch::Matchers::StartsWith("# Written by culvert setup; `culvert setup docker "
                                         "--uninstall` takes it away. (sum ") &&
                 Catch::Matchers::EndsWith(", new, folders 3)\nfirst\nsecond\n"));
}

TEST_CASE("a file of our own is known again, whatever its comments look like") {
  const TemporaryRoot root;
  for (const char* comment : {"#", "//", ";"}) {
    CAPTURE(comment);
    const std::string path = std::string("/etc/new/") + std::to_string(comment[0]);
    const FileEdit first = own_file(root.facts(), "apt", path, kBody, comment);
    root.write(path, *first.with);
    const FileEdit again = own_file(root.facts(), "apt", path, kBody, comment);
    CHECK(again.before == again.with);
    CHECK_FALSE(again.without);
    CHECK(again.our_folders == first.our_folders);
    const FileEdit other = own_file(root.facts(), "apt", path, "other\n", comment);
    CHECK(other.cannot_install.empty());
    CHECK(other.with != other.before);
    CHECK_FALSE(other.without);
  }
}

TEST_CASE("a file that is not ours, or no longer as we wrote it, is left alone") {
  const TemporaryRoot root;
  root.write("/etc/theirs", "content\n");
  const FileEdit theirs = own_file(root.facts(), "docker", "/etc/theirs", kBody);
  CHECK_FALSE(theirs.cannot_install.empty());
  CHECK(theirs.cannot_uninstall.empty());
  CHECK(theirs.without == theirs.before);

  const std::string written = *own_file(root.facts(), "docker", "/etc/ours", kBody).with;
  for (const std::string& changed :
       {written + "more\n", written.substr(0, written.size() - 1), written.substr(0, 60),
        "# Written by culvert setup; by hand\n" + kBody}) {
    CAPTURE(changed);
    root.write("/etc/ours", changed);
    const FileEdit edit = own_file(root.facts(), "docker", "/etc/ours", kBody);
    CHECK_FALSE(edit.cannot_install.empty());
    CHECK_FALSE(edit.cannot_uninstall.empty());
  }
}

TEST_CASE("lines of ours leave a file as it was, byte for byte") {
  for (const std::string& before :
       {std::string(), std::string("a=b\n"), std::string("a=b"), std::string("a=b\r\nc=d\r\n"),
        std::string("a=b\r\nc=d"), std::string("a=b\nc=d\r"), std::string("a=b\r"),
        std::string("a=b\r"), std::string("\n\n\n"), std::string("\r\n"),
        std::string("\0binary\xff\n", 9), std::string("# End: written by culvert setup\n")}) {
    CAPTURE(before);
    const TemporaryRoot root;
    root.write("/etc/npmrc", before);
    const FileEdit first = block_in(root, kBody);
    CHECK(first.without == before);
    REQUIRE(first.with);
    CHECK_THAT(*first.with, Catch::Matchers::StartsWith(before));

    root.write("/etc/npmrc", *first.with);
    const FileEdit again = block_in(root, kBody);
    CHECK(again.with == again.before);
    CHECK(again.without == before);

    const FileEdit other = block_in(root, "other\n");
    CHECK(other.without == before);
    root.write("/etc/npmrc", *other.with);
    CHECK(block_in(root, kBody).with == first.with);
    CHECK(block_in(root, kBody).without == before);
  }
}

TEST_CASE("lines of ours have the line ends of the file") {
  const TemporaryRoot root;
  root.write("/etc/npmrc", "a=b\r\n");
  CHECK_THAT(*block_in(root, kBody).with,
             Catch::Matchers::Contains(")\r\nfirst\r\nsecond\r\n# End"));
}

TEST_CASE("a file that was made for our lines goes with them, unless it has others by then") {
  const TemporaryRoot root;
  const FileEdit first = block_in(root, kBody);
  CHECK_FALSE(first.without);
  CHECK(first.our_folders == 1);
  root.write("/etc/npmrc", *first.with);
  CHECK_FALSE(block_in(root, kBody).without);
  root.write("/etc/npmrc", *first.with + "added=1\n");
  CHECK(block_in(root, kBody).without == "added=1\n");
}

TEST_CASE("what was written around our lines stays") {
  const TemporaryRoot root;
  root.write("/etc/npmrc", "a=b");
  const std::string with = *block_in(root, kBody).with;
  root.write("/etc/npmrc", "before\n" + with + "after\n");
  CHECK(block_in(root, kBody).with == "before\n" + with + "after\n");
  CHECK(block_in(root, kBody).without == "before\na=b\nafter\n");
}

TEST_CASE("lines of ours that were changed by hand are left alone") {
  const TemporaryRoot root;
  root.write("/etc/npmrc", "a=b\n");
  const std::string with = *block_in(root, kBody).with;
  const std::string end = "# End: written by culvert setup\n";
  for (const std::string& changed : {std::string(with).replace(with.find("second"), 6, "third"),
                                     std::string(with).replace(with.find(end), 0, "more\n"),
                                     with.substr(0, with.size() - end.size()),
                                     std::string(with).replace(with.find("(sum "), 5, "(smu ")}) {
    CAPTURE(changed);
    root.write("/etc/npmrc", changed);
    CHECK_FALSE(block_in(root, kBody).cannot_install.empty());
    CHECK_FALSE(block_in(root, kBody).cannot_uninstall.empty());
  }
}

TEST_CASE("a file that cannot be read is left alone") {
  const TemporaryRoot root;
  root.write("/etc/npmrc/file", "");
  CHECK(block_in(root, kBody).cannot_install == "not a regular file");
  CHECK(block_in(root, kBody).cannot_uninstall == "not a regular file");
}

TEST_CASE("a number of folders that no installation makes is not believed") {
  const TemporaryRoot root;
  std::string text = *own_file(root.facts(), "docker", "/etc/a/b", kBody).with;
  CHECK(own_file(root.facts(), "docker", "/1/2/3/4/5/6/7/8/9", kBody).our_folders == 6);
  text.replace(text.find("folders 2"), 9, "folders 99");
  root.write("/etc/a/b", text);
  CHECK(own_file(root.facts(), "docker", "/etc/a/b", kBody).our_folders == 0);
}

TEST_CASE("a block is not put behind a line that goes on") {
  for (const std::string text : {"A=b\\", "A=b\\\n", "A=b\\\\\\\r\n", "\\"}) {
    INFO(text);
    FileEdit edit;
    edit.before = edit.without = text;
    put_block(edit, "shell", "a\n", "#", 0);
    CHECK_FALSE(edit.with);
    CHECK(edit.cannot_install.find("backslash") != std::string::npos);
    CHECK(edit.cannot_uninstall.empty());
  }
  for (const std::string text : {"A=b\\\\\n", "A=b\\\n\n", "", "\n"}) {
    INFO(text);
    FileEdit edit;
    edit.before = edit.without = text;
    put_block(edit, "shell", "a\n", "#", 0);
    CHECK(edit.with);
  }
}
