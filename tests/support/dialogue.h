// What a peer says and expects, line by line: this arrives, that leaves.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace culvert::test {

/// A script of one side of a conversation. Each line is performed as soon as those before it are
/// done, a line that need not wait at once.
class Dialogue {
 public:
  /// Waits for exactly these bytes.
  Dialogue& hears(std::string bytes);
  /// Waits for the other side's FIN.
  Dialogue& hears_end();
  Dialogue& says(std::string bytes);
  /// Sends a FIN.
  Dialogue& ends();
  /// The connection breaks with this errno.
  Dialogue& resets(int error);

  /// What the other side sent.
  void take(std::string_view bytes);
  void take_end();

  /// Bytes that came and that no line has waited for.
  const std::string& heard() const { return heard_; }
  bool heard_end() const { return heard_end_; }
  /// Empty if every line was performed; else what was waited for, and what came instead.
  std::string verdict() const;

  // What is to be sent: the driver takes it.
  std::string output;
  bool ended = false;
  std::optional<int> broken;

 private:
  struct Line {
    enum class What { hear, hear_end, say, end, reset };
    What what;
    std::string bytes;
    int error = 0;
  };
  Dialogue& add(Line line);
  void perform();

  std::deque<Line> lines_;
  std::string heard_;
  bool heard_end_ = false;
};

/// `bytes` as C would write them, for messages.
std::string shown(std::string_view bytes);

}  // namespace culvert::test
