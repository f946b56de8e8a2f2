#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace culvert {

/// Where lines go.  Each worker has its own Log, so no line waits for a lock: they gather in a
/// buffer and leave at flush(), which the loop calls once a turn, usually with one write(2).  A
/// write is whole lines of at most PIPE_BUF bytes (or a part of a longer line), so that the
/// workers' lines stay apart on a shared pipe.  A reader that pauses stops nobody: what a pipe,
/// socket or terminal does not take at once waits in the buffer; beyond 256 KiB lines are dropped,
/// and a later line says how many.  The process must ignore SIGPIPE.
class Log {
 public:
  enum class Level : std::uint8_t { debug, info, warning, error };
  enum class Format : std::uint8_t { text, json };

  Log(int log_fd, int access_fd, Level level, Format format);  ///< access_fd < 0: no access log
  ~Log();                                                      ///< flushes; owns no descriptor
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(Level level) const { return level >= level_; }
  /// One line with time and level.  The caller formats only if enabled(); `message` may hold any
  /// bytes: what is not printable ASCII (in JSON: not UTF-8) is escaped here.
  void write(Level level, std::string_view message);

  /// What one session came to.  Views need only live during the call.
  struct Access {
    std::uint64_t id = 0;
    std::string_view client;          ///< address:port
    std::string_view method;          ///< CONNECT, GET, ... or "-"
    std::string_view target;          ///< host:port or URL without userinfo; "-" if none
    std::string_view upstream;        ///< label, "-" if none was chosen
    std::string_view outcome;         ///< "ok", or the name of an Errc
    std::string_view stage;           ///< where it ended: head, route, dial, established, ...
    int status = 0;                   ///< sent to the client; 0 if none
    std::uint64_t bytes_up = 0;       ///< client to upstream
    std::uint64_t bytes_down = 0;     ///< upstream to client
    std::int64_t connect_ms = -1;     ///< from the head's end to the upstream's yes; -1: never
    std::int64_t first_byte_ms = -1;  ///< to the response's head, of a plain request; -1: none
    std::int64_t total_ms = 0;
    std::string_view closed_by;  ///< client, upstream, culvert
    std::string_view detail;     ///< the error's text; empty if none
  };
  bool access_enabled() const { return access_.fd >= 0; }
  void access(const Access& line);

  /// To be called in every turn.
  void flush() {
    if (waits()) flush_sinks();
  }
  /// Some of it waits for a slow reader: flush() is to be called again soon.
  bool waits() const { return !log_.buffer.empty() || !access_.buffer.empty(); }

 private:
  struct Sink {
    explicit Sink(int fd);

    int fd;
    bool may_block;  ///< writing to it, unless it is asked first
    std::string buffer;
    std::uint64_t dropped = 0;  ///< lines lost and not yet told of
  };

  void append_message(Level level, std::string_view message);
  /// Is there room for one more line?  If not, it counts as dropped.
  bool has_room(Sink& sink);
  void flush_sinks();
  /// True if there was something to write and all of it was taken.
  bool flush_sink(Sink& sink);

  Sink log_;
  Sink access_;
  Level level_;
  Format format_;
};

}  // namespace culvert
