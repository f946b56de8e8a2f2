#include "setup/own_text.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "setup/added_lines.h"
#include "setup/fnv1a.h"
#include "setup/root.h"

namespace culvert {
namespace {

/// Above a file, made for it: "~/.config/systemd/user/docker.service.d", and a home folder.
constexpr std::size_t kMostOwnFolders = 6;
constexpr auto kNotThere = std::string_view::npos;
constexpr std::string_view kFileSign = " Written by culvert setup; ";
constexpr std::string_view kBlockSign = " Begin: written by culvert setup; ";
constexpr std::string_view kBlockEnd = " End: written by culvert setup";
constexpr std::string_view kChanged =
    "was changed by hand since culvert setup wrote it: take its lines out yourself, and run this "
    "again";

constexpr std::string_view kGoesOn =
    "ends in a backslash, with which its last line would go on in ours: put an empty line behind "
    "it, and run this again";

/// What a line of ours says about the text that follows.
struct Sign {
  std::uint32_t sum = 0;
  bool made_file = false;  ///< there was no file before
  bool joined = false;     ///< the line before had no end
  std::size_t folders = 0;
  std::vector<std::uint16_t> lines;  ///< sums of each; empty: not kept
};

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
  for (std::size_t i = 0; i < sign.lines.size(); ++i) {
    line += i == 0 ? ", lines " : "-";
    append_number(line, sign.lines[i], 16);
  }
  return line + ")";
}

std::vector<std::uint16_t> read_lines(std::string_view text) {
  std::vector<std::uint16_t> sums;
  for (const std::string_view part : split(text, '-')) {
    std::uint16_t sum = 0;
    std::from_chars(part.data(), part.data() + part.size(), sum, 16);
    sums.push_back(sum);
  }
  return sums;
}

/// Reads the end of a sign_line(); nullopt if it has none.
std::optional<Sign> read_sign(std::string_view line) {
  const std::size_t begin = line.rfind(" (sum ");
  line = trim_space(line);
  if (begin == kNotThere || !line.ends_with(')')) return std::nullopt;
  Sign sign;
  for (std::string_view part : split(line.substr(begin + 2, line.size() - begin - 3), ',')) {
    if (part == "new") sign.made_file = true;
    if (part == "joined") sign.joined = true;
    if (part.starts_with("folders ")) {
      const auto folders = parse_number<std::size_t>(part.substr(8));
      // No installation makes more: somebody else wrote the number.
      if (folders && *folders <= kMostOwnFolders) sign.folders = *folders;
    }
    if (part.starts_with("lines ")) sign.lines = read_lines(part.substr(6));
    if (!part.starts_with("sum ")) continue;
    part.remove_prefix(4);
    const auto end = std::from_chars(part.data(), part.data() + part.size(), sign.sum, 16).ptr;
    if (end != part.data() + part.size()) return std::nullopt;
  }
  return sign;
}

/// How the line that begins at `at` ends.
std::string_view line_end_at(std::string_view text, std::size_t at) {
  return line_at(text, at).ends_with("\r\n") ? "\r\n" : "\n";
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
  std::size_t body = 0;      ///< behind its first line
  std::size_t body_end = 0;  ///< before its last line
  std::size_t end = 0;       ///< behind its last line
  Sign sign;
  bool untouched = false;
};

/// The begin of the line that starts with `sign`; kNotThere if there is none.
std::size_t find_line(std::string_view text, std::string_view sign, std::size_t from) {
  for (std::size_t at = from; (at = text.find(sign, at)) != kNotThere; ++at) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return kNotThere;
}

std::optional<Block> find_block(std::string_view text, std::string_view comment) {
  Block block;
  block.begin = find_line(text, std::string(comment).append(kBlockSign), 0);
  if (block.begin == kNotThere) return std::nullopt;
  const std::string_view sign = line_at(text, block.begin);
  block.body = block.begin + sign.size();
  const std::size_t last = find_line(text, std::string(comment).append(kBlockEnd), block.body);
  const auto read = read_sign(sign);
  if (!read) return block;
  block.sign = *read;
  if (last == kNotThere) {
    block.end = block.body + length_of_own_lines(text.substr(block.body), read->lines);
    block.body_end = block.end;
    return block;
  }
  block.body_end = last;
  block.end = last + line_at(text, last).size();
  block.untouched = fnv1a(text.substr(block.body, last - block.body)) == read->sum;
  return block;
}

/// `text` without the block, as it was before; nullopt if there was no file.  What others have
/// added to a block stays.
std::optional<std::string> without_block(std::string_view text, const Block& block) {
  std::string_view before = text.substr(0, block.begin);
  const std::string_view after = text.substr(block.end);
  const std::string_view line_end = line_end_at(text, block.begin);
  const std::string added =
      block.untouched
          ? std::string()
          : added_lines(text.substr(block.body, block.body_end - block.body), block.sign.lines);
  if (block.sign.joined && added.empty() && after.empty() && before.ends_with(line_end)) {
    before.remove_suffix(line_end.size());
  }
  std::string rest = std::string(before).append(added).append(after);
  if (rest.empty() && block.sign.made_file) return std::nullopt;
  return rest;
}

/// The last line of `text` goes on in the next.
bool goes_on(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t last = text.find_last_not_of('\\');
  return (text.size() - (last == kNotThere ? 0 : last + 1)) % 2 == 1;
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

/// Others have written into the block: their lines stay, and ours follow at the end.
void put_block_anew(FileEdit& edit, std::string_view target, std::string_view body,
                    std::string_view comment, const Block& changed, const BlockRules& rules) {
  FileEdit anew;
  anew.before = anew.without = without_block(*edit.before, changed);
  put_block(anew, target, body, comment, changed.sign.folders, rules);
  edit.cannot_install = anew.cannot_install;
  edit.cannot_uninstall = anew.cannot_uninstall;
  edit.without = std::move(anew.without);
  edit.with = std::move(anew.with);
  edit.our_folders = changed.sign.folders;
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
  Sign sign{fnv1a(body), true, false, 0, {}};
  if (!edit.before) {
    sign.folders = missing_folders(facts, edit.path);
    if (earlier != nullptr && !earlier->without) sign.folders += earlier->our_folders;
  } else {
    const std::string_view line = line_at(*edit.before, 0);
    const bool ours = line.starts_with(std::string(comment).append(kFileSign));
    const auto read = ours ? read_sign(line) : std::nullopt;
    if (read && read->sum == fnv1a(std::string_view(*edit.before).substr(line.size()))) {
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
                   std::string_view body, std::string_view comment, const BlockRules& rules) {
  FileEdit edit = found_edit(facts, std::move(path));
  put_block(edit, target, body, comment, edit.before ? 0 : missing_folders(facts, edit.path),
            rules);
  return edit;
}

void put_block(FileEdit& edit, std::string_view target, std::string_view body,
               std::string_view comment, std::size_t folders, const BlockRules& rules) {
  const std::string before = edit.before.value_or("");
  const auto block = find_block(before, comment);
  const std::string_view line_end = line_end_at(before, block ? block->begin : 0);
  const std::string lines = with_line_ends(body, line_end);
  Sign sign{fnv1a(lines), !edit.before, false, folders, {}};
  if (rules.keeps_added) sign.lines = line_sums(lines);
  std::size_t at = std::min(rules.place, before.size());
  std::size_t until = at;
  if (block && !block->untouched && rules.keeps_added && !block->sign.lines.empty()) {
    put_block_anew(edit, target, body, comment, *block, rules);
    return;
  }
  if (block) {
    if (!block->untouched) {
      edit.cannot_install = edit.cannot_uninstall = kChanged;
      return;
    }
    edit.without = without_block(before, *block);
    sign.made_file = block->sign.made_file;
    sign.joined = block->sign.joined;
    sign.folders = block->sign.folders;
    at = block->begin;
    until = block->end;
  } else {
    if (goes_on(std::string_view(before).substr(0, at))) {
      edit.cannot_install = kGoesOn;
      return;
    }
    sign.joined = at == before.size() && !before.empty() && !before.ends_with('\n');
  }
  edit.our_folders = sign.folders;
  std::string with = before.substr(0, at);
  if (sign.joined && at == until) with += line_end;
  with.append(sign_line(comment, kBlockSign, target, sign)).append(line_end).append(lines);
  with.append(comment).append(kBlockEnd).append(line_end).append(before, until);
  edit.with = std::move(with);
}

}  // namespace culvert
