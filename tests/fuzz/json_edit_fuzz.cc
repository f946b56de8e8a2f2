// A file in JSON that is edited stays JSON, with all that was in it, and undoing gives it back; so
// it does for one that another program has written anew.
#include "setup/json_edit.h"

#include "base/json.h"
#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

JsonAddition addition(std::string_view url) {
  return {.path = {"p", "d"},
          .members = {{"h", std::string(url)}, {"hs", std::string(url)}, {"n", "localhost"}}};
}

/// With a record of what was written.
JsonAddition recorded(JsonAddition added) {
  for (const auto& member : added.members) added.recorded.push_back(member.value);
  return added;
}

Json parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  auto parsed = Json::parse(text);
  FUZZ_CHECK(parsed && parsed->is_object());
  return *parsed;
}

/// All members of `before` are in `after`, in their order, but for what is along the path.
void check_kept(const Json& before, const Json& after, bool along_path, std::size_t depth = 0) {
  const auto path = addition("").path;
  std::vector<std::string> names = after.names();
  std::size_t i = 0;
  for (const std::string& name : before.names()) {
    while (i < names.size() && names[i] != name) ++i;
    FUZZ_CHECK(i < names.size());
    if (along_path && depth < path.size() && name == path[depth]) {
      check_kept(before.at(name), after.at(name), true, depth + 1);
    } else {
      FUZZ_CHECK(before.at(name).dump() == after.at(name).dump());
    }
  }
}

void check_added(const std::string& text, const std::string& with, const JsonAddition& added) {
  const Json object = parse(with).at("p").at("d");
  for (const auto& member : added.members) {
    FUZZ_CHECK(object.at(member.name).text() == member.value);
  }
  if (!text.empty() && text.find('{') != std::string::npos)
    check_kept(parse(text), parse(with), true);
}

/// As a program writes it that reads and writes JSON.
void check_rewritten(const std::string& with, const JsonAddition& added) {
  for (const std::size_t indent : {std::size_t{0}, std::size_t{2}}) {
    const std::string again = parse(with).dump(indent);
    const JsonEdit edit = edit_json(again, recorded(added));
    FUZZ_CHECK(edit.conflict.empty() && edit.with == again);
    if (!edit.without || edit.without->find('{') == std::string::npos) continue;
    const Json object = parse(*edit.without).at("p").at("d");
    for (const auto& member : added.members) FUZZ_CHECK(!object.has(member.name));
  }
}

void check(const std::string& text, const JsonAddition& added) {
  const JsonEdit edit = edit_json(text, added);
  if (!edit.unreadable.empty() || !edit.conflict.empty()) {
    FUZZ_CHECK(edit.with == text && edit.without == text);
    FUZZ_CHECK(edit.conflict.empty() || edit.changed_by_hand.empty() == added.recorded.empty());
    FUZZ_CHECK(test::is_clean(edit.unreadable.empty() ? edit.conflict : edit.unreadable));
    return;
  }
  FUZZ_CHECK(edit.with);
  check_added(edit.without.value_or(""), *edit.with, added);
  check_rewritten(*edit.with, added);
  const JsonEdit again = edit_json(edit.with, added);
  FUZZ_CHECK(again.with == edit.with);
  if (edit.without != text) return;  // it had members of ours
  FUZZ_CHECK(again.without == text);
  JsonAddition moved = addition("http://192.0.2.9:80");
  moved.recorded = added.recorded;
  const JsonEdit other = edit_json(edit.with, moved);
  FUZZ_CHECK(other.conflict.empty() && other.without == text);
}

}  // namespace

FUZZ_TARGET(json_edit) {
  const std::string text(test::as_text(data, size));
  check(text, addition("http://127.0.0.1:3128"));
  check(text, recorded(addition("http://127.0.0.1:3128")));
  const std::string value = json_escape(test::plant(text));
  const JsonEdit edit =
      edit_json("{\"p\": {\"d\": {\"h\": \"" + value + "\"}}}", addition("http://127.0.0.1:3128"));
  test::check_secret({edit.conflict});
}
