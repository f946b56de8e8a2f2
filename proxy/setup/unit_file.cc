#include "setup/unit_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// The first counts.
constexpr auto kSystemFolders = std::to_array<std::string_view>(
    {"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
     "/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator",
     "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"});
constexpr auto kUserFolders = std::to_array<std::string_view>(
    {"/etc/systemd/user", "/run/systemd/user", "~/.local/share/systemd/user",
     "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user"});

std::string user_folder(const SetupFacts& facts) {
  return facts.user.config_home() + "/systemd/user";
}

std::vector<std::string> unit_folders(const SetupFacts& facts, bool of_user) {
  std::vector<std::string> folders;
  if (of_user) folders.push_back(user_folder(facts));
  const auto all = of_user ? std::span<const std::string_view>(kUserFolders) : kSystemFolders;
  for (const std::string_view folder : all) {
    folders.push_back(folder.starts_with("~/") ? facts.user.home + std::string(folder.substr(1))
                                               : std::string(folder));
  }
  return folders;
}

/// "docker-registry.service.d", "docker-.service.d", "service.d".
std::vector<std::string> drop_in_names(std::string_view unit) {
  std::vector<std::string> names{concat({unit, ".service.d"})};
  for (std::size_t dash = unit.rfind('-'); dash != std::string_view::npos && dash > 0;
       dash = unit.rfind('-', dash - 1)) {
    names.push_back(concat({unit.substr(0, dash + 1), ".service.d"}));
  }
  names.emplace_back("service.d");
  return names;
}

/// A link to /dev/null is how a file of the same name further down is switched off.
bool is_masked(const SetupFacts& facts, std::string_view path) {
  return below_root(facts.root, path) == below_root(facts.root, "/dev/null");
}

class UnitReader {
 public:
  UnitReader(const SetupFacts& facts, FilesToBe to_be) : facts_(facts), to_be_(to_be) {}

  void read_main(const std::vector<std::string>& folders, std::string_view unit) {
    for (const std::string& folder : folders) {
      const std::string path = concat({folder, "/", unit, ".service"});
      if (!read(path)) continue;
      found_.found = !is_masked(facts_, path);
      return;
    }
  }

  void read_drop_ins(const std::vector<std::string>& folders, std::string_view unit) {
    std::vector<std::string> all;
    for (const std::string& name : drop_in_names(unit)) {
      for (const std::string& folder : folders) all.push_back(concat({folder, "/", name, "/"}));
    }
    std::vector<std::string> names;
    for (const std::string& folder : all) add_names(folder, names);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) read_first(all, name);
  }

  UnitSettings take() { return std::move(found_); }

 private:
  void add_names(const std::string& folder, std::vector<std::string>& names) {
    const auto add = [&](const std::string& name) {
      if (name.ends_with(".conf") && !name.starts_with('.')) names.push_back(name);
    };
    for (const std::string& name : names_in(facts_.root, folder)) add(name);
    for (const FileEdit& edit : to_be_) {
      if (edit.path.starts_with(folder)) add(edit.path.substr(folder.size()));
    }
  }

  /// Of files of one name.
  void read_first(const std::vector<std::string>& folders, const std::string& name) {
    for (const std::string& folder : folders) {
      if (read(folder + name)) return;
    }
  }

  /// False if there is no such file.
  bool read(const std::string& path) {
    for (const FileEdit& edit : to_be_) {
      if (edit.path != path) continue;
      if (edit.with) parse(*edit.with, path);
      return edit.with.has_value();
    }
    if (is_masked(facts_, path)) return true;
    const FoundFile file = find_file(facts_.root, path);
    if (!file.problem.empty()) found_.unreadable = path + ": " + file.problem;
    if (file.content) parse(*file.content, path);
    return file.content || !file.problem.empty();
  }

  void parse(std::string_view text, const std::string& path) {
    bool in_service = false;
    std::string line;
    for (const std::string_view part : split(without_byte_order_mark(text), '\n')) {
      // A comment within a line that goes on is no part of it.
      if (part.starts_with('#') || part.starts_with(';')) continue;
      line += part;
      if (line.ends_with('\\')) {
        line.back() = ' ';
        continue;
      }
      read_line(line, in_service, path);
      line.clear();
    }
    read_line(line, in_service, path);
  }

  void read_line(std::string_view line, bool& in_service, const std::string& path) {
    line = trim_space(line);
    if (line.starts_with('[')) in_service = line == "[Service]";
    const std::size_t equals = line.find('=');
    if (!in_service || equals == std::string_view::npos) return;
    found_.settings.push_back({std::string(trim_space(line.substr(0, equals))),
                               std::string(trim_space(line.substr(equals + 1))), path});
  }

  const SetupFacts& facts_;
  FilesToBe to_be_;
  UnitSettings found_;
};

