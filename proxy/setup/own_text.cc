#include "setup/own_text.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// Above a file, made for it: "~/.config/systemd/user/docker.service.d", and a home folder.
constexpr std::size_t kMostOwnFolders = 6;
constexpr auto kNowhere = std::string_view::npos;
constexpr std::string_view kFileSign = " Written by culvert setup; ";
constexpr std::string_view kBlockSign = " Begin: written by culvert setup; ";
constexpr std::string_view kBlockEnd = " End: written by culvert setup";
constexpr std::string_view kChanged =
    "was changed by hand since culvert setup wrote it: take its lines out yourself, and run this "
    "again";

/// What a line of ours says about the text that follows.
struct Sign {
  std::uint32_t sum = 0;
  bool made_file = false;  ///< there was no file before
  bool joined = false;     ///< the line before had no end
  std::size_t folders = 0;
};

/// FNV-1a: tells a change by hand, and nothing more is asked of it.
std::uint32_t sum_of(std::string_view text) {
  std::uint32_t sum = 2166136261U;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 16777619U;
  return sum;
}

std::string sign_line(std::string_view comment, std::string_view what, std::string_view target,
                      const Sign& sign) {
  std::string line(comment);
  line.append(what).append("`culvert setup ").append(target);
  line.append(" --uninstall` takes it away. (sum ");
  append_number(line, sign.sum, 16);
  if (sign.made_file) {
    line += ", new, folders ";
    append_number(line, sign.folders);
  }
  if (sign.joined) line += ", joined";
  return line + ")";
}

/// Reads the end of a sign_line(); nullopt if it has none.
std::optional<Sign> read_sign(std::string_view line) {
  const std::size_t begin = line.rfind(" (sum ");
  line = trim_space(line);
  if (begin == kNowhere || !line.ends_with(')')) return std::nullopt;
  Sign sign;
  for (std::string_view part : split(line.substr(begin + 2, line.size() - begin - 3), ',')) {
    if (part == "new") sign.made_file = true;
    if (part == "joined") sign.joined = true;
    if (part.starts_with("folders ")) {
      const auto folders = parse_number<std::size_t>(part.substr(8));
      // No installation makes more: somebody else wrote the number.
      if (folders && *folders <= kMostOwnFolders) sign.folders = *folders;
    }
    if (!part.starts_with("sum ")) continue;
    part.remove_prefix(4);
    const auto end = std::from_chars(part.data(), part.data() + part.size(), sign.sum, 16).ptr;
    if (end != part.data() + part.size()) return std::nullopt;
  }
  return sign;
}

/// The first line of `text`, its end included.
std::string_view first_line(std::string_view text) {
  const std::size_t end = text.find('\n');
  return text.substr(0, end == kNowhere ? text.size() : end + 1);
}

/// How the line that begins at `at` ends.
std::string_view line_end_at(std::string_view text, std::size_t at) {
  return first_line(text.substr(at)).ends_with("\r\n") ? "\r\n" : "\n";
}

/// A file as it is, without a state to come; nothing can be done if it cannot be read.
FileEdit found_edit(const SetupFacts& facts, std::string path) {
  FoundFile found = find_file(facts.root, path);
  FileEdit edit;
  edit.path = std::move(path);
  edit.before = std::move(found.content);
  edit.cannot_install = found.problem;
  edit.cannot_uninstall = found.problem;
  edit.without = edit.before;
  return edit;
}

/// Lines of ours within a file.
struct Block {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< behind its last line
  Sign sign;
  bool untouched = false;
};

/// The begin of the line that starts with `sign`; kNowhere if there is none.
std::size_t find_line(std::string_view text, std::string_view sign, std::size_t from) {
  for (std::size_t at = from; (at = text.find(sign, at)) != kNowhere; ++at) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return kNowhere;
}

std::optional<Block> find_block(std::string_view text, std::string_view comment) {
  Block block;
  block.begin = find_line(text, std::string(comment).append(kBlockSign), 0);
  if (block.begin == kNowhere) return std::nullopt;
  const std::string_view sign = first_line(text.substr(block.begin));
  const std::size_t body = block.begin + sign.size();
  const std::size_t last = find_line(text, std::string(comment).append(kBlockEnd), body);
  const auto read = read_sign(sign);
  if (last == kNowhere || !read) return block;
  block.end = last + first_line(text.substr(last)).size();
  block.sign = *read;
  block.untouched = sum_of(text.substr(body, last - body)) == read->sum;
  return block;
}

