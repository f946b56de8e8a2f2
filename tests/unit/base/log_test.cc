#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/memory_file.h"
#include "unit/base/journal_fields.h"

using namespace culvert;

namespace {

/// A pipe whose ends close by themselves.
class Pipe {
 public:
  explicit Pipe(int flags = 0) { REQUIRE(::pipe2(ends_.data(), flags) == 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }

  /// What is in the pipe now.
  std::string take() {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 65536> chunk;
    ssize_t n = 0;
    while ((n = ::read(ends_[0], chunk.data(), chunk.size())) > 0) {
      text.append(chunk.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

constexpr std::size_t kTimeSize = std::string_view("2026-11-24T05:36:24.123Z").size();

std::string without_time(const std::string& line) {
  REQUIRE(line.size() > kTimeSize);
  return line.substr(kTimeSize);
}

void write_some_access(Log& log) {
  Log::AccessLine line(log);
  line.add(AccessField::id, std::uint64_t{17});
  line.add(AccessField::client, "127.0.0.1:50123");
  line.add(AccessField::bytes_up, std::uint64_t{5'000'000'000});
  line.add(AccessField::total_ms, std::int64_t{-3});
  line.add(AccessField::detail, "a \"b\"\n\x9b");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("a text line has time, level and message") {
  Pipe pipe;
  Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
  log.write(Log::Level::info, "listening on http://127.0.0.1:3128");
  CHECK(pipe.take().empty());  // gathered until the flush
  log.flush();
  const std::string line = pipe.take();
  CHECK(without_time(line) == " info listening on http://127.0.0.1:3128\n");
  // 2026-11-24T05:36:24.123Z
  const std::string shape = "dddd-dd-ddTdd:dd:dd.dddZ";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    INFO(line << " at " << i);
    CHECK((shape[i] == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == shape[i]));
  }
}

TEST_CASE("lines below the level are left out") {
  Pipe pipe;
  Log log(pipe.writer(), -1, Log::Level::warning, Log::Format::text);
  CHECK_FALSE(log.enabled(Log::Level::info));
  CHECK(log.enabled(Log::Level::warning));
  log.write(Log::Level::debug, "a");
  log.write(Log::Level::info, "b");
  log.write(Log::Level::warning, "c");
  log.write(Log::Level::error, "d");
  log.flush();
  const auto lines = lines_of(pipe.take());
  REQUIRE(lines.size() == 2);
  CHECK(without_time(lines[0]) == " warning c");
  CHECK(without_time(lines[1]) == " error d");
}

TEST_CASE("no byte of a message can end a line or reach the terminal") {
  Pipe pipe;
  {
    Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
    log.write(Log::Level::info, std::string_view("a\nb\r\tc\\d\x1b[31m\0e\x7f\x9b\"f", 19));
    log.write(Log::Level::info, "");
  }  // the destructor flushes
  const auto lines = lines_of(pipe.take());
  REQUIRE(lines.size() == 2);
  CHECK(without_time(lines[0]) == " info a\\nb\\r\\tc\\\\d\\x1b[31m\\x00e\\x7f\\x9b\"f");
  CHECK(without_time(lines[1]) == " info ");
}

TEST_CASE("JSON lines") {
  Pipe log_pipe;
  Pipe access_pipe;
  Log log(log_pipe.writer(), access_pipe.writer(), Log::Level::info, Log::Format::json);
  log.write(Log::Level::warning, "say \"hi\"\n\x9b");
  write_some_access(log);
  log.flush();
  const std::string line = log_pipe.take();
  CHECK(line.substr(0, 9) == "{\"time\":\"");
  CHECK(line.substr(9 + kTimeSize) ==
        "\",\"level\":\"warning\",\"message\":\"say \\\"hi\\\"\\n\\ufffd\"}\n");
  const std::string access = access_pipe.take();
  CHECK(access.substr(0, 9) == "{\"time\":\"");
  CHECK(access.substr(9 + kTimeSize) ==
        "\",\"type\":\"access\",\"id\":17,\"client\":\"127.0.0.1:50123\",\"bytes_up\":5000000000,"
        "\"total_ms\":-3,\"detail\":\"a \\\"b\\\"\\n\\ufffd\"}\n");
}

TEST_CASE("access lines are fields that people can read") {
  Pipe pipe;
  Log log(-1, pipe.writer(), Log::Level::info, Log::Format::text);
  write_some_access(log);
  { Log::AccessLine empty(log); }
  log.flush();
  const auto lines = lines_of(pipe.take());
  REQUIRE(lines.size() == 2);
  CHECK(without_time(lines[0]) ==
        " access id=17 client=127.0.0.1:50123 bytes_up=5000000000 total_ms=-3 "
        "detail=\"a \\\"b\\\"\\n\\x9b\"");
  CHECK(without_time(lines[1]) == " access");
}

TEST_CASE("without an access log nothing is written") {
  Pipe pipe;
  Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
  CHECK_FALSE(log.access_enabled());
  write_some_access(log);
  log.flush();
  CHECK(pipe.take().empty());
}

TEST_CASE("a slow reader loses whole lines, gets their number, and the rest in order") {
  // Blocking is what we are usually given, and must not change for the others who have it.
  Pipe pipe(GENERATE(0, O_NONBLOCK));
  Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
  const std::string padding(500, 'x');
  constexpr int kLines = 2000;  // about 1 MB; pipe and buffer hold some 320 KiB of it
  for (int i = 0; i < kLines; ++i) {
    log.write(Log::Level::info, std::to_string(i) + " " + padding);
    log.flush();
  }
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += pipe.take();
    log.flush();
  }
  text += pipe.take();
  const auto lines = lines_of(text);
  REQUIRE(lines.size() > 2);
  int expected = 0;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    if (lines[i].ends_with(padding) &&
        without_time(lines[i]).starts_with(" info " + std::to_string(expected) + " ")) {
      ++expected;
    }
  }
  CHECK(static_cast<std::size_t>(expected) == lines.size() - 1);
  CHECK(expected < kLines);
  CHECK(without_time(lines.back()) ==
        " warning " + std::to_string(kLines - expected) +
            " lines of the log were dropped: its reader is too slow or it cannot be written");
}

TEST_CASE("a line longer than a pipe's atomic write stays whole") {
  Pipe pipe;
  Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
  log.write(Log::Level::info, "before");
  log.write(Log::Level::info, std::string(20'000, 'y'));
  log.write(Log::Level::info, "after");
  log.flush();
  CHECK_FALSE(log.waits());
  const auto lines = lines_of(pipe.take());
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].size() == kTimeSize + 6 + 20'000);
  CHECK(without_time(lines[2]) == " info after");
}

TEST_CASE("a long line into a pipe that is nearly full waits for its reader") {
  Pipe pipe;
  Log log(pipe.writer(), -1, Log::Level::info, Log::Format::text);
  std::size_t filled = 0;
  while (!log.waits()) {
    log.write(Log::Level::info, std::string(20'000, 'y'));
    ++filled;
    log.flush();
  }
  std::string text = pipe.take();
  log.flush();
  CHECK_FALSE(log.waits());
  text += pipe.take();
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == filled);
  for (const std::string& line : lines) CHECK(line.size() == kTimeSize + 6 + 20'000);
}

TEST_CASE("a reader that is gone costs lines, and that is told once") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe access_pipe;
  Pipe log_pipe;
  std::atomic<bool> told{false};
  Log log(log_pipe.writer(), access_pipe.writer(), Log::Level::info, Log::Format::text, &told);
  Log of_other_worker(log_pipe.writer(), access_pipe.writer(), Log::Level::info, Log::Format::text,
                      &told);
  access_pipe.close_reader();
  for (int i = 0; i < 3; ++i) {
    write_some_access(log);
    log.flush();
    write_some_access(of_other_worker);
    of_other_worker.flush();
  }
  CHECK(without_time(log_pipe.take()) ==
        " warning the access log cannot be written: Broken pipe; its lines are dropped, and their "
        "number is told later\n");
  CHECK(log.lost_access_lines() == 3);
  CHECK(of_other_worker.lost_access_lines() == 3);
  log.write(Log::Level::info, "still here");
  log.flush();
  CHECK(without_time(log_pipe.take()) == " info still here\n");
}

TEST_CASE("an access log that cannot be written is told again after it could be") {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (full < 0) return;
  Pipe log_pipe;
  Pipe access_pipe;
  const int access = ::fcntl(full, F_DUPFD_CLOEXEC, 0);
  Log log(log_pipe.writer(), access, Log::Level::info, Log::Format::text);
  const auto said_after_line = [&] {
    write_some_access(log);
    log.flush();
    const std::string said = log_pipe.take();
    return said.empty() ? said : without_time(said);
  };
  CHECK_THAT(said_after_line(), Catch::Matchers::Contains("No space left on device; "));
  CHECK(said_after_line().empty());
  ::dup2(access_pipe.writer(), access);  // as after a rotation
  CHECK(said_after_line() ==
        " warning 2 lines of the access log were dropped: its reader is too "
        "slow or it cannot be written\n");
  CHECK(log.lost_access_lines() == 0);
  CHECK(log.lost_access_lines_ever() == 2);
  CHECK(log.lost_lines_ever() == 0);
  ::dup2(full, access);
  CHECK_THAT(said_after_line(), Catch::Matchers::Contains("No space left on device; "));
  ::close(access);
  ::close(full);
}

TEST_CASE("an access log's reader that is too slow is told while it is") {
  Pipe log_pipe;
  Pipe access_pipe;
  Log log(log_pipe.writer(), access_pipe.writer(), Log::Level::info, Log::Format::text);
  while (log.lost_access_lines() == 0) {
    Log::AccessLine line(log);
    line.add(AccessField::detail, std::string(2000, 'x'));
  }
  log.flush();
  CHECK(without_time(log_pipe.take()) ==
        " warning the access log cannot be written: its reader is too slow; its lines are dropped, "
        "and their number is told later\n");
}

TEST_CASE("what was asked for is written whatever the level") {
  test::MemoryFile file;
  Log log(file.fd(), -1, Log::Level::error, Log::Format::text);
  log.write(Log::Level::info, "not this");
  log.write_wanted(Log::Level::info, "this");
  log.flush();
  const std::string text = file.text();
  CHECK(text.find(" info this\n") != std::string::npos);
  CHECK(text.find("not") == std::string::npos);
}

namespace {

/// A journald that takes what it is told to.
struct Journal : RecordSink {
  Sent send(std::span<const std::string_view> records) override {
    ++calls;
    Sent sent;
    for (const std::string_view record : records) {
      if (room == 0) sent.error = error;
      if (sent.error == 0 && record.size() > longest) sent.error = EMSGSIZE;
      if (sent.error != 0) return sent;
      --room;
      ++sent.records;
      taken.emplace_back(record);
    }
    return sent;
  }

  std::size_t room = 1000;  ///< for so many records
  std::size_t longest = JournalEntry::kMost;
  int error = EAGAIN;  ///< without room
  int calls = 0;
  std::vector<std::string> taken;
};

/// A log with it.  The descriptor says only that there is one.
struct JournalScene {
  explicit JournalScene(Log::Format format = Log::Format::text)
      : log(pipe.writer(), 0, Log::Level::info, format, nullptr, &journal) {}

  std::string said() {
    const std::string text = pipe.take();
    return text.empty() ? text : without_time(text);
  }

  Pipe pipe;
  Journal journal;
  Log log;
};

}  // namespace

TEST_CASE("an entry of the journal has the text as its message, and fields") {
  JournalScene scene(GENERATE(Log::Format::text, Log::Format::json));
  REQUIRE(scene.log.access_enabled());
  write_some_access(scene.log);
  {
    Log::AccessLine line(scene.log);
    line.add(AccessField::id, std::uint64_t{18});
    line.add_apart(AccessField::uid, 1000);
    line.set_priority(JournalPriority::warning);
  }
  CHECK(scene.log.waits());
  CHECK(scene.journal.taken.empty());  // gathered until the flush
  scene.log.flush();
  CHECK_FALSE(scene.log.waits());
  CHECK(scene.journal.calls == 1);
  REQUIRE(scene.journal.taken.size() == 2);
  CHECK(scene.journal.taken[0] ==
        "SYSLOG_IDENTIFIER=culvert\n"
        "MESSAGE_ID=1bdfce2762b9448c8723f51fbd37bc59\n"
        "CULVERT_ID=17\n"
        "CULVERT_CLIENT=127.0.0.1:50123\n"
        "CULVERT_BYTES_UP=5000000000\n"
        "CULVERT_TOTAL_MS=-3\n"
        "CULVERT_DETAIL=a \"b\"\\n\\x9b\n"
        "PRIORITY=6\n"
        "MESSAGE=access id=17 client=127.0.0.1:50123 bytes_up=5000000000 total_ms=-3 "
        "detail=\"a \\\"b\\\"\\n\\x9b\"\n");
  CHECK(test::value_of(scene.journal.taken[1], "CULVERT_UID") == "1000");
  CHECK(test::value_of(scene.journal.taken[1], "MESSAGE") == "access id=18");
  CHECK(test::value_of(scene.journal.taken[1], "PRIORITY") == "4");
  CHECK(scene.said().empty());
}

TEST_CASE("what text has within another field stands apart in JSON") {
  Pipe pipe;
  const auto format = GENERATE(Log::Format::text, Log::Format::json);
  Log log(-1, pipe.writer(), Log::Level::info, format);
  { Log::AccessLine(log).add_apart(AccessField::uid, 1000); }
  log.flush();
  const bool has_it = pipe.take().find(",\"uid\":1000}") != std::string::npos;
  CHECK(has_it == (format == Log::Format::json));
}

TEST_CASE("many entries of one turn are sent together, in their order") {
  JournalScene scene;
  for (std::uint64_t i = 0; i < 40; ++i) {
    Log::AccessLine line(scene.log);
    line.add(AccessField::id, i);
  }
  scene.log.flush();
  REQUIRE(scene.journal.taken.size() == 40);
  CHECK(scene.journal.calls == 3);
  for (std::size_t i = 0; i < 40; ++i) {
    CHECK(test::value_of(scene.journal.taken[i], "CULVERT_ID") == std::to_string(i));
  }
}

TEST_CASE("entries wait for a journald that is busy") {
  JournalScene scene;
  scene.journal.room = 1;
  for (int i = 0; i < 3; ++i) write_some_access(scene.log);
  scene.log.flush();
  CHECK(scene.journal.taken.size() == 1);
  CHECK(scene.log.waits());
  CHECK(scene.log.lost_access_lines() == 0);
  scene.journal.room = 10;
  scene.log.flush();
  CHECK(scene.journal.taken.size() == 3);
  CHECK_FALSE(scene.log.waits());
  CHECK(scene.said().empty());
}

TEST_CASE("a journald that stays busy costs entries, and that is told") {
  JournalScene scene;
  scene.journal.room = 0;
  std::uint64_t written = 0;
  while (scene.log.lost_access_lines() == 0) {
    Log::AccessLine line(scene.log);
    line.add(AccessField::target, std::string(1000, 'x'));
    ++written;
  }
  scene.log.flush();
  CHECK(scene.said() ==
        " warning the access log cannot be written: its reader is too slow; its lines are dropped, "
        "and their number is told later\n");
  scene.journal.room = 1000;
  scene.log.flush();
  CHECK(scene.journal.taken.size() == written - 1);
  CHECK(scene.said() ==
        " warning 1 lines of the access log were dropped: its reader is too slow or it cannot be "
        "written\n");
  CHECK(scene.log.lost_access_lines() == 0);
}

TEST_CASE("entries are lost while no journald is there, and come again") {
  JournalScene scene;
  scene.journal.room = 0;
  scene.journal.error = ECONNREFUSED;
  for (int i = 0; i < 2; ++i) write_some_access(scene.log);
  scene.log.flush();
  CHECK(scene.said() ==
        " warning the access log cannot be written: Connection refused; its lines are dropped, and "
        "their number is told later\n");
  CHECK_FALSE(scene.log.waits());
  CHECK(scene.log.lost_access_lines() == 2);
  scene.journal.room = 10;
  write_some_access(scene.log);
  scene.log.flush();
  CHECK(scene.journal.taken.size() == 1);
  CHECK(scene.said() ==
        " warning 2 lines of the access log were dropped: its reader is too slow or it cannot be "
        "written\n");
  CHECK(scene.log.lost_access_lines_ever() == 2);
}

TEST_CASE("an entry that is refused costs no other one") {
  JournalScene scene;
  scene.journal.longest = 400;
  write_some_access(scene.log);
  {
    Log::AccessLine line(scene.log);
    line.add(AccessField::target, std::string(1000, 'x'));
  }
  write_some_access(scene.log);
  scene.log.flush();
  CHECK(scene.journal.taken.size() == 2);
  CHECK(scene.log.lost_access_lines() == 1);
  CHECK_THAT(scene.said(), Catch::Matchers::Contains("cannot be written: Message too long; "));
}

TEST_CASE("a log that ends gives a busy journald a moment, and no longer") {
  const int error = GENERATE(EAGAIN, ECONNREFUSED);
  Journal journal;
  journal.room = 0;
  journal.error = error;
  {
    Log log(-1, 0, Log::Level::info, Log::Format::text, nullptr, &journal);
    write_some_access(log);
  }
  CHECK(journal.taken.empty());
  CHECK((error == EAGAIN ? journal.calls > 2 : journal.calls == 1));
}
