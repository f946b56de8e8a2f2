#include "base/journal_entry.h"

#include <algorithm>

#include "base/escape.h"
#include "base/one_line.h"
#include "base/text.h"
#include "base/utf8.h"

namespace culvert {
namespace {

constexpr std::string_view kHead =
    "SYSLOG_IDENTIFIER=culvert\n"
    "MESSAGE_ID=1bdfce2762b9448c8723f51fbd37bc59\n";
constexpr std::string_view kFieldPrefix = "CULVERT_";
constexpr std::string_view kCut = "...";

constexpr std::size_t longest_name() {
  std::size_t longest = 0;
  for (const std::string_view name : kAccessFields) longest = std::max(longest, name.size());
  return kFieldPrefix.size() + longest;
}
constexpr std::size_t kMostOfName = 64;  // of a field's, for journald
static_assert(longest_name() <= kMostOfName);

constexpr std::size_t kMostOfField = kMostOfName + JournalEntry::kMostOfValue + 2;
constexpr std::size_t kMostOfEnd = 64 + JournalEntry::kMostOfMessage;  // PRIORITY= and MESSAGE=
static_assert(kHead.size() + kAccessFields.size() * kMostOfField + kMostOfEnd <=
              JournalEntry::kMost);

/// The first character of `text`, which is not empty, as it stands in a value; removes it.
void take_character(std::string& out, std::string_view& text) {
  const std::size_t length = utf8_length(text);
  const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
  if (length != 0 && is_shown(character) && character != "\\") {
    out = character;
  } else {
    out.clear();
    for (const char byte : character) append_escape(out, byte);
  }
  text.remove_prefix(character.size());
}

}  // namespace

JournalEntry::JournalEntry(std::string& out) : out_(out) { out_ += kHead; }

void JournalEntry::add(AccessField field, std::string_view value) {
  out_ += kFieldPrefix;
  for (const char c : name_of(field)) {
    out_ += c == '_' ? c : static_cast<char>(c - 'a' + 'A');
  }
  out_ += '=';
  const std::size_t most = out_.size() + kMostOfValue - kCut.size();
  std::string character;
  while (!value.empty()) {
    take_character(character, value);
    if (out_.size() + character.size() > most) {
      out_ += kCut;
      break;
    }
    out_ += character;
  }
  out_ += '\n';
}

void JournalEntry::finish(JournalPriority priority, std::string_view message) {
  out_ += "PRIORITY=";
  append_number(out_, static_cast<int>(priority));
  out_ += "\nMESSAGE=";
  const bool whole = message.size() <= kMostOfMessage;
  out_ += message.substr(0, whole ? message.npos : kMostOfMessage - kCut.size());
  if (!whole) out_ += kCut;
  out_ += '\n';
}

std::string no_journal(std::string_view why) {
  return concat({"there is no systemd journal here (", kJournalSocket, ": ", why,
                 "); outside of systemd, as in a container, write -, a file or off"});
}

}  // namespace culvert
