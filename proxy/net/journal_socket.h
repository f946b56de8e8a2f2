#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/record_sink.h"
#include "net/socket_address.h"

namespace culvert {

/// A socket by which all threads send to journald.  It is not connected: each record goes to the
/// path as this process sees it then, so a journald that was started anew gets the next one.
class JournalSocket : public RecordSink {
 public:
  /// nullptr, and in `problem` why, if nobody listens at `path`.
  static std::unique_ptr<JournalSocket> open(std::string_view path, std::string& problem);
  ~JournalSocket() override;
  JournalSocket(const JournalSocket&) = delete;
  JournalSocket& operator=(const JournalSocket&) = delete;

  int fd() const { return fd_; }
  Sent send(std::span<const std::string_view> records) override;

 private:
  JournalSocket(int fd, const SocketAddress& address) : fd_(fd), address_(address) {}

  int fd_;
  SocketAddress address_;
};

}  // namespace culvert
