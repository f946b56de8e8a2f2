#include "net/descriptor_message.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace culvert {
namespace {

constexpr std::size_t kMostInOnePiece = 250;  // the kernel's SCM_MAX_FD is 253
constexpr std::size_t kLongestText = 1 << 20;
constexpr std::size_t kMostDescriptors = 1 << 16;

/// Room for one sendmsg(2) or recvmsg(2) with descriptors.
struct Piece {
  Piece(char* bytes, std::size_t size) : part{bytes, size} {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  void attach(const int* descriptors, std::size_t count) {
    if (count == 0) {
      message.msg_controllen = 0;
      return;
    }
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  }

  iovec part;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostInOnePiece * sizeof(int))> control{};
  msghdr message{};
};

void append_descriptors(msghdr& message, std::vector<int>& to) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t before = to.size();
    to.resize(before + (header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(to.data() + before, CMSG_DATA(header), (to.size() - before) * sizeof(int));
  }
}

}  // namespace

// Each byte can carry some descriptors: the first ones go with the first bytes, which are as many
// as it takes.
bool send_message(int socket, std::string_view text, const std::vector<int>& descriptors) {
  std::string bytes(text);
  bytes += '\0';
  std::size_t sent = 0;
  std::size_t passed = 0;
  while (sent < bytes.size()) {
    const std::size_t count = std::min(descriptors.size() - passed, kMostInOnePiece);
    const bool last = passed + count == descriptors.size();
    Piece piece(bytes.data() + sent, last ? bytes.size() - sent : 1);
    piece.attach(descriptors.data() + passed, count);
    const ssize_t written = sendmsg(socket, &piece.message, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    sent += static_cast<std::size_t>(written);
    passed += count;
  }
  return passed == descriptors.size();
}

MessageReader::~MessageReader() {
  for (const int fd : descriptors_) close(fd);
}

std::vector<int> MessageReader::take_descriptors() { return std::exchange(descriptors_, {}); }

MessageReader::State MessageReader::read_from(int socket) {
  std::array<char, 4096> buffer;
  Piece piece(buffer.data(), buffer.size());
  const ssize_t count = recvmsg(socket, &piece.message, MSG_CMSG_CLOEXEC);
  if (count < 0 && errno == EINTR) return State::more;
  if (count == 0) errno = ECONNRESET;
  if (count <= 0) return errno == EAGAIN ? State::more : State::gone;
  append_descriptors(piece.message, descriptors_);
  text_.append(buffer.data(), static_cast<std::size_t>(count));
  errno = EBADMSG;
  if ((piece.message.msg_flags & MSG_CTRUNC) != 0) return State::gone;
  if (text_.size() > kLongestText || descriptors_.size() > kMostDescriptors) return State::gone;
  if (text_.back() != '\0') return State::more;
  text_.pop_back();
  return text_.find('\0') == std::string::npos ? State::complete : State::gone;
}

}  // namespace culvert
