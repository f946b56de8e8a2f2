#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/access_field.h"
#include "base/journal_entry.h"
#include "base/record_sink.h"

namespace culvert {

/// Where the access log goes.
struct AccessOutput {
  int fd = -1;                          ///< < 0: nowhere
  std::unique_ptr<RecordSink> journal;  ///< to the systemd journal by this, whose descriptor is fd
};

/// The log and the access log.  Each worker has its own Log, so no line waits for a lock: lines are
/// buffered until flush(), which the loop calls once a turn, usually with one write(2).  A write is
/// whole lines of at most PIPE_BUF bytes (or a part of a longer line), so that the workers' lines
/// are not mixed on a shared pipe.  A reader that pauses blocks no worker: what a pipe, socket or
/// terminal does not accept at once stays in the buffer; beyond 256 KiB lines are dropped.  Lost
/// lines are counted, and the log reports their number once they can be written again; that the
/// access log loses lines, it says at once.  The process must ignore SIGPIPE.
///
/// With a `journal` each line of the access log is an entry of the systemd journal instead, one
/// record of the sink, whatever the format.
class Log {
 public:
  enum class Level : std::uint8_t { debug, info, warning, error };
  enum class Format : std::uint8_t { text, json };

  /// `access_fd` < 0: no access log.  Of the Logs with the same `loss_told`, one reports that the
  /// access log loses lines.
  Log(int log_fd, int access_fd, Level level, Format format, std::atomic<bool>* loss_told = nullptr,
      RecordSink* journal = nullptr);
  // Only lack of memory could throw here.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~Log();  ///< flushes; owns no descriptor
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(Level level) const { return level >= level_; }
  /// One line with time and level.  The caller formats only if enabled(); `message` may hold any
  /// bytes: what is not printable ASCII (in JSON: not UTF-8) is escaped here.
  void write(Level level, std::string_view message);
  /// The same for what somebody has asked for: it is written even if the level is not enabled().
  void write_wanted(Level level, std::string_view message);

  bool access_enabled() const { return access_.fd >= 0; }
  /// One line of the access log: time, then the fields in the order in which they are added, as `
  /// key=value` or `,"key":value`.  Bytes are escaped as by write().  The line is complete when
  /// this object is destroyed; there is one at a time.  Without an access log, or room in it, the
  /// line is dropped.
  class AccessLine {
   public:
    explicit AccessLine(Log& log);
    ~AccessLine();
    AccessLine(const AccessLine&) = delete;
    AccessLine& operator=(const AccessLine&) = delete;

    void add(AccessField field, std::string_view value);
    void add(AccessField field, std::int64_t value);
    void add(AccessField field, std::uint64_t value);
    /// For what text has within another field.
    void add_apart(AccessField field, std::int64_t value);
    /// How much it matters; for the journal.
    void set_priority(JournalPriority priority) { priority_ = priority; }

   private:
    void begin_field(AccessField field);
    void begin_entry();
    void end_entry();
    template <typename Number>
    void add_number(AccessField field, Number value);

    Log& log_;
    Format format_;
    JournalPriority priority_ = JournalPriority::info;
    std::string* out_ = nullptr;         // nullptr: the line is dropped
    std::optional<JournalEntry> entry_;  // its fields; then `out_` is to be its message
    std::size_t entry_begin_ = 0;
  };

  /// Lines of the access log that were lost, and not reported yet.
  std::uint64_t lost_access_lines() const { return access_.dropped; }
  /// All that were lost so far, reported or not.
  std::uint64_t lost_lines_ever() const { return log_.lost_ever; }
  std::uint64_t lost_access_lines_ever() const { return access_.lost_ever; }
  /// To be written at the end.
  static std::string loss_report(std::uint64_t lines, std::string_view log);

  /// To be called in every turn.
  void flush() {
    if (waits()) flush_sinks();
  }
  /// Lines wait for a slow reader: flush() is to be called again soon.
  bool waits() const { return !log_.buffer.empty() || !access_.buffer.empty(); }

 private:
  struct Sink {
    Sink(int fd, RecordSink* record_sink);

    int fd;
    RecordSink* records;  ///< if not nullptr, `buffer` has their lengths before them
    bool may_block;       ///< write(2) may block unless poll(2) reports it writable
    std::string buffer;
    void drop(std::uint64_t lines) {
      dropped += lines;
      lost_ever += lines;
    }

    std::uint64_t dropped = 0;  ///< lines lost and not yet reported
    std::uint64_t lost_ever = 0;
    int error = 0;  ///< of the last write(2) that lost some; 0: there was no room
  };

  void append_message(Level level, std::string_view message);
  /// Whether there is room for one more line; if not, it counts as dropped.
  bool has_room(Sink& sink);
  void flush_sinks();
  void tell_access_loss();
  /// True if there was something to write and all of it was taken.
  bool flush_sink(Sink& sink);
  bool flush_records(Sink& sink);

  Sink log_;
  Sink access_;
  std::string message_;  ///< of the entry that is being made
  Level level_;
  Format format_;
  std::atomic<bool> own_loss_told_{false};
  std::atomic<bool>& loss_told_;
};

}  // namespace culvert
