#include "setup/json_edit.h"

#include "base/json.h"
#include "support/catch.h"

namespace culvert {
namespace {

JsonAddition docker(std::string url = "http://127.0.0.1:3128") {
  return {.path = {"proxies"},
          .members = {{"http-proxy", url}, {"https-proxy", url}, {"no-proxy", "localhost"}}};
}

JsonAddition client(std::string url = "http://127.0.0.1:3128") {
  return {.path = {"proxies", "default"},
          .members = {{"httpProxy", url}, {"httpsProxy", url}, {"noProxy", "localhost"}}};
}

constexpr std::string_view kOwnLine =
    R"("http-proxy":   "http://127.0.0.1:3128", "https-proxy":  "http://127.0.0.1:3128", )"
    R"("no-proxy":     "localhost")";

/// Adds, checks that undoing gives `text` again, and returns what was added to.
std::string added_to(const std::string& text, const JsonAddition& addition) {
  INFO(text);
  const JsonEdit edit = edit_json(text, addition);
  CHECK(edit.unreadable.empty());
  CHECK(edit.conflict.empty());
  CHECK(edit.without == text);
  REQUIRE(edit.with);
  const JsonEdit again = edit_json(edit.with, addition);
  CHECK(again.with == edit.with);
  CHECK(again.without == text);
  return *edit.with;
}

TEST_CASE("a file that is not there is made, and goes again") {
  const JsonEdit edit = edit_json(std::nullopt, client());
  CHECK(edit.with == R"({
  "proxies": {
    "default": {
      "httpProxy":   "http://127.0.0.1:3128",
      "httpsProxy":  "http://127.0.0.1:3128",
      "noProxy":     "localhost"
    }
  }
}
)");
  CHECK(edit.without == std::nullopt);
  CHECK(edit_json(edit.with, client()).without == std::nullopt);
  CHECK(edit_json(edit.with, client("http://192.0.2.1:1")).without == std::nullopt);
}

TEST_CASE("a new file keeps how many folders go with it") {
  for (const auto folders : std::vector<std::size_t>{0, 1, 3}) {
    JsonAddition addition = docker();
    addition.new_folders = folders;
    const JsonEdit edit = edit_json(std::nullopt, addition);
    CHECK(edit.our_folders == folders);
    const JsonEdit again = edit_json(edit.with, docker());
    CHECK(again.our_folders == folders);
    CHECK(again.with == edit.with);
    CHECK(again.without == std::nullopt);
    CHECK(edit_json(*edit.with + " ", docker()).our_folders == 0);
  }
}

TEST_CASE("members are added in the manner of the file") {
  CHECK(added_to("{\n\t\"auths\": {},\n\t\"z\": [1]\n}", docker()) ==
        "{\n\t\"auths\": {},\n\t\"z\": [1],\n\t\"proxies\": {\n"
        "\t\t\"http-proxy\":   \"http://127.0.0.1:3128\",\n"
        "\t\t\"https-proxy\":  \"http://127.0.0.1:3128\",\n"
        "\t\t\"no-proxy\":     \"localhost\"\n\t}\n}");
  CHECK(added_to("{\r\n    \"a\" : 1\r\n}\r\n", docker()) ==
        "{\r\n    \"a\" : 1,\r\n    \"proxies\": {\r\n"
        "        \"http-proxy\":   \"http://127.0.0.1:3128\",\r\n"
        "        \"https-proxy\":  \"http://127.0.0.1:3128\",\r\n"
        "        \"no-proxy\":     \"localhost\"\r\n    }\r\n}\r\n");
  const std::string own(kOwnLine);
  CHECK(added_to(R"({"a": 1})", docker()) == R"({"a": 1, "proxies": {)" + own + "}}");
  CHECK(added_to(R"({"a":1})", docker()).starts_with(R"({"a":1,"proxies": {"http-proxy": )"));
  CHECK(added_to(R"({"a":1})", docker()).find(", ") == std::string::npos);
  CHECK(added_to(R"({ "a": 1, "b": 2 })", docker()) ==
        R"({ "a": 1, "b": 2, "proxies": {)" + own + "} }");
}

TEST_CASE("what was empty is so again") {
  const std::string own(kOwnLine);
  CHECK(added_to("{}", docker()) == R"({ "proxies": {)" + own + "}}");
  CHECK(added_to("{\n}\n", docker()) == R"({ "proxies": {)" + own + "}\n}\n");
  CHECK(added_to(R"({"proxies":{}})", docker()) == R"({"proxies":{ )" + own + "}}");
  CHECK(added_to("", docker()) == R"({"proxies": {)" + own + "}}");
  CHECK(added_to(" \n", docker()) == " \n" + (R"({"proxies": {)" + own) + "}}");
  for (const std::string text :
       {R"({"proxies": {"default": {}}})", R"({"proxies": { "default" : { } } })",
        "{\n  \"proxies\": {\n    \"default\": {\n    }\n  }\n}\n", R"({"proxies": {}, "z": 1})",
        "\xef\xbb\xbf{}", "\xef\xbb\xbf", R"({"proxies": {"tcp://h:1": {"noProxy": "*"}}})",
        R"({"proxies": {"default": {"ftpProxy": "http://h"}}})", "\t{\"a\": \"{ \\\"\"}\n"}) {
    added_to(text, client());
  }
}

TEST_CASE("what others add between the two is kept") {
  const std::string with = *edit_json("{\n  \"a\": 1\n}\n", docker()).with;
  const auto more = [&](std::string_view where, std::string_view what) {
    std::string text = with;
    return edit_json(text.insert(text.find(where), what), docker());
  };
  CHECK(more("\n}\n", ",\n  \"z\": 2").without == "{\n  \"a\": 1,\n  \"z\": 2\n}\n");
  CHECK(more("\n}\n", ",\n  \"z\": 2").with->find("\"z\": 2") > with.find("no-proxy"));
  const std::string made = *edit_json(std::nullopt, docker()).with;
  std::string grown = made;
  grown.insert(grown.rfind("\n}"), ",\n  \"z\": 2");
  CHECK(edit_json(grown, docker()).without == "{\n  \"z\": 2\n}\n");
  grown = made;
  grown.insert(grown.rfind("\n  }"), ",\n    \"x\": 1");
  CHECK(edit_json(grown, docker()).without == "{\n  \"proxies\": {\n    \"x\": 1\n  }\n}\n");
}

TEST_CASE("values of ours are changed where they are") {
  const std::string text = "{\n  \"a\": 1\n}\n";
  std::string with = *edit_json(text, docker()).with;
  with.insert(with.rfind("\n}"), ",\n  \"z\": 2");
  const JsonEdit edit = edit_json(with, docker("http://192.0.2.1:8080"));
  std::string expected = with;
  for (int i = 0; i < 2; ++i) {
    expected.replace(expected.find("http://127.0.0.1:3128"), 21, "http://192.0.2.1:8080");
  }
  CHECK(edit.with == expected);
  CHECK(edit.without == "{\n  \"a\": 1,\n  \"z\": 2\n}\n");
}

/// As one that has a record of what it wrote.
JsonAddition with_record(JsonAddition addition) {
  for (const auto& member : addition.members) addition.recorded.push_back(member.value);
  return addition;
}

/// The same, which now is to have another URL.
JsonAddition moved(JsonAddition addition, const std::string& url) {
  addition = with_record(std::move(addition));
  addition.members[0].value = addition.members[1].value = url;
  return addition;
}

TEST_CASE("a file that its program wrote anew loses members with the values that we wrote") {
  const std::string rewritten =
      "{\n\t\"auths\": {},\n\t\"proxies\": {\n\t\t\"default\": {\n"
      "\t\t\t\"httpProxy\": \"http://127.0.0.1:3128\",\n"
      "\t\t\t\"httpsProxy\": \"http://127.0.0.1:3128\",\n\t\t\t\"noProxy\": \"localhost\"\n"
      "\t\t}\n\t}\n}";
  const JsonEdit edit = edit_json(rewritten, with_record(client()));
  CHECK(edit.with == rewritten);
  CHECK(edit.without == "{\n\t\"auths\": {}\n}");
  const JsonEdit again = edit_json(rewritten, moved(client(), "http://172.17.0.1:1"));
  CHECK(again.with->find("\"httpsProxy\": \"http://172.17.0.1:1\"") != std::string::npos);
  CHECK(again.without == edit.without);

  // Without a record they are somebody's who wrote the same.
  const JsonEdit other = edit_json(rewritten, client());
  CHECK(other.with == rewritten);
  CHECK(other.without == rewritten);
  CHECK(other.conflict ==
        "line 5 has proxies.default.httpProxy already (\"http://127.0.0.1:3128\"), which is not of "
        "culvert: take it out first to have culvert there");
}

TEST_CASE("members in another order are taken out one by one") {
  const std::string text =
      R"({"proxies":{"x":1,"no-proxy":"localhost","y":2,"https-proxy":"http://127.0.0.1:3128",)"
      R"("http-proxy":"http://127.0.0.1:3128"},"z":3})";
  CHECK(edit_json(text, with_record(docker())).without == R"({"proxies":{"x":1,"y":2},"z":3})");
  const std::string first =
      R"({"proxies":{"no-proxy":"localhost","https-proxy":"http://127.0.0.1:3128", )"
      R"("http-proxy":"http://127.0.0.1:3128", "x":1}})";
  CHECK(edit_json(first, with_record(docker())).without == R"({"proxies":{"x":1}})");
}

TEST_CASE("members that were changed by hand since stay, and so do all") {
  const std::string text = *edit_json("{}", docker()).with;
  for (const char* name : {"\"http-proxy\"", "\"https-proxy\"", "\"no-proxy\""}) {
    std::string changed = text;
    const std::size_t value = changed.find('"', changed.find(name) + std::string(name).size());
    changed.replace(value, changed.find('"', value + 1) + 1 - value, "\"http://corp:1\"");
    INFO(changed);
    const JsonEdit edit = edit_json(changed, with_record(docker()));
    CHECK(edit.without == changed);
    CHECK(edit.with == changed);
    CHECK(edit.conflict.starts_with("line 1 has proxies." + std::string(name).substr(1, 5)));
    CHECK(edit.changed_by_hand.find("not what culvert setup wrote") != std::string::npos);
  }
  // Where no record is, as from an earlier culvert.
  std::string changed = text;
  changed.replace(changed.find("http://"), 21, "http://corp.example:1");
  CHECK(edit_json(changed, docker()).without == changed);
  CHECK(edit_json(text, docker("http://192.0.2.1:1")).without == "{}");
}

TEST_CASE("of members of ours some may be gone") {
  const std::string some = R"({"proxies": {"http-proxy": "http://127.0.0.1:3128", "x": 1}})";
  const JsonEdit edit = edit_json(some, with_record(docker()));
  CHECK(edit.without == R"({"proxies": {"x": 1}})");
  CHECK(edit.with->find("\"no-proxy\":") != std::string::npos);
  CHECK(edit_json(*edit.with, with_record(docker())).without == edit.without);
  CHECK(edit_json("{}", with_record(docker())).without == "{}");
}

TEST_CASE("a file that was made for our members goes, whatever its program made of it") {
  JsonAddition addition = with_record(client());
  addition.recorded_new = true;
  const std::string rewritten =
      "{\n\t\"proxies\": {\n\t\t\"default\": {\n\t\t\t\"httpProxy\": \"http://127.0.0.1:3128\"\n"
      "\t\t}\n\t}\n}";
  CHECK(edit_json(rewritten, addition).without == std::nullopt);
  addition.recorded_new = false;
  CHECK(edit_json(rewritten, addition).without == "{\n}");
}

TEST_CASE("what somebody else set is left, and told without its password") {
  struct Row {
    std::string text;
    std::string conflict;
  };
  const std::string end = ", which is not of culvert: take it out first to have culvert there";
  for (const Row& row : std::vector<Row>{
           {R"({"proxies": {"https-proxy": "http://u:geheim@corp.example:3128"}})",
            "line 1 has proxies.https-proxy already (\"http://***@corp.example:3128\")" + end},
           {"{\n\n\"proxies\": {\n\"no-proxy\": null}}",
            "line 4 has proxies.no-proxy already" + end},
           {"{\n\"proxies\": \"http://u:geheim@h\"}", "line 2: proxies is no object ('{')"}}) {
    const JsonEdit edit = edit_json(row.text, docker());
    CHECK(edit.conflict == row.conflict);
    CHECK(edit.with == row.text);
    CHECK(edit.without == row.text);
  }
}

TEST_CASE("what is no JSON object is left, with the place, and nothing of it told") {
  struct Row {
    std::string text;
    std::string_view begin;
  };
  for (const Row& row : std::vector<Row>{{"{\n  \"a\": geheim\n}", "line 2, column "},
                                         {"{\"a\": 1,}", "line 1, column 9: "},
                                         {"// geheim\n{}", "line 1, column "},
                                         {"\n [1]", "line 2, column 2: an object ('{') expected"},
                                         {"\"geheim\"", "line 1, column 1: "},
                                         {"{\"geheim\": 1, \"geheim\": 2}", "line 1, column "},
                                         {"{} geheim", "line 1, column "},
                                         {std::string("{}\0", 3), "line 1, column "},
                                         {"\xff\xfe{", "line 1, column "}}) {
    const JsonEdit edit = edit_json(row.text, docker());
    INFO(edit.unreadable);
    CHECK(edit.unreadable.starts_with(row.begin));
    CHECK(edit.unreadable.find("geheim") == std::string::npos);
    CHECK(edit.with == row.text);
    CHECK(edit.without == row.text);
  }
}

TEST_CASE("a name may be written with escapes") {
  const std::string text = R"({"pro\u0078ies": {"http-prox\u0079": "http://h"}})";
  CHECK_FALSE(edit_json(text, docker()).conflict.empty());
}

TEST_CASE("values are escaped") {
  JsonAddition addition = docker();
  addition.members[2].value = "a\"b\\c";
  const std::string text = *edit_json("{}", addition).with;
  CHECK(Json::parse(text)->at("proxies").at("no-proxy").text() == "a\"b\\c");
  CHECK(edit_json(text, docker()).without == "{}");
}

}  // namespace
}  // namespace culvert
