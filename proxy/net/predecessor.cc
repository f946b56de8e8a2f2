#include "net/predecessor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "net/descriptor_piece.h"

namespace culvert {
namespace {

constexpr int kNoTurn = -1;  // in place of a group's number

/// One message: the numbers of the commands' groups, then their ports; a single command without a
/// port has none there.  Beside them the descriptors of each group that is not 0.
struct Turn {
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kDescriptors = 3;

  std::array<int, 2 * kMost> numbers{};
  DescriptorPiece piece;

  explicit Turn(std::size_t count) : piece(numbers.data(), count * sizeof(int)) {}
};

/// Whether it was sent.
bool send_one(int control, Turn& turn, std::span<const int> descriptors) {
  turn.piece.attach(descriptors);
  return sendmsg(control, turn.piece.message(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

/// Whatever came beside a message that is none is closed.
std::vector<PassedCommand> commands_of(Turn& turn, std::size_t size) {
  std::vector<int> descriptors;
  turn.piece.take_descriptors(descriptors);
  const std::size_t count = size == sizeof(int) ? 1 : size / (2 * sizeof(int));
  std::vector<PassedCommand> out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int group = turn.numbers[i];
    PassedCommand& command = out.emplace_back();
    if (size > sizeof(int)) command.port = static_cast<std::uint16_t>(turn.numbers[count + i]);
    if (group <= 0 || descriptors.size() - next < Turn::kDescriptors) continue;
    command.running = ChildProcess::Handle{group, descriptors[next], descriptors[next + 1],
                                           descriptors[next + 2]};
    next += Turn::kDescriptors;
  }
  for (; next < descriptors.size(); ++next) close(descriptors[next]);
  return out;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;  // it is gone
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string rest_of(int fd) {
  std::string text;
  std::array<char, 256> buffer;
  ssize_t count = 0;
  while ((count = recv(fd, buffer.data(), buffer.size(), 0)) > 0 || (count < 0 && errno == EINTR)) {
    text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return text;
}

}  // namespace

Predecessor::~Predecessor() {
  if (control_ >= 0) close(control_);
}

std::vector<PassedCommand> Predecessor::await_turn(std::string_view tunnel_command) {
  if (control_ < 0) return {};
  send_all(control_, std::string(tunnel_command) + '\0');
  Turn turn(2 * Turn::kMost);
  ssize_t count = 0;
  while ((count = recvmsg(control_, turn.piece.message(), MSG_CMSG_CLOEXEC)) < 0 &&
         errno == EINTR) {
  }
  const std::size_t size = count < 0 ? 0 : static_cast<std::size_t>(count);
  if (size >= sizeof(int) && turn.numbers[0] == kNoTurn) {
    const char* const bytes = reinterpret_cast<const char*>(turn.numbers.data());
    given_up_.assign(bytes + sizeof(int), bytes + size);
    given_up_ += rest_of(control_);
    if (given_up_.empty()) given_up_ = "it gives no reason";
  }
  close(std::exchange(control_, -1));
  if (!given_up_.empty()) return {};
  return commands_of(turn, size);
}

bool send_turn(int control, const std::vector<PassedCommand>& commands) {
  const std::size_t count = std::min(commands.size(), Turn::kMost);
  const bool has_ports = count > 1 || (count == 1 && commands[0].port != 0);
  Turn turn(has_ports ? 2 * count : 1);
  std::vector<int> descriptors;
  for (std::size_t i = 0; i < count; ++i) {
    if (has_ports) turn.numbers[count + i] = commands[i].port;
    const auto& running = commands[i].running;
    if (!running) continue;
    turn.numbers[i] = running->group;
    descriptors.insert(descriptors.end(), {running->pid_fd, running->lifeline, running->output});
  }
  return send_one(control, turn, descriptors);
}

void send_no_turn(int control, std::string_view why) {
  Turn turn(1);
  turn.numbers[0] = kNoTurn;
  if (!send_one(control, turn, {})) return;
  send(control, why.data(), why.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace culvert
