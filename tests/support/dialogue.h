// What a peer sends and expects, step by step.
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
  Dialogue& expects(std::string bytes);
  /// Waits for the other side's FIN.
  Dialogue& expects_end();
  Dialogue& sends(std::string bytes);
  /// Sends a FIN.
  Dialogue& ends();
  /// The connection breaks with this errno.
  Dialogue& resets(int error);

  /// What the other side sent.
  void take(std::string_view bytes);
  void take_end();

  /// Received bytes that no line has expected.
  const std::string& received() const { return received_; }
  bool received_end() const { return received_end_; }
  /// Empty if every line was performed; else what was expected, and what was received instead.
  std::string verdict() const;

  // What is to be sent: the driver takes it.
  std::string output;
  bool ended = false;
  std::optional<int> broken;

 private:
  struct Line {
    enum class What { receive, receive_end, send, end, reset };
    What what;
    std::string bytes;
    int error = 0;
  };
  Dialogue& add(Line line);
  void perform();

  std::deque<Line> lines_;
  std::string received_;
  bool received_end_ = false;
};

/// `bytes` as C would write them, for messages.
std::string shown(std::string_view bytes);

}  // namespace culvert::test
