#include "base/log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <ctime>
#include <iterator>
#include <mutex>
#include <span>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"

namespace culvert {
namespace {

/// The buffer for a slow reader; lines beyond it are dropped and counted.
constexpr std::size_t kBufferLimit = std::size_t{256} * 1024;
constexpr int kLastLinesWait = 200;  // milliseconds
/// Records that are sent at once.
constexpr std::size_t kBatch = 16;
/// Before each record in its buffer.
using RecordLength = std::uint32_t;

std::string_view to_string(Log::Level level) {
  switch (level) {
    case Log::Level::debug:
      return "debug";
    case Log::Level::info:
      return "info";
    case Log::Level::warning:
      return "warning";
    case Log::Level::error:
      return "error";
  }
  return "error";
}

/// "2026-11-24T05:36:24.123Z", UTC.
void append_now(std::string& out) {
  // The date changes once a second and costs most of a line's formatting.
  thread_local std::time_t cached_second = -1;
  thread_local std::array<char, 20> cached_date;

  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  const auto second = static_cast<std::time_t>(milliseconds / 1000);
  if (second != cached_second) {
    std::tm utc{};
    gmtime_r(&second, &utc);
    fmt::format_to_n(cached_date.data(), cached_date.size(), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec);
    cached_second = second;
  }
  out.append(cached_date.data(), cached_date.size());
  const auto rest = static_cast<int>(milliseconds % 1000);
  for (const int digit : {rest / 100, rest / 10 % 10, rest % 10}) {
    out += static_cast<char>('0' + digit);
  }
  out += 'Z';
}

/// The text format.  Whatever is not printable ASCII is escaped, so that a line stays one line, no
/// peer can forge another, and no control byte of a peer reaches a terminal.
void append_escaped(std::string& out, std::string_view bytes, bool quoted) {
  for (const char c : bytes) {
    const bool plain = c >= ' ' && c < 0x7f && c != '\\' && !(quoted && c == '"');
    if (plain) {
      out += c;
    } else {
      append_escape(out, c);
    }
  }
}

/// By byte: it may stand in a value without quotes.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t c = '!'; c <= '~'; ++c) plain[c] = c != '"' && c != '=' && c != '\\';
  return plain;
}();

bool needs_quotes(std::string_view value) {
  for (const char c : value) {
    if (!kPlain[static_cast<unsigned char>(c)]) return true;
  }
  return value.empty();
}

/// " bytes_up=", made before, as writing it is a tenth of what the line costs.
struct FieldStart {
  std::array<char, 16> bytes{};
  std::size_t size = 0;
};

constexpr auto kFieldStarts = [] {
  std::array<FieldStart, kAccessFields.size()> starts{};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    FieldStart& start = starts[i];
    start.bytes[start.size++] = ' ';
    for (const char c : kAccessFields[i]) start.bytes[start.size++] = c;
    start.bytes[start.size++] = '=';
  }
  return starts;
}();

/// The part of `bytes` to hand to one write(2): whole lines, at most PIPE_BUF of them so that the
/// lines of other workers on the same pipe stay apart; of a longer line as much.
std::string_view next_chunk(std::string_view bytes) {
  if (bytes.size() <= PIPE_BUF) return bytes;
  const std::size_t end = bytes.rfind('\n', PIPE_BUF - 1);
  return bytes.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

/// Whether PIPE_BUF bytes can be written without blocking.  O_NONBLOCK would also affect the other
/// processes that share an inherited descriptor.
bool takes_more(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, 0) != 0;
}

/// Removes it from `buffer`, which is not empty.
std::string_view take_record(std::string_view& buffer) {
  RecordLength length = 0;
  std::memcpy(&length, buffer.data(), sizeof length);
  const std::string_view record = buffer.substr(sizeof length, length);
  buffer.remove_prefix(sizeof length + length);
  return record;
}

std::uint64_t count_lines(std::string_view bytes) {
  return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

}  // namespace

Log::Sink::Sink(int descriptor, RecordSink* record_sink) : fd(descriptor), records(record_sink) {
  struct stat file {};
  const bool known = fstat(fd, &file) == 0;
  may_block = known && (S_ISFIFO(file.st_mode) || S_ISSOCK(file.st_mode) || isatty(fd) == 1);
}

