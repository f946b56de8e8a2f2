#include "setup/json_edit.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "setup/json_text.h"

namespace culvert {
namespace {

/// Above a file, made for it.
constexpr std::size_t kMostFolders = 6;

std::string in_quotes(std::string_view text) { return '"' + json_escape(text) + '"'; }

// ---- What ours looks like.

/// From a member's name to its value.  Two spaces behind the longest name: nobody else aligns so.
std::string own_gap(const JsonAddition& addition, std::string_view name) {
  std::size_t longest = 0;
  for (const auto& member : addition.members) longest = std::max(longest, member.name.size());
  return ":" + std::string(longest - name.size() + 2, ' ');
}

/// White space around what is added.
struct Layout {
  std::string begin;  ///< behind the '{' of an object of ours
  std::string next;   ///< behind a ','
  std::string unit;   ///< of indentation; empty: all in one line

  Layout deeper() const { return unit.empty() ? *this : Layout{begin + unit, next + unit, unit}; }
};

const Layout kOneLine{.begin = "", .next = " ", .unit = ""};

/// The members, within the objects of `path` from the one at `depth` on.
std::string added_text(const JsonAddition& addition, std::size_t depth, const Layout& layout) {
  if (depth < addition.path.size()) {
    const Layout inner = layout.deeper();
    const std::string end = layout.unit.empty() ? "" : layout.begin;
    return concat({in_quotes(addition.path[depth]), ": {", inner.begin,
                   added_text(addition, depth + 1, inner), end, "}"});
  }
  std::string text;
  for (const auto& member : addition.members) {
    if (!text.empty()) text += "," + layout.next;
    text += in_quotes(member.name) + own_gap(addition, member.name) + in_quotes(member.value);
  }
  return text;
}

/// Two spaces a level, and two more for each folder.
std::string new_file(const JsonAddition& addition, std::size_t folders) {
  const std::string unit(2 * (1 + folders), ' ');
  const Layout layout{.begin = "\n" + unit, .next = "\n" + unit, .unit = unit};
  return "{" + layout.begin + added_text(addition, 0, layout) + "\n}\n";
}

/// For a file that is there, and empty.
std::string new_line(const JsonAddition& addition) {
  return "{" + added_text(addition, 0, kOneLine) + "}";
}

/// An object that was there, and empty, when we added to it.
bool was_empty(std::string_view text, const JsonObject& object) {
  return text.substr(object.open + 1, 2) == " \"";
}

// ---- Where ours is, or has to be.

/// The way along the path as far as it is there.
struct Place {
  std::vector<JsonObject> objects;   ///< the whole first; never empty
  std::vector<std::size_t> indices;  ///< of the member that holds the next object
  bool blocked = false;              ///< the last of `indices` is a member that is no object
};

Place find_place(std::string_view text, const JsonAddition& addition) {
  const std::size_t begin = text.size() - without_byte_order_mark(text).size();
  Place place;
  place.objects.push_back(read_json_object(text, skip_json_space(text, begin)));
  for (const std::string_view name : addition.path) {
    const JsonObject& object = place.objects.back();
    const std::size_t index = find_json_member(text, object, name);
    if (index == object.members.size()) break;
    const std::size_t value = object.members[index].value;
    place.indices.push_back(index);
    place.blocked = text[value] != '{';
    if (place.blocked) break;
    place.objects.push_back(read_json_object(text, value));
  }
  return place;
}

bool is_whole(const Place& place, const JsonAddition& addition) {
  return place.objects.size() == addition.path.size() + 1;
}

std::optional<std::string> text_of(std::string_view text, const JsonObject::Member& member) {
  const auto value = Json::parse(json_value(text, member));
  return value ? value->text() : std::nullopt;
}

/// One of the members that are to be added, where the text has it.
struct FoundMember {
  std::size_t of = 0;     ///< its index in JsonAddition::members
  std::size_t index = 0;  ///< in the object
  std::optional<std::string> value;
};

std::vector<FoundMember> find_members(std::string_view text, const Place& place,
                                      const JsonAddition& addition) {
  std::vector<FoundMember> found;
  if (!is_whole(place, addition)) return found;
  const JsonObject& object = place.objects.back();
  for (std::size_t i = 0; i < addition.members.size(); ++i) {
    const std::size_t index = find_json_member(text, object, addition.members[i].name);
    if (index == object.members.size()) continue;
    found.push_back({i, index, text_of(text, object.members[index])});
  }
  return found;
}

bool is_recorded(const JsonAddition& addition, const FoundMember& found) {
  return found.of < addition.recorded.size() && found.value == addition.recorded[found.of];
}

/// As we write it: all, in our order, aligned, and with one URL.
bool is_own_layout(std::string_view text, const JsonObject& object, const JsonAddition& addition,
                   const std::vector<FoundMember>& found) {
  if (found.size() != addition.members.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& member = object.members[found[i].index];
    const std::string_view gap = text.substr(member.key_end, member.value - member.key_end);
    const bool same_url =
        addition.members[i].value != addition.members[0].value || found[i].value == found[0].value;
    if (!found[i].value || found[i].index != found[0].index + i || !same_url ||
        gap != own_gap(addition, addition.members[i].name)) {
      return false;
    }
  }
  return true;
}

/// `addition` with the members and the values of the text.
JsonAddition own_part(const JsonAddition& addition, const std::vector<FoundMember>& found) {
  JsonAddition own = addition;
  own.members.clear();
  for (const FoundMember& member : found) {
    own.members.push_back({addition.members[member.of].name, *member.value});
  }
  return own;
}

/// What of the text is ours; nullopt: nothing.
std::optional<JsonAddition> find_own(std::string_view text, const Place& place,
                                     const JsonAddition& addition) {
  const std::vector<FoundMember> found = find_members(text, place, addition);
  if (found.empty()) return std::nullopt;
  const bool ours = addition.recorded.empty()
                        ? is_own_layout(text, place.objects.back(), addition, found)
                        : std::all_of(found.begin(), found.end(), [&](const FoundMember& member) {
                            return is_recorded(addition, member);
                          });
  return ours ? std::optional(own_part(addition, found)) : std::nullopt;
}

// ---- Taking out.

void cut(std::string& text, std::size_t from, std::size_t to) { text.erase(from, to - from); }

/// Takes out one member, and each object around it that then would be empty and was made by us.
void take_out(std::string& text, Place place, std::size_t index) {
  while (place.objects.size() > 1 && place.objects.back().members.size() == 1 &&
         !was_empty(text, place.objects.back())) {
    place.objects.pop_back();
    index = place.indices[place.objects.size() - 1];
  }
  const JsonObject& object = place.objects.back();
  const JsonObject::Member& member = object.members[index];
  if (index > 0) {
    cut(text, object.members[index - 1].value_end, member.value_end);
  } else if (object.members.size() > 1) {
    cut(text, member.key, object.members[1].key);
  } else {
    cut(text, object.open + 1, member.value_end);
  }
}

/// The number of folders that were made for a file that is as new_file() made it.
std::optional<std::size_t> folders_of(std::string_view text, const JsonAddition& own) {
  for (std::size_t folders = 0; folders <= kMostFolders; ++folders) {
    if (text == new_file(own, folders)) return folders;
  }
  return std::nullopt;
}

std::string taken_out(std::string text, const JsonAddition& own) {
  const std::string line = new_line(own);
  const std::string_view before = std::string_view(text).substr(0, text.find('{'));
  if (text.size() == before.size() + line.size() && text.ends_with(line)) {
    return std::string(before);
  }
  for (auto member = own.members.rbegin(); member != own.members.rend(); ++member) {
    const Place place = find_place(text, own);
    take_out(text, place, find_json_member(text, place.objects.back(), member->name));
  }
  return text;
}

/// `text` is a JSON object.
bool is_empty_object(std::string_view text) {
  return text.find_first_not_of("{} \t\r\n") == std::string_view::npos;
}

// ---- Adding and changing.

/// What follows the last line break of white space.
std::string_view indentation(std::string_view space) { return space.substr(space.rfind('\n') + 1); }

/// White space in front of a member.
std::string_view space_before(std::string_view text, const JsonObject& object, std::size_t index) {
  const std::size_t end = object.members[index].key;
  const std::size_t last = text.find_last_not_of(" \t\r\n", end - 1);
  return text.substr(last + 1, end - last - 1);
}

/// As the members around are written.
Layout layout_in(std::string_view text, const Place& place) {
  const JsonObject& object = place.objects.back();
  if (object.members.empty()) return kOneLine;
  const std::size_t last = object.members.size() - 1;
  const std::string_view space = space_before(text, object, last);
  if (space.find('\n') == std::string_view::npos) {
    const auto& member = object.members[last];
    const bool airy = last > 0 ? !space.empty() : member.value - member.key_end > 1;
    return {.begin = "", .next = airy ? " " : "", .unit = ""};
  }
  const std::string line_break = text.find("\r\n") == std::string_view::npos ? "\n" : "\r\n";
  const std::string next = line_break + std::string(indentation(space));
  std::string unit(indentation(space_before(text, place.objects.front(), 0)));
  if (unit.empty()) unit = "  ";
  return {.begin = next, .next = next, .unit = unit};
}

std::string added(std::string text, const Place& place, const JsonAddition& addition) {
  const JsonObject& object = place.objects.back();
  const Layout layout = layout_in(text, place);
  const std::string own = added_text(addition, place.objects.size() - 1, layout);
  if (object.members.empty()) return text.insert(object.open + 1, " " + own);
  return text.insert(object.members.back().value_end, "," + layout.next + own);
}

std::string changed(std::string text, const JsonAddition& addition) {
  for (const auto& member : addition.members) {
    const Place place = find_place(text, addition);
    const JsonObject& object = place.objects.back();
    const auto& there = object.members[find_json_member(text, object, member.name)];
    if (text_of(text, there) == member.value) continue;
    text.replace(there.value, there.value_end - there.value, in_quotes(member.value));
  }
  return text;
}

// ---- What stands in the way.

std::string place_of(std::string_view text, const JsonObject::Member& member) {
  return "line " + std::to_string(line_of(text, member.key));
}

std::string dotted(const JsonAddition& addition, std::size_t depth) {
  std::string name;
  for (std::size_t i = 0; i < depth; ++i) {
    name += (i == 0 ? "" : ".") + std::string(addition.path[i]);
  }
  return name;
}

/// The member `name` is somebody else's.
std::string conflict_with(std::string_view text, const JsonObject::Member& member,
                          const std::string& name) {
  const auto value = text_of(text, member);
  return concat({place_of(text, member), " has ", name, " already",
                 (value ? " (\"" + redact(*value) + "\")" : "")});
}

std::string find_conflict(std::string_view text, const Place& place, const JsonAddition& addition) {
  if (place.blocked) {
    const auto& member = place.objects.back().members[place.indices.back()];
    return concat({place_of(text, member), ": ", dotted(addition, place.indices.size()),
                   " is no object ('{')"});
  }
  if (!is_whole(place, addition)) return "";
  for (const FoundMember& found : find_members(text, place, addition)) {
    if (is_recorded(addition, found)) continue;
    const std::string name =
        dotted(addition, addition.path.size()) + "." + std::string(addition.members[found.of].name);
    return conflict_with(text, place.objects.back().members[found.index], name);
  }
  return "";
}

std::string unreadable_because(std::string_view text) {
  const auto parsed = Json::parse(text);
  if (!parsed) return parsed.error().text;
  const std::size_t begin = skip_json_space(text, 0);
  if (parsed->is_object()) return "";
  const std::size_t line = text.substr(0, begin).rfind('\n') + 1;
  return concat({"line ", std::to_string(line_of(text, begin)), ", column ",
                 std::to_string(begin - line + 1), ": an object ('{') expected"});
}

}  // namespace

JsonEdit edit_json(const std::optional<std::string>& text, const JsonAddition& addition) {
  JsonEdit edit;
  edit.with = edit.without = text;
  if (!text) {
    edit.our_folders = std::min(addition.new_folders, kMostFolders);
    edit.with = new_file(addition, edit.our_folders);
    return edit;
  }
  const std::string_view json = without_byte_order_mark(*text);
  if (skip_json_space(json, 0) == json.size()) {
    edit.with = *text + new_line(addition);
    return edit;
  }
  edit.unreadable = unreadable_because(json);
  if (!edit.unreadable.empty()) return edit;
  const Place place = find_place(*text, addition);
  if (const auto own = find_own(*text, place, addition)) {
    const auto folders = folders_of(*text, *own);
    edit.our_folders = folders.value_or(0);
    std::string rest = taken_out(*text, *own);
    edit.with = own->members.size() == addition.members.size()
                    ? changed(*text, addition)
                    : added(rest, find_place(rest, addition), addition);
    const bool goes = folders || (addition.recorded_new && is_empty_object(rest));
    edit.without = goes ? std::nullopt : std::optional(std::move(rest));
    return edit;
  }
  const std::string conflict = find_conflict(*text, place, addition);
  if (conflict.empty()) {
    edit.with = added(*text, place, addition);
    return edit;
  }
  edit.conflict = conflict;
  if (!place.blocked) {
    edit.conflict += ", which is not of culvert: take it out first to have culvert there";
  }
  if (!addition.recorded.empty()) {
    edit.changed_by_hand = conflict +
                           ", which is not what culvert setup wrote: it stays; take it out "
                           "yourself, and run this again";
  }
  return edit;
}

}  // namespace culvert
