#include "net/predecessor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace culvert {
namespace {

constexpr int kNoTurn = -1;  // in place of a group's number

/// One message: the group's number, and the descriptors beside it.
class Turn {
 public:
  using Descriptors = std::array<int, 3>;

  Turn() {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_.data();
    message_.msg_controllen = control_.size();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  msghdr* message() { return &message_; }
  int group() const { return group_; }
  void set_group(int group) { group_ = group; }

  void attach(const Descriptors& descriptors) {
    cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(header), &descriptors, sizeof descriptors);
  }
  void attach_nothing() { message_.msg_controllen = 0; }
  std::optional<Descriptors> attached() {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    Descriptors out{};
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof out)) {
      return std::nullopt;
    }
    std::memcpy(&out, CMSG_DATA(header), sizeof out);
    return out;
  }

 private:
  int group_ = 0;
  iovec part_{&group_, sizeof group_};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(Descriptors))> control_{};
  msghdr message_{};
};

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
  while ((count = recvmsg(control_, turn.message(), MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (count == sizeof(int) && turn.group() == kNoTurn) {
    given_up_ = rest_of(control_);
    if (given_up_.empty()) given_up_ = "it gives no reason";
  }
  close(std::exchange(control_, -1));
  if (count != sizeof(int) || turn.group() <= 0) return std::nullopt;
  const auto descriptors = turn.attached();
  if (!descriptors) return std::nullopt;
  const auto& [pid_fd, lifeline, output] = *descriptors;
  return ChildProcess::Handle{turn.group(), pid_fd, lifeline, output};
}

bool send_turn(int control, const std::optional<ChildProcess::Handle>& command) {
  Turn turn;
  if (command) {
    turn.set_group(command->group);
    turn.attach({command->pid_fd, command->lifeline, command->output});
  } else {
    turn.attach_nothing();
  }
  return sendmsg(control, turn.message(), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(int);
}

void send_no_turn(int control, std::string_view why) {
  Turn turn;
  turn.set_group(kNoTurn);
  turn.attach_nothing();
  if (sendmsg(control, turn.message(), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(int)) return;
  send(control, why.data(), why.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace culvert
