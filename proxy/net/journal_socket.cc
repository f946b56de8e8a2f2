#include "net/journal_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace culvert {
namespace {

int datagram_socket() { return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

/// 0 if somebody listens there, or an errno.
int connect_once(const SocketAddress& address) {
  const int fd = datagram_socket();
  if (fd < 0) return errno;
  const int error = connect(fd, address.get(), address.size) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

std::unique_ptr<JournalSocket> JournalSocket::open(std::string_view path, std::string& problem) {
  const auto address = SocketAddress::of_path(path);
  int error = address ? connect_once(*address) : ENAMETOOLONG;
  const int fd = error == 0 ? datagram_socket() : -1;
  if (error == 0 && fd < 0) error = errno;
  if (error != 0) {
    problem = std::generic_category().message(error);
    return nullptr;
  }
  // What journald has not read yet; as much of it as the system allows.
  constexpr int kRoom = 8 << 20;
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kRoom, sizeof kRoom));
  return std::unique_ptr<JournalSocket>(new JournalSocket(fd, *address));
}

JournalSocket::~JournalSocket() { close(fd_); }

RecordSink::Sent JournalSocket::send(std::span<const std::string_view> records) {
  constexpr std::size_t kMost = 16;
  std::array<iovec, kMost> bytes;
  std::array<mmsghdr, kMost> messages{};
  Sent sent;
  while (sent.records < records.size()) {
    const std::size_t count = std::min(kMost, records.size() - sent.records);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view record = records[sent.records + i];
      // The system does not write into what it sends.
      bytes[i] = {const_cast<char*>(record.data()), record.size()};
      msghdr& message = messages[i].msg_hdr;
      message.msg_name = &address_.storage;
      message.msg_namelen = address_.size;
      message.msg_iov = &bytes[i];
      message.msg_iovlen = 1;
    }
    const int n = sendmmsg(fd_, messages.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const bool later = n == 0 || errno == EAGAIN || errno == ENOBUFS;
      sent.error = later ? EAGAIN : errno;
      return sent;
    }
    // It does not say why it took less: the next call will.
    sent.records += static_cast<std::size_t>(n);
  }
  return sent;
}

}  // namespace culvert
