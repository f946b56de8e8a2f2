#include "options/given_options.h"

#include <string_view>

#include "base/redact.h"
#include "base/shell_text.h"
#include "base/text.h"
#include "options/flags.h"
#include "options/redact_upstream.h"

namespace culvert {
namespace {

/// A command may hold a password anywhere.
constexpr std::string_view kCommand = "tunnel-command";

std::string shown_upstream_value(const std::string& value) {
  constexpr std::string_view kLogin = "USER:PASSWORD@";
  std::string shown = redact_upstream(value);
  const std::size_t at = shown.find(std::string(kHidden) + "@");
  if (at != std::string::npos) shown.replace(at, kHidden.size() + 1, kLogin);
  return shown;
}

std::string shown_value(std::string_view flag, const std::string& value) {
  if (flag == kCommand) return "COMMAND";
  return flag == "upstream" ? shown_upstream_value(value) : value;
}

bool is_switch(std::string_view flag) {
  const Flag* const known = find_flag(flag);
  return known != nullptr ? known->placeholder.empty() : flag == "json";
}

void append_given(std::string_view flag, const std::string& value, std::string& out) {
  if (!out.empty()) out += ' ';
  out.append("--").append(flag);
  if (value.empty()) return;
  out.append(is_switch(flag) ? "=" : " ").append(shell_quoted(shown_value(flag, value)));
}

}  // namespace

std::string given_option(const Arguments& read, std::string_view flag) {
  std::string out;
  for (const Settings* settings : {&read.source.settings, &read.own}) {
    for (const Given& given : settings->of(flag)) append_given(flag, given.value, out);
  }
  return out;
}

std::string given_options(const Arguments& read, std::string_view without) {
  std::string out;
  for (const Settings* settings : {&read.source.settings, &read.own}) {
    for (const std::string_view flag : settings->flags()) {
      if (flag == without) continue;
      if (!out.empty()) out += ' ';
      out += given_option(read, flag);
    }
  }
  return out;
}

}  // namespace culvert
