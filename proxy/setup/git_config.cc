#include "setup/git_config.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

/// As many files may include one another.
constexpr int kMostDeep = 10;

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Goes through a file character by character.
class GitReader {
 public:
  explicit GitReader(std::string_view text) : text_(without_byte_order_mark(text)) {}
  std::vector<GitSetting> read();

 private:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\n' : text_[at_]; }
  void skip_line();
  void skip_white();
  void read_heading();
  void read_setting();
  std::string read_value();
  bool read_escape(std::string& value);

  std::string_view text_;
  std::size_t at_ = 0;
  GitSetting now_;
  std::vector<GitSetting> settings_;
};

void GitReader::skip_line() {
  while (peek() != '\n') ++at_;
}

void GitReader::skip_white() {
  while (!at_end() && is_white(text_[at_])) ++at_;
}

/// [section], [section.subsection], [section "subsection"].
void GitReader::read_heading() {
  now_ = {};
  for (++at_; peek() != '\n' && peek() != ']' && peek() != '"'; ++at_) {
    if (!is_white(text_[at_])) now_.section += to_lower(text_[at_]);
  }
  if (peek() == '"') {
    for (++at_; peek() != '\n' && peek() != '"'; ++at_) {
      if (peek() == '\\') ++at_;
      now_.subsection += peek();
    }
  } else if (const std::size_t dot = now_.section.find('.'); dot != std::string::npos) {
    now_.subsection = now_.section.substr(dot + 1);
    now_.section.erase(dot);
  }
  while (peek() != '\n' && peek() != ']') ++at_;
  if (peek() == ']') ++at_;
}

/// At the backslash.  False at a line's end, where the value goes on in the next.
bool GitReader::read_escape(std::string& value) {
  constexpr std::string_view kEscapes = "ntb";
  constexpr std::string_view kCharacters = "\n\t\b";
  ++at_;
  if (text_.substr(at_).starts_with("\r\n")) ++at_;
  const char c = peek();
  if (!at_end()) ++at_;
  if (c == '\n') return false;
  const std::size_t found = kEscapes.find(c);
  value += found == std::string_view::npos ? c : kCharacters[found];
  return true;
}

/// Quotes may stand anywhere in it, and keep white space and comments.
std::string GitReader::read_value() {
  skip_white();
  std::string value;
  std::size_t kept = 0;  // of the value: what follows is white space that may be at its end
  bool quoted = false;
  while (peek() != '\n') {
    const char c = text_[at_];
    if (c == '\\') {
      if (read_escape(value)) kept = value.size();
      continue;
    }
    if (!quoted && (c == '#' || c == ';')) break;
    ++at_;
    if (c == '"') {
      quoted = !quoted;
      continue;
    }
    value += c;
    if (quoted || !is_white(c)) kept = value.size();
  }
  value.resize(kept);
  return value;
}

void GitReader::read_setting() {
  now_.name.clear();
  while (is_digit(peek()) || peek() == '-' ||
         (to_lower(peek()) >= 'a' && to_lower(peek()) <= 'z')) {
    now_.name += to_lower(text_[at_++]);
  }
  skip_white();
  now_.value.clear();
  if (peek() == '=') {
    ++at_;
    now_.value = read_value();
  }
  if (!now_.name.empty()) settings_.push_back(now_);
  skip_line();
}

std::vector<GitSetting> GitReader::read() {
  while (!at_end()) {
    const char c = text_[at_];
    if (c == '\n' || is_white(c)) {
      ++at_;
    } else if (c == '#' || c == ';') {
      skip_line();
    } else if (c == '[') {
      read_heading();
    } else {
      read_setting();
    }
  }
  return std::move(settings_);
}

/// Of several files.
class GitFiles {
 public:
  GitFiles(const std::string& home, const FindGitFile& find, ConfiguredProxy& configured)
      : home_(home), find_(find), configured_(configured) {}

  void read(const ConfigFile& file, int deep);
  /// URLs that have a proxy of their own.
  void note_exceptions();

 private:
  void include(const ConfigFile& file, const GitSetting& setting, int deep);

  const std::string& home_;
  const FindGitFile& find_;
  ConfiguredProxy& configured_;
  std::string proxy_;
  std::map<std::string, std::pair<std::string, std::string>> of_urls_;  ///< (proxy, file)
};

std::string folder_above(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

void GitFiles::include(const ConfigFile& file, const GitSetting& setting, int deep) {
  std::string path = setting.value;
  if (path.starts_with("~/")) path.replace(0, 1, home_);
  if (!path.starts_with('/')) path.insert(0, folder_above(file.path));
  const auto included = find_(path);
  if (!included || deep >= kMostDeep) return;
  if (setting.section == "include") return read(*included, deep + 1);
  for (const GitSetting& inner : read_git_settings(included->text)) {
    if (inner.section != "http" || inner.name != "proxy") continue;
    configured_.notes.push_back(
        concat({printable(included->path), " has a proxy of its own, for [includeIf \"",
                printable(setting.subsection), "\"]"}));
    return;
  }
}

void GitFiles::read(const ConfigFile& file, int deep) {
  for (const GitSetting& setting : read_git_settings(file.text)) {
    const bool includes = setting.section == "include" || setting.section == "includeif";
    if (includes && setting.name == "path") include(file, setting, deep);
    if (setting.section != "http" || setting.name != "proxy") continue;
    if (!setting.subsection.empty()) {
      of_urls_[setting.subsection] = {setting.value, file.path};
      continue;
    }
    proxy_ = setting.value;
    configured_.put(file, {"HTTPS_PROXY=" + proxy_, "HTTP_PROXY=" + proxy_});
  }
}

void GitFiles::note_exceptions() {
  for (const auto& [url, of_url] : of_urls_) {
    const auto& [proxy, path] = of_url;
    if (proxy == proxy_) continue;
    configured_.notes.push_back(concat(
        {printable(path), proxy.empty() ? " has no proxy for " : " has a proxy of its own for ",
         redact_url(url)}));
  }
}

}  // namespace

std::vector<GitSetting> read_git_settings(std::string_view text) { return GitReader(text).read(); }

void read_git(std::span<const ConfigFile> files, const std::string& home, const FindGitFile& find,
              ConfiguredProxy& configured) {
  GitFiles all(home, find, configured);
  for (const ConfigFile& file : files) all.read(file, 0);
  all.note_exceptions();
}

}  // namespace culvert
