#include "check/hear.h"

#include <array>

#include "net/output.h"
#include "net/timer.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

/// Wakes the loop's turner up.
class Awaited final : public StreamEvents {
 public:
  explicit Awaited(Loop& loop) : timer_(loop, Callback<void()>::to<&Awaited::on_timeout>(this)) {}

  void start(milliseconds limit) { timer_.start(limit); }
  void on_ready(Stream&) override { ready_ = true; }
  bool happened() const { return ready_ || late_; }
  bool late() const { return late_; }
  void again() { ready_ = false; }

 private:
  void on_timeout() { late_ = true; }

  Timer timer_;
  bool ready_ = false;
  bool late_ = false;
};

/// Reads what is there.  False: the stream has ended.
bool read_more(Stream& stream, std::string& bytes, std::size_t enough) {
  std::array<char, 512> buffer;
  while (bytes.size() < enough) {
    const Io io = stream.try_read(buffer);
    if (io.status == Io::Status::would_block) return true;
    if (io.status != Io::Status::ok) return false;
    bytes.append(buffer.data(), io.bytes);
  }
  return true;
}

}  // namespace

Heard hear(Walk& walk, Stream& stream, std::string_view bytes, milliseconds limit,
           std::size_t enough, bool until_line) {
  Awaited awaited(walk.loop());
  Heard heard;
  Output output{std::string(bytes)};
  const auto begun = walk.loop().clock_time();
  const auto end = [&](Heard::End how) {
    heard.end = how;
    heard.after = std::chrono::round<milliseconds>(walk.loop().clock_time() - begun);
    stream.set_events(nullptr);
    return heard;
  };
  stream.set_events(&awaited);
  awaited.start(limit);
  while (true) {
    if (!output.empty() && output.write_to(stream).status == Io::Status::error) output.clear();
    const bool open = read_more(stream, heard.bytes, enough);
    const bool has_line = until_line && heard.bytes.find('\n') != std::string::npos;
    if (heard.bytes.size() >= enough || has_line) return end(Heard::End::heard);
    if (!open) return end(heard.bytes.empty() ? Heard::End::closed : Heard::End::heard);
    if (awaited.late()) return end(heard.bytes.empty() ? Heard::End::silent : Heard::End::heard);
    awaited.again();
    if (!walk.wait([&] { return awaited.happened(); })) return end(Heard::End::over);
  }
}

}  // namespace culvert
