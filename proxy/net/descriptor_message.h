#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// Writes `text` and a NUL, with copies of the `descriptors`, to a unix stream socket.  Blocks for
/// as long as the socket does; false: it was not taken in whole.
bool send_message(int socket, std::string_view text, const std::vector<int>& descriptors = {});

/// One message of send_message() as it arrives, piece by piece.  Descriptors that nobody has taken
/// out are closed.
class MessageReader {
 public:
  MessageReader() = default;
  ~MessageReader();
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  enum class State { more, complete, gone };
  /// Reads once.  `more`: to be called again; `gone`: the socket is at its end or failed, or the
  /// message is none (errno is set).
  State read_from(int socket);

  const std::string& text() const { return text_; }
  /// They have FD_CLOEXEC, and are the caller's.
  std::vector<int> take_descriptors();

 private:
  std::string text_;
  std::vector<int> descriptors_;
};

}  // namespace culvert
