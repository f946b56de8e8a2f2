#include "setup/show.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/redact.h"
#include "base/text.h"
#include "setup/diff.h"

namespace culvert {
namespace {

/// Words of lines that may hold a secret, in the files of others.
constexpr auto kSecretWords = std::to_array<std::string_view>(
    {"auth", "token", "passw", "pwd", "secret", "credential", "cookie", "_key", "apikey"});

/// The lines of our own files that hold one wholly.
constexpr std::string_view kSecretLine = "tunnel-command = ";

bool may_hold_secret(std::string_view line) {
  const std::string lower = to_lower(line);
  for (const std::string_view word : kSecretWords) {
    if (lower.find(word) != std::string_view::npos) return true;
  }
  return false;
}

/// With kHidden for what stands before the '@' of a URL.
std::string hide_users(std::string_view line) {
  std::string shown;
  while (true) {
    const std::size_t scheme = line.find("://");
    if (scheme == std::string_view::npos) return shown.append(line);
    const std::size_t begin = scheme + 3;
    const std::size_t end = std::min(line.find_first_of("/?#\"', \n", begin), line.size());
    const std::size_t at = line.substr(0, end).rfind('@');
    shown.append(line, 0, begin);
    if (at != std::string_view::npos && at >= begin)
      shown.append(kHidden).append(line, at, end - at);
    else
      shown.append(line, begin, end - begin);
    line.remove_prefix(end);
  }
}

std::string_view text_of(const std::optional<std::string>& content) {
  return content ? std::string_view(*content) : std::string_view();
}

/// Anything may stand in somebody's .npmrc or .profile: commands, keys, passwords by any name.
bool shows_own_lines_only(const FileEdit& edit) {
  return edit.without.has_value() && !edit.path.ends_with(".json");
}

/// What stands there needs a name that tells.
bool is_of_git(const FileEdit& edit) {
  return edit.path.ends_with("gitconfig") || edit.path.ends_with("/git/config");
}

/// Is `line` one of somebody else's, in a file that has others of ours?
bool is_of_others(const FileEdit& edit, std::string_view line) {
  line = trim_space(line);
  if (line.empty() || line.starts_with('[')) return false;
  for (const std::string_view other : split(*edit.without, '\n')) {
    if (trim_space(other) == line) return true;
  }
  return false;
}

/// An entry of podman's list that ours repeats.
bool is_repeated(std::string_view line) {
  return trim_space(line).starts_with('"') && line.find("_PROXY=") == std::string_view::npos;
}

bool is_hidden(const FileEdit& edit, std::string_view line) {
  if (shows_own_lines_only(edit)) {
    return is_of_others(edit, line) && (!is_of_git(edit) || may_hold_secret(line));
  }
  if (edit.repeats_others) return is_repeated(line) || may_hold_secret(line);
  return edit.without ? may_hold_secret(line) : line.starts_with(kSecretLine);
}

/// A line of `edit`'s file as it may be shown, with its end.
std::string shown_line(const FileEdit& edit, std::string_view line) {
  std::string shown;
  if (is_hidden(edit, line)) {
    shown = "(not shown: it may hold a password)";
    if (line.ends_with('\n')) shown += '\n';
  } else {
    shown = hide_users(line);
  }
  if (!shown.ends_with('\n')) shown += "\n\\ No newline at end of file\n";
  return shown;
}

void append_lines(std::string& text, std::string_view label,
                  const std::vector<std::string>& lines) {
  for (const std::string& line : lines) text.append("  ").append(label).append(line).append("\n");
}

std::string_view state_of(const FileEdit& edit) {
  if (edit.before == edit.with) return "is already so";
  if (!edit.before) return "would be written";
  return edit.without ? "would get these lines" : "would be replaced";
}

void append_file(std::string& text, const FileEdit& edit) {
  text.append("  ").append(edit.path);
  if (!edit.cannot_install.empty()) {
    text.append(": ").append(edit.cannot_install).append("\n");
    if (!edit.with) return;
    text += "  the lines that it needs:\n";
  } else {
    text.append(" ").append(state_of(edit)).append(":\n");
  }
  for (const DiffLine& line : compare_lines(text_of(edit.without), text_of(edit.with))) {
    if (line.mark == '+') text.append("    ").append(shown_line(edit, line.text));
  }
}

std::string as_comments(std::string_view text) {
  std::string comments;
  while (!text.empty()) {
    const std::size_t end = text.find('\n') + 1;
    comments.append("# ").append(text, 0, end);
    text.remove_prefix(end);
  }
  return comments;
}

void append_range(std::string& text, std::size_t before, std::size_t count) {
  // The line before it, where there are none: so diff(1) has it.
  append_number(text, count == 0 ? before : before + 1);
  text += ',';
  append_number(text, count);
}

void append_hunk(std::string& text, const FileEdit& edit, const std::vector<DiffLine>& lines,
                 const DiffHunk& hunk) {
  std::string body;
  std::size_t old_count = 0;
  std::size_t new_count = 0;
  for (std::size_t i = hunk.first; i < hunk.first + hunk.count; ++i) {
    if (lines[i].mark != '+') ++old_count;
    if (lines[i].mark != '-') ++new_count;
    body.append(1, lines[i].mark).append(shown_line(edit, lines[i].text));
  }
  text += "@@ -";
  append_range(text, hunk.old_line, old_count);
  text += " +";
  append_range(text, hunk.new_line, new_count);
  text.append(" @@\n").append(body);
}

void append_name(std::string& text, std::string_view mark, std::string_view side,
                 const FileEdit& edit, bool is_there) {
  text.append(mark);
  if (is_there) {
    text.append(side).append(edit.path);
  } else {
    text += "/dev/null";
  }
  text += '\n';
}

}  // namespace

std::string show_plan(const SetupFacts& facts, const Plan& plan) {
  std::string text = plan.target + ":\n";
  append_lines(text, "problem: ", plan.problems);
  for (const FileEdit& edit : plan.files) append_file(text, edit);
  if (facts.is_live()) append_lines(text, "then run: ", plan.then_run);
  append_lines(text, "note: ", plan.notes);
  return plan.to_eval ? as_comments(text) + *plan.to_eval : text;
}

std::string show_difference(const Plan& plan, SetupWay way) {
  std::string text;
  for (const FileEdit& edit : plan.files) {
    const auto& after = way == SetupWay::install ? edit.with : edit.without;
    const auto& obstacle = way == SetupWay::install ? edit.cannot_install : edit.cannot_uninstall;
    if (edit.before == after || !obstacle.empty()) continue;
    append_name(text, "--- ", "a", edit, edit.before.has_value());
    append_name(text, "+++ ", "b", edit, after.has_value());
    const auto lines = compare_lines(text_of(edit.before), text_of(after));
    const std::size_t context = shows_own_lines_only(edit) ? 0 : 3;
    for (const DiffHunk& hunk : find_hunks(lines, context)) append_hunk(text, edit, lines, hunk);
  }
  return text;
}

std::string show_then_run(const SetupFacts& facts, const Plan& plan, SetupWay way) {
  std::string text;
  if (!facts.is_live()) return text;
  const bool undone = way == SetupWay::uninstall && !plan.after_uninstall.empty();
  for (const std::string& command : undone ? plan.after_uninstall : plan.then_run) {
    text.append("  then run: ").append(command).append("\n");
  }
  return text;
}

}  // namespace culvert