/// `text` without the block, as it was before; nullopt if there was no file.
std::optional<std::string> without_block(std::string_view text, const Block& block) {
  std::string_view before = text.substr(0, block.begin);
  const std::string_view after = text.substr(block.end);
  const std::string_view line_end = line_end_at(text, block.begin);
  if (block.sign.joined && after.empty() && before.ends_with(line_end)) {
    before.remove_suffix(line_end.size());
  }
  std::string rest = std::string(before).append(after);
  if (rest.empty() && block.sign.made_file) return std::nullopt;
  return rest;
}

std::string with_line_ends(std::string_view text, std::string_view line_end) {
  std::string changed;
  for (const char c : text) {
    if (c == '\n') {
      changed += line_end;
    } else {
      changed += c;
    }
  }
  return changed;
}

}  // namespace

std::size_t missing_folders(const SetupFacts& facts, std::string_view path) {
  // Where links lead, as these folders are made there.
  std::string folder = below_root(facts.root, path);
  std::size_t missing = 0;
  while (missing < kMostOwnFolders && folder.find('/') != std::string::npos) {
    folder.erase(folder.rfind('/'));
    if (folder.empty() || access(folder.c_str(), F_OK) == 0) break;
    ++missing;
  }
  return missing;
}

FileEdit own_file(const SetupFacts& facts, std::string_view target, std::string path,
                  std::string_view body, std::string_view comment, const FileEdit* earlier) {
  FileEdit edit = found_edit(facts, std::move(path));
  Sign sign{sum_of(body), true, false, 0};
  if (!edit.before) {
    sign.folders = missing_folders(facts, edit.path);
    if (earlier != nullptr && !earlier->without) sign.folders += earlier->our_folders;
  } else {
    const std::string_view line = first_line(*edit.before);
    const bool ours = line.starts_with(std::string(comment).append(kFileSign));
    const auto read = ours ? read_sign(line) : std::nullopt;
    if (read && read->sum == sum_of(std::string_view(*edit.before).substr(line.size()))) {
      sign.folders = read->folders;
      edit.without = std::nullopt;
    } else if (ours) {
      edit.cannot_install = edit.cannot_uninstall = kChanged;
    } else {
      edit.cannot_install = "is there, and not of culvert setup: move it away, and run this again";
    }
  }
  edit.our_folders = sign.folders;
  edit.with = sign_line(comment, kFileSign, target, sign) + "\n" + std::string(body);
  return edit;
}

FileEdit own_block(const SetupFacts& facts, std::string_view target, std::string path,
                   std::string_view body, std::string_view comment) {
  FileEdit edit = found_edit(facts, std::move(path));
  put_block(edit, target, body, comment, edit.before ? 0 : missing_folders(facts, edit.path));
  return edit;
}

void put_block(FileEdit& edit, std::string_view target, std::string_view body,
               std::string_view comment, std::size_t folders) {
  const std::string before = edit.before.value_or("");
  const auto block = find_block(before, comment);
  const std::string_view line_end = line_end_at(before, block ? block->begin : 0);
  const std::string lines = with_line_ends(body, line_end);
  Sign sign{sum_of(lines), !edit.before, false, folders};
  std::size_t at = before.size();
  std::size_t until = at;
  if (block) {
    if (!block->untouched) {
      edit.cannot_install = edit.cannot_uninstall = kChanged;
      return;
    }
    edit.without = without_block(before, *block);
    sign = block->sign;
    sign.sum = sum_of(lines);
    at = block->begin;
    until = block->end;
  } else {
    sign.joined = !before.empty() && !before.ends_with('\n');
  }
  edit.our_folders = sign.folders;
  std::string with = before.substr(0, at);
  if (sign.joined && at == until) with += line_end;
  with.append(sign_line(comment, kBlockSign, target, sign)).append(line_end).append(lines);
  with.append(comment).append(kBlockEnd).append(line_end).append(before, until);
  edit.with = std::move(with);
}

}  // namespace culvert