/// Adds what an escape stands for whose backslash is before `at`, which is moved to its last
/// character.  False if it is none.
bool add_escaped(std::string_view value, std::size_t& at, std::string& word) {
  constexpr std::string_view kEscapes = "a\ab\bf\fn\nr\rt\tv\v\\\\\"\"''s ";
  struct Coded {
    char letter;
    std::size_t digits;
    int base;
  };
  for (std::size_t i = 0; i < kEscapes.size(); i += 2) {
    if (kEscapes[i] != value[at]) continue;
    word += kEscapes[i + 1];
    return true;
  }
  for (const Coded& coded : {Coded{'x', 2, 16}, {'u', 4, 16}, {'U', 8, 16}, {'\0', 3, 8}}) {
    if (coded.letter != '\0' && coded.letter != value[at]) continue;
    const std::size_t begin = coded.letter == '\0' ? at : at + 1;
    const std::string_view digits = value.substr(begin, coded.digits);
    std::uint32_t code = 0;
    const auto read =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, coded.base);
    const bool byte = coded.letter == 'x' || coded.letter == '\0';
    if (digits.size() < coded.digits || read.ptr != digits.data() + digits.size() || code == 0 ||
        (byte && code > 0xff) || code > 0x10ffff) {
      return false;
    }
    if (byte) {
      word += static_cast<char>(code);
    } else {
      append_utf8(word, code);
    }
    at = begin + coded.digits - 1;
    return true;
  }
  return false;
}

bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// The word at `at`, which is moved behind it; nullopt if it is none.
std::optional<std::string> take_word(std::string_view value, std::size_t& at) {
  std::string word;
  char quote = '\0';
  for (; at < value.size(); ++at) {
    const char c = value[at];
    if (quote == '\0' && ends_word(c)) break;
    if (c == '\\') {
      if (++at == value.size() || !add_escaped(value, at, word)) return std::nullopt;
    } else if (quote == '\0' ? c == '"' || c == '\'' : c == quote) {
      quote = quote == '\0' ? c : '\0';
    } else {
      word += c;
    }
  }
  return quote == '\0' ? std::optional(std::move(word)) : std::nullopt;
}

}  // namespace

UnitSettings read_unit(const SetupFacts& facts, const UnitName& unit, FilesToBe to_be) {
  const std::vector<std::string> folders = unit_folders(facts, unit.of_user);
  UnitReader reader(facts, to_be);
  reader.read_main(folders, unit.name);
  reader.read_drop_ins(folders, unit.name);
  return reader.take();
}

std::vector<std::string> unit_words(std::string_view value) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (true) {
    while (at < value.size() && ends_word(value[at])) ++at;
    if (at == value.size()) return words;
    auto word = take_word(value, at);
    if (!word) return words;
    words.push_back(*std::move(word));
  }
}

std::string drop_in_folder(const SetupFacts& facts, const UnitName& unit) {
  const std::string folder = unit.of_user ? user_folder(facts) : std::string("/etc/systemd/system");
  return concat({folder, "/", unit.name, ".service.d"});
}

}  // namespace culvert
