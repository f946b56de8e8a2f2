#include "setup/json_record.h"

#include "support/catch.h"
#include "temporary_root.h"

namespace culvert {
namespace {

JsonAddition members_of(const std::string& url) {
  return {.path = {"proxies", "default"}, .members = {{"httpProxy", url}, {"noProxy", "a = b"}}};
}

TEST_CASE("a record tells what was written, and whether the file is new") {
  const TemporaryRoot root;
  for (const bool is_new : {true, false}) {
    FileEdit edit;
    edit.path = "/root/.docker/config.json";
    if (!is_new) edit.without = "{}";
    const FileEdit record =
        json_record(root.facts(), "docker-client", edit, members_of("http://a"));
    CHECK(record.path == "/root/.docker/config.json.culvert");
    root.write(record.path, record.with.value());
    JsonAddition addition = members_of("http://b");
    read_json_record(root.facts(), edit.path, addition);
    CHECK(addition.recorded == std::vector<std::string>{"http://a", "a = b"});
    CHECK(addition.recorded_new == is_new);
  }
}

TEST_CASE("a record that is not there, or was changed, tells nothing") {
  const TemporaryRoot root;
  JsonAddition addition = members_of("http://b");
  read_json_record(root.facts(), "/root/x", addition);
  CHECK(addition.recorded.empty());
  FileEdit edit;
  edit.path = "/root/x";
  const FileEdit record = json_record(root.facts(), "docker-client", edit, members_of("http://a"));
  root.write(record.path, record.with.value() + "proxies.default.httpProxy = http://corp\n");
  read_json_record(root.facts(), "/root/x", addition);
  CHECK(addition.recorded.empty());
}

}  // namespace
}  // namespace culvert
