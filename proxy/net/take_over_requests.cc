#include "net/take_over_requests.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "net/descriptor_message.h"
#include "net/timer.h"
#include "net/unix_peer.h"

namespace culvert {
namespace {

constexpr std::chrono::seconds kTimeToRequest{5};
constexpr std::size_t kMostAtATime = 16;

bool is_wanted(const std::vector<std::string>& wanted, const PassedSocket& socket) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    return one == socket.label ||
           (one == "systemd" && socket.label.starts_with(kFromSystemd));  // all of them
  });
}

}  // namespace

std::vector<PassedSocket> TakeOverRequest::of(const std::vector<PassedSocket>& sockets) const {
  std::vector<PassedSocket> out;
  std::copy_if(sockets.begin(), sockets.end(), std::back_inserter(out),
               [&](const PassedSocket& socket) { return is_wanted(wanted, socket); });
  return out;
}

bool TakeOverRequest::give(const std::vector<PassedSocket>& sockets) const {
  HandoverVariable description{getpid(), 0, sockets};
  std::vector<int> descriptors;
  for (PassedSocket& socket : description.sockets) {
    descriptors.push_back(std::exchange(socket.fd, static_cast<int>(descriptors.size())));
  }
  return send_message(control, description.to_string(), descriptors);
}

void TakeOverRequest::refuse(const std::string& why) const {
  send_message(control, "-" + why);
  close(control);
}

/// One whose request is not complete.
class TakeOverRequests::Arriving final : private Pollable {
 public:
  Arriving(TakeOverRequests& owner, int fd, int pid)
      : owner_(owner),
        fd_(fd),
        pid_(pid),
        timer_(owner.loop_, Callback<void()>::to<&Arriving::on_timeout>(this)) {
    timer_.start(kTimeToRequest);
    // A refused watch is found out by the timer.
    static_cast<void>(owner_.loop_.watch(fd_, *this, EPOLLIN));
  }
  ~Arriving() {
    forget();
    if (fd_ >= 0) close(fd_);
  }
  Arriving(const Arriving&) = delete;
  Arriving& operator=(const Arriving&) = delete;

  /// Without anything in `wanted` if it asks for nothing.
  TakeOverRequest take() {
    forget();
    TakeOverRequest out{std::exchange(fd_, -1), pid_, {}};
    if (const auto asked = HandoverVariable::parse(reader_.text())) {
      for (const PassedSocket& socket : asked->sockets) out.wanted.push_back(socket.label);
    }
    return out;
  }

 private:
  // Not edge-triggered, but it may be: what is there is read up to its end.
  void on_poll(std::uint32_t) override {
    for (;;) {
      errno = 0;
      const MessageReader::State state = reader_.read_from(fd_);
      if (state != MessageReader::State::more) {
        return owner_.on_arrived(*this, state == MessageReader::State::complete);
      }
      if (errno == EAGAIN) return;
    }
  }
  void on_timeout() { owner_.on_arrived(*this, false); }
  void forget() {
    timer_.stop();
    if (fd_ >= 0) owner_.loop_.unwatch(fd_, *this);
  }

  TakeOverRequests& owner_;
  int fd_;
  int pid_;
  Timer timer_;
  MessageReader reader_;
};

TakeOverRequests::TakeOverRequests(Loop& loop, int listening, Asked asked)
    : loop_(loop), listening_(listening), asked_(asked) {
  static_cast<void>(loop_.watch(listening_, *this, EPOLLIN));
}

TakeOverRequests::~TakeOverRequests() { loop_.unwatch(listening_, *this); }

void TakeOverRequests::on_poll(std::uint32_t) {
  const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const auto peer = trusted_peer(fd);
  if (arriving_.size() >= kMostAtATime || !peer) {
    close(fd);
    return;
  }
  arriving_.push_back(std::make_unique<Arriving>(*this, fd, peer->pid));
}

void TakeOverRequests::on_arrived(Arriving& one, bool complete) {
  const auto found = std::find_if(arriving_.begin(), arriving_.end(),
                                  [&](const auto& other) { return other.get() == &one; });
  const std::unique_ptr<Arriving> arrived = std::move(*found);
  arriving_.erase(found);
  if (complete) asked_(arrived->take());
}

}  // namespace culvert
