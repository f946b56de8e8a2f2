#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace culvert {

/// Room for one sendmsg(2) or recvmsg(2) of bytes with descriptors beside them (unix(7),
/// SCM_RIGHTS).
class DescriptorPiece {
 public:
  static constexpr std::size_t kMost = 250;  ///< descriptors; the kernel's SCM_MAX_FD is 253

  DescriptorPiece(void* bytes, std::size_t size) : part_{bytes, size} {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_.data();
    message_.msg_controllen = control_.size();
  }
  DescriptorPiece(const DescriptorPiece&) = delete;
  DescriptorPiece& operator=(const DescriptorPiece&) = delete;

  msghdr* message() { return &message_; }

  /// Before it is sent: at most kMost, or none.
  void attach(std::span<const int> descriptors) {
    message_.msg_controllen = descriptors.empty() ? 0 : CMSG_SPACE(descriptors.size_bytes());
    if (descriptors.empty()) return;
    cmsghdr* const header = CMSG_FIRSTHDR(&message_);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }

  /// After it was received: those that came, which are the caller's, are added to `to`.
  void take_descriptors(std::vector<int>& to) {
    for (cmsghdr* header = CMSG_FIRSTHDR(&message_); header != nullptr;
         header = CMSG_NXTHDR(&message_, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t before = to.size();
      to.resize(before + (header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(to.data() + before, CMSG_DATA(header), (to.size() - before) * sizeof(int));
    }
  }
  /// Some had no place, or this process no room for them.
  bool is_cut() const { return (message_.msg_flags & MSG_CTRUNC) != 0; }

 private:
  iovec part_;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMost * sizeof(int))> control_{};
  msghdr message_{};
};

}  // namespace culvert
