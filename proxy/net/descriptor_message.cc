#include "net/descriptor_message.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "net/descriptor_piece.h"

namespace culvert {
namespace {

constexpr std::size_t kLongestText = 1 << 20;
constexpr std::size_t kMostPassed = 1 << 16;

}  // namespace

// Each byte can carry some descriptors: the first ones go with the first bytes, which are as many
// as it takes.
bool send_message(int socket, std::string_view text, const std::vector<int>& descriptors) {
  std::string bytes(text);
  bytes += '\0';
  std::size_t sent = 0;
  std::size_t passed = 0;
  while (sent < bytes.size()) {
    const std::size_t count = std::min(descriptors.size() - passed, DescriptorPiece::kMost);
    const bool last = passed + count == descriptors.size();
    DescriptorPiece piece(bytes.data() + sent, last ? bytes.size() - sent : 1);
    piece.attach({descriptors.data() + passed, count});
    const ssize_t written = sendmsg(socket, piece.message(), MSG_NOSIGNAL);
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
  DescriptorPiece piece(buffer.data(), buffer.size());
  const ssize_t count = recvmsg(socket, piece.message(), MSG_CMSG_CLOEXEC);
  if (count < 0 && errno == EINTR) return State::more;
  if (count == 0) errno = ECONNRESET;
  if (count <= 0) return errno == EAGAIN ? State::more : State::gone;
  piece.take_descriptors(descriptors_);
  text_.append(buffer.data(), static_cast<std::size_t>(count));
  errno = EBADMSG;
  if (piece.is_cut()) return State::gone;
  if (text_.size() > kLongestText || descriptors_.size() > kMostPassed) return State::gone;
  if (text_.back() != '\0') return State::more;
  text_.pop_back();
  return text_.find('\0') == std::string::npos ? State::complete : State::gone;
}

}  // namespace culvert
