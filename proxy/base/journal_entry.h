#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/access_field.h"

namespace culvert {

/// One of syslog(3)'s.
enum class JournalPriority : std::uint8_t { warning = 4, notice = 5, info = 6 };

/// Builds one entry of the access log for the systemd journal in its native protocol
/// (systemd.io/JOURNAL_NATIVE_PROTOCOL): lines NAME=value, behind what `out` holds already.  Values
/// are escaped, so that one stays one line and is text for journalctl(1): as in the text log, but
/// without quotes, and UTF-8 stays as it is.  Longer ones are cut, and end in "..."
class JournalEntry {
 public:
  /// What journalctl(1) leaves out of its JSON begins at 4,096 bytes.
  static constexpr std::size_t kMostOfValue = 2048;
  static constexpr std::size_t kMostOfMessage = 3072;
  /// The longest entry: far below what a datagram can have, 212,992 bytes unless the system is set
  /// up otherwise.
  static constexpr std::size_t kMost = std::size_t{48} * 1024;

  explicit JournalEntry(std::string& out);
  void add(AccessField field, std::string_view value);
  /// To be called once, after the fields.  `message` is printable ASCII.
  void finish(JournalPriority priority, std::string_view message);

 private:
  std::string& out_;
};

/// The socket that journald listens at, of its namespace where the service has one (LogNamespace=).
inline constexpr std::string_view kJournalSocket = "/run/systemd/journal/socket";

/// A value of --access-log cannot be used, because of `why`.
std::string no_journal(std::string_view why);

}  // namespace culvert
