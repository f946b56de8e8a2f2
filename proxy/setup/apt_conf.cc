#include "setup/apt_conf.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

/// Begins the names of what no option of apt is called.
constexpr std::string_view kIncludes = "#include::";

bool starts_directive(std::string_view text) {
  return text.starts_with("#clear") || text.starts_with("#include");
}

/// The place behind the comment that begins at `at`; `at` if none does.
std::size_t skip_comment(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("/*")) return std::min(text.find("*/", at), text.size() - 2) + 2;
  if (rest.starts_with("//") || (rest.starts_with('#') && !starts_directive(rest))) {
    return std::min(text.find('\n', at), text.size());
  }
  return at;
}

/// %20 is a blank in a word that has anything outside of quotes.
std::string without_percent(std::string_view word) {
  return percent_decode(word).value_or(std::string(word));
}

/// One file, statement by statement: words, and '{', ';' or '}' behind them.
class AptReader {
 public:
  AptReader(const ConfigFile& file, AptOptions& options)
      : file_(file), text_(file.text), options_(options) {}

  void read();

 private:
  char next_statement();
  void read_word();
  void read_quoted(std::string& word);
  void carry_out(char end);
  void set(const std::string& name);
  void clear(const std::string& name);
  std::string whole_name(std::string_view word) const;

  const ConfigFile& file_;
  std::string_view text_;
  AptOptions& options_;
  std::size_t at_ = 0;
  std::vector<std::string> words_;
  std::vector<std::string> scopes_;  ///< "acquire::", "acquire::http::"
};

void AptReader::read_quoted(std::string& word) {
  const std::size_t begin = ++at_;
  at_ = std::min(text_.find('"', begin), text_.size());
  word += text_.substr(begin, at_ - begin);
  if (at_ < text_.size()) ++at_;
}

void AptReader::read_word() {
  std::string word;
  bool all_quoted = true;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '"') {
      read_quoted(word);
      continue;
    }
    const bool ends = kBlank.find(c) != kBlank.npos || c == '{' || c == '}' || c == ';';
    if (ends || skip_comment(text_, at_) != at_) break;
    all_quoted = false;
    word += c;
    ++at_;
  }
  words_.push_back(all_quoted ? std::move(word) : without_percent(word));
}

/// What ends it; 0 at the end of the file.
char AptReader::next_statement() {
  words_.clear();
  while (at_ < text_.size()) {
    const char c = text_[at_];
    const std::size_t behind = skip_comment(text_, at_);
    if (behind != at_) {
      at_ = behind;
    } else if (kBlank.find(c) != kBlank.npos) {
      ++at_;
    } else if (c == '{' || c == '}' || c == ';') {
      ++at_;
      return c;
    } else {
      read_word();
    }
  }
  return '\0';
}

std::string AptReader::whole_name(std::string_view word) const {
  return (scopes_.empty() ? "" : scopes_.back()) + to_lower(word);
}

void AptReader::set(const std::string& name) {
  if (words_.size() < 2) return;
  std::string value = words_[1];
  for (std::size_t i = 2; i < words_.size(); ++i) value += " " + words_[i];
  options_[name] = {std::move(value), file_.path};
}

/// With all that is below it.
void AptReader::clear(const std::string& name) {
  for (auto& [other, option] : options_) {
    if (other == name || other.starts_with(name + "::")) option = {"", file_.path};
  }
}

void AptReader::carry_out(char end) {
  if (words_.size() == 2 && words_[0] == "#clear") {
    clear(to_lower(words_[1]));
  } else if (words_.size() == 2 && words_[0] == "#include") {
    options_[concat({kIncludes, words_[1]})] = {words_[1], file_.path};
  } else if (!words_.empty()) {
    const std::string name = whole_name(words_.front());
    set(name);
    if (end == '{') scopes_.push_back(name + "::");
  } else if (end == '{') {
    scopes_.push_back(whole_name(""));
  }
}

void AptReader::read() {
  while (const char end = next_statement()) {
    carry_out(end);
    if (end == '}' && !scopes_.empty()) scopes_.pop_back();
  }
}

