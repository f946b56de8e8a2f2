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

/// One message: the group's number, and the descriptors beside it.
struct Turn {
  int group = 0;
  DescriptorPiece piece{&group, sizeof group};
};

/// Whether it was sent.
bool send_one(int control, Turn& turn, std::span<const int> descriptors) {
  turn.piece.attach(descriptors);
  return sendmsg(control, turn.piece.message(), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(int);
}

/// Whatever came beside a message that is none is closed.
std::optional<ChildProcess::Handle> handle_of(Turn& turn, bool is_message) {
  std::vector<int> descriptors;
  turn.piece.take_descriptors(descriptors);
  constexpr std::size_t kPassed = 3;
  if (is_message && turn.group > 0 && descriptors.size() == kPassed) {
    return ChildProcess::Handle{turn.group, descriptors[0], descriptors[1], descriptors[2]};
  }
  for (const int descriptor : descriptors) close(descriptor);
  return std::nullopt;
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

std::optional<ChildProcess::Handle> Predecessor::await_turn(std::string_view tunnel_command) {
  if (control_ < 0) return std::nullopt;
  send_all(control_, std::string(tunnel_command) + '\0');
  Turn turn;
  ssize_t count = 0;
  while ((count = recvmsg(control_, turn.piece.message(), MSG_CMSG_CLOEXEC)) < 0 &&
         errno == EINTR) {
  }
  if (count == sizeof(int) && turn.group == kNoTurn) {
    given_up_ = rest_of(control_);
    if (given_up_.empty()) given_up_ = "it gives no reason";
  }
  close(std::exchange(control_, -1));
  if (count < 0) return std::nullopt;
  return handle_of(turn, count == sizeof(int));
}

bool send_turn(int control, const std::optional<ChildProcess::Handle>& command) {
  Turn turn;
  if (!command) return send_one(control, turn, {});
  turn.group = command->group;
  return send_one(control, turn, std::array{command->pid_fd, command->lifeline, command->output});
}

void send_no_turn(int control, std::string_view why) {
  Turn turn;
  turn.group = kNoTurn;
  if (!send_one(control, turn, {})) return;
  send(control, why.data(), why.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace culvert