Log::Log(int log_fd, int access_fd, Level level, Format format, std::atomic<bool>* loss_told,
         RecordSink* journal)
    : log_(log_fd, nullptr),
      access_(access_fd, journal),
      level_(level),
      format_(format),
      loss_told_(loss_told != nullptr ? *loss_told : own_loss_told_) {}

// NOLINTNEXTLINE(bugprone-exception-escape)
Log::~Log() {
  flush();
  // The last lines are the most important; a slow reader gets a moment to read them.
  for (Sink* sink : {&log_, &access_}) {
    if (sink->buffer.empty()) continue;
    if (sink->records != nullptr) {
      // Whether its receiver has room, poll(2) does not tell.
      constexpr int kBetweenTries = 10;
      for (int waited = 0; waited < kLastLinesWait && !sink->buffer.empty();
           waited += kBetweenTries) {
        ::poll(nullptr, 0, kBetweenTries);
        flush();
      }
      continue;
    }
    pollfd ready{sink->fd, POLLOUT, 0};
    ::poll(&ready, 1, kLastLinesWait);
  }
  flush();
}

void Log::write(Level level, std::string_view message) {
  if (enabled(level)) write_wanted(level, message);
}

void Log::write_wanted(Level level, std::string_view message) {
  if (has_room(log_)) append_message(level, message);
}

void Log::append_message(Level level, std::string_view message) {
  std::string& out = log_.buffer;
  if (format_ == Format::json) {
    out += "{\"time\":\"";
    append_now(out);
    fmt::format_to(std::back_inserter(out), "\",\"level\":\"{}\",\"message\":\"{}\"}}\n",
                   to_string(level), json_escape(message));
    return;
  }
  append_now(out);
  fmt::format_to(std::back_inserter(out), " {} ", to_string(level));
  append_escaped(out, message, false);
  out += '\n';
}

Log::AccessLine::AccessLine(Log& log) : log_(log), format_(log.format_) {
  if (!log.access_enabled() || !log.has_room(log.access_)) return;
  if (log.access_.records != nullptr) {
    begin_entry();
    return;
  }
  out_ = &log.access_.buffer;
  if (format_ == Format::json) {
    *out_ += "{\"time\":\"";
    append_now(*out_);
    *out_ += "\",\"type\":\"access\"";
  } else {
    append_now(*out_);
    *out_ += " access";
  }
}

Log::AccessLine::~AccessLine() {
  if (out_ == nullptr) return;
  if (entry_) {
    end_entry();
    return;
  }
  if (format_ == Format::json) *out_ += '}';
  *out_ += '\n';
}

[[gnu::cold]] void Log::AccessLine::begin_entry() {
  std::string& buffer = log_.access_.buffer;
  entry_begin_ = buffer.size();
  buffer.append(sizeof(RecordLength), '\0');
  entry_.emplace(buffer);
  format_ = Format::text;
  out_ = &log_.message_;
  *out_ = "access";
}

[[gnu::cold]] void Log::AccessLine::end_entry() {
  entry_->finish(priority_, *out_);
  std::string& buffer = log_.access_.buffer;
  const auto length =
      static_cast<RecordLength>(buffer.size() - entry_begin_ - sizeof(RecordLength));
  std::memcpy(buffer.data() + entry_begin_, &length, sizeof length);
  clear_keeping(*out_, JournalEntry::kMost);
}

void Log::AccessLine::begin_field(AccessField field) {
  if (format_ == Format::json) {
    out_->append(",\"", 2).append(name_of(field)).append("\":", 2);
  } else {
    const FieldStart& start = kFieldStarts[static_cast<std::size_t>(field)];
    out_->append(start.bytes.data(), start.size);
  }
}

void Log::AccessLine::add(AccessField field, std::string_view value) {
  if (out_ == nullptr) return;
  if (entry_) entry_->add(field, value);
  begin_field(field);
  if (format_ == Format::json) {
    *out_ += '"';
    append_json_escaped(*out_, value);
    *out_ += '"';
  } else if (needs_quotes(value)) {
    *out_ += '"';
    append_escaped(*out_, value, true);
    *out_ += '"';
  } else {
    *out_ += value;
  }
}