const AptOption* find_option(const AptOptions& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() || found->second.value.empty() ? nullptr : &found->second;
}

/// Hosts that have a proxy of their own.
void note_hosts(const AptOptions& options, const std::string& scheme, const std::string& usual,
                ConfiguredProxy& configured) {
  const std::string prefix = "acquire::" + scheme + "::proxy::";
  for (const auto& [name, option] : options) {
    if (!name.starts_with(prefix) || option.value.empty()) continue;
    if (option.value == "DIRECT" || option.value == usual) continue;
    configured.notes.push_back(concat(
        {option.path, " has a proxy of its own for ", printable(name.substr(prefix.size()))}));
  }
}

/// As a variable has it.
std::string proxy_of(const AptOption* option) {
  const bool none = option == nullptr || option->value == "DIRECT" || option->value == "false";
  return none ? std::string() : option->value;
}

/// The last of the files that set, or cleared, one of these options; empty if none did.
std::string last_file(std::span<const ConfigFile> files, const AptOptions& options) {
  std::string last;
  for (const ConfigFile& file : files) {
    for (const char* const name : {"acquire::http::proxy", "acquire::https::proxy"}) {
      const auto found = options.find(name);
      if (found != options.end() && found->second.path == file.path) last = file.path;
    }
  }
  return last;
}

/// Most archives are http://, and setup sets both.
void compare_schemes(std::span<const ConfigFile> files, const AptOptions& options,
                     const std::string& http, const std::string& https,
                     ConfiguredProxy& configured) {
  if (!configured.path.empty() && (https.empty() || http == https)) return;
  configured.path = last_file(files, options);
  if (https.empty()) return;
  configured.mistake =
      concat({configured.path, (http.empty() ? ": http:// URLs have no proxy, https:// do"
                                             : ": http:// has another proxy than https://")});
}

void note_includes(const AptOptions& options, ConfiguredProxy& configured) {
  for (const auto& [name, option] : options) {
    if (!name.starts_with(kIncludes)) continue;
    configured.notes.push_back(
        concat({option.path, " includes ", printable(option.value), ", which is not looked at"}));
  }
}

}  // namespace

void read_apt_file(const ConfigFile& file, AptOptions& options) { AptReader(file, options).read(); }

std::optional<std::pair<std::string, AptOption>> apt_auto_detect(const AptOptions& options) {
  for (const char* const name :
       {"Acquire::https::Proxy-Auto-Detect", "Acquire::https::ProxyAutoDetect",
        "Acquire::http::Proxy-Auto-Detect", "Acquire::http::ProxyAutoDetect"}) {
    if (const AptOption* const option = find_option(options, to_lower(name))) {
      return std::pair(std::string(name), *option);
    }
  }
  return std::nullopt;
}

void read_apt(std::span<const ConfigFile> files, ConfiguredProxy& configured) {
  AptOptions options;
  for (const ConfigFile& file : files) read_apt_file(file, options);
  const AptOption* const http = find_option(options, "acquire::http::proxy");
  const AptOption* https = find_option(options, "acquire::https::proxy");
  if (https == nullptr) https = http;
  const auto put = [&](const char* variable, const AptOption* option) {
    if (option == nullptr) return;
    configured.put({option->path, SettingForm::apt, {}}, {variable + proxy_of(option)});
  };
  put("HTTP_PROXY=", http);
  put("HTTPS_PROXY=", https);
  compare_schemes(files, options, proxy_of(http), proxy_of(https), configured);
  note_includes(options, configured);
  note_hosts(options, "http", http == nullptr ? "" : http->value, configured);
  note_hosts(options, "https", https == nullptr ? "" : https->value, configured);
  if (const auto detect = apt_auto_detect(options)) {
    configured.mistake = concat(
        {detect->second.path, ": ", detect->first, " asks a command for the proxy, which wins"});
  }
}

bool is_apt_conf_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const bool ending = dot == std::string_view::npos || name.substr(dot) == ".conf";
  return ending && !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' ||
                  c == '_' || c == '.';
         });
}

}  // namespace culvert