template <typename Number>
void Log::AccessLine::add_number(AccessField field, Number value) {
  if (out_ == nullptr) return;
  begin_field(field);
  const std::size_t begin = out_->size();
  append_number(*out_, value);
  if (entry_) entry_->add(field, std::string_view(*out_).substr(begin));
}

void Log::AccessLine::add(AccessField field, std::int64_t value) { add_number(field, value); }

void Log::AccessLine::add(AccessField field, std::uint64_t value) { add_number(field, value); }

void Log::AccessLine::add_apart(AccessField field, std::int64_t value) {
  if (out_ == nullptr) return;
  if (format_ == Format::json) return add(field, value);
  if (entry_) entry_->add(field, std::to_string(value));
}

bool Log::has_room(Sink& sink) {
  if (sink.buffer.size() < kBufferLimit) return true;
  flush_sink(sink);
  if (sink.buffer.size() < kBufferLimit) return true;
  sink.drop(1);
  sink.error = 0;
  return false;
}

void Log::flush_sinks() {
  for (Sink* sink : {&access_, &log_}) {
    const bool intact = flush_sink(*sink);
    if (sink->dropped == 0) continue;
    if (intact) {
      append_message(Level::warning,
                     loss_report(sink->dropped, sink == &log_ ? "log" : "access log"));
      sink->dropped = 0;
      if (sink == &access_) loss_told_ = false;
    } else if (sink == &access_ && !loss_told_.exchange(true)) {
      tell_access_loss();
    }
  }
  flush_sink(log_);
}

std::string Log::loss_report(std::uint64_t lines, std::string_view log) {
  return fmt::format(
      "{} lines of the {} were dropped: its reader is too slow or it cannot be written", lines,
      log);
}

void Log::tell_access_loss() {
  append_message(Level::warning,
                 fmt::format("the access log cannot be written: {}; its lines are dropped, and "
                             "their number is told later",
                             access_.error == 0 ? "its reader is too slow"
                                                : std::generic_category().message(access_.error)));
}

bool Log::flush_sink(Sink& sink) {
  if (sink.buffer.empty()) return false;
  if (sink.records != nullptr) return flush_records(sink);
  bool intact = true;
  std::string_view rest = sink.buffer;
  while (!rest.empty()) {
    const std::string_view chunk = next_chunk(rest);
    // Nobody else may fill it between the question and the write.
    static std::mutex one_writer;
    std::unique_lock<std::mutex> alone(one_writer, std::defer_lock);
    if (sink.may_block && !(alone.try_lock() && takes_more(sink.fd))) {
      intact = false;
      break;  // Kept for the next turn, within the buffer's limit.
    }
    const ssize_t n = ::write(sink.fd, chunk.data(), chunk.size());
    if (n > 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {
      intact = false;
      break;
    } else {
      intact = false;
      sink.error = n < 0 ? errno : EIO;
      sink.drop(count_lines(rest));
      rest = {};
    }
  }
  sink.buffer.erase(0, sink.buffer.size() - rest.size());
  return intact;
}

[[gnu::cold]] bool Log::flush_records(Sink& sink) {
  bool intact = true;
  std::string_view rest = sink.buffer;
  while (!rest.empty()) {
    std::array<std::string_view, kBatch> batch;
    std::size_t size = 0;
    for (std::string_view at = rest; !at.empty() && size < kBatch; ++size) {
      batch[size] = take_record(at);
    }
    const auto [sent, error] = sink.records->send({batch.data(), size});
    for (std::size_t i = 0; i < sent; ++i) take_record(rest);
    if (sent == size) continue;
    intact = false;
    if (error == EAGAIN) break;  // Kept for the next turn, within the buffer's limit.
    sink.error = error;
    sink.drop(1);
    take_record(rest);
  }
  sink.buffer.erase(0, sink.buffer.size() - rest.size());
  return intact;
}

}  // namespace culvert
