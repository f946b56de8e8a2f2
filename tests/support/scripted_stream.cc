#include "support/scripted_stream.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace culvert::test {

std::string to_string(const Pace& pace) {
  return std::string(pace.deferred ? "deferred" : "immediate") + ", " +
         (pace.gulp == Pace::kAll ? "whole" : std::to_string(pace.gulp) + " bytes at a time");
}

/// Our end, which the code under test owns.
class Peer::End final : public Stream, private Pollable {
 public:
  explicit End(Peer& peer) : peer_(peer) {}
  ~End() override {
    peer_.loop_.unwatch_closing(*this);
    peer_.stream_ = nullptr;
    peer_.closed_ = true;
    peer_.closed_by_reset_ = reset_on_close_;
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  Io try_read(std::span<char> buffer) override {
    if (unread_.empty()) return peer_.read(buffer);
    const std::size_t count = std::min(buffer.size(), unread_.size());
    std::memcpy(buffer.data(), unread_.data(), count);
    unread_.erase(0, count);
    return Io::ok(count);
  }
  Io try_write(std::span<const char> bytes) override { return peer_.write(bytes); }
  Io shutdown_write() override { return peer_.shut_down(); }
  void resume() override { peer_.loop_.resume(*this); }
  void reset_on_close() override { reset_on_close_ = true; }
  bool broken() const override { return peer_.dialogue_.broken.has_value(); }
  bool peer_finished() const override { return peer_.dialogue_.ended || broken(); }
  bool truncated() const override { return peer_.truncated_; }
  std::size_t unsent() const override { return peer_.unsent_; }
  void check_peer(bool blocked) override { peer_.checks_.push_back(blocked); }
  void unread(std::string bytes) override { unread_.insert(0, bytes); }

 private:
  void on_poll(std::uint32_t) override {
    if (events_ != nullptr) events_->on_ready(*this);
  }

  Peer& peer_;
  std::string unread_;
  bool reset_on_close_ = false;
};

std::unique_ptr<Stream> Peer::stream() {
  assert(stream_ == nullptr && !closed_);
  auto end = std::make_unique<End>(*this);
  stream_ = end.get();
  return end;
}

Peer& Peer::expects(std::string bytes) {
  dialogue_.expects(std::move(bytes));
  return acted();
}
Peer& Peer::expects_end() {
  dialogue_.expects_end();
  return acted();
}
Peer& Peer::sends(std::string bytes) {
  dialogue_.sends(std::move(bytes));
  return acted();
}
Peer& Peer::ends() {
  dialogue_.ends();
  return acted();
}
Peer& Peer::ends_truncated() {
  truncated_ = true;
  return ends();
}
Peer& Peer::resets(int error) {
  dialogue_.resets(error);
  return acted();
}

/// Something may have changed: as with a socket, that is an event whether it is awaited or not.
Peer& Peer::acted() {
  read_announced_ = write_announced_ = true;
  if (stream_ != nullptr) stream_->resume();
  return *this;
}

void Peer::takes(std::size_t bytes) {
  window_ = bytes;
  acted();
}

void Peer::refuses(int error) {
  write_error_ = error;
  acted();
}

void Peer::set_listener(std::function<void(std::string, bool)> listener) {
  listener_ = std::move(listener);
}

/// With a deferring pace, every second attempt blocks.
bool Peer::defers(bool& announced) {
  if (!pace_.deferred || std::exchange(announced, false)) return false;
  announced = true;
  stream_->resume();
  return true;
}

Io Peer::read(std::span<char> buffer) {
  const bool nothing = dialogue_.output.empty() && !dialogue_.ended && !dialogue_.broken;
  if (nothing) return Io::would_block();
  if (defers(read_announced_)) return Io::would_block();
  if (!dialogue_.output.empty()) {
    const std::size_t count = std::min({buffer.size(), dialogue_.output.size(), pace_.gulp});
    std::memcpy(buffer.data(), dialogue_.output.data(), count);
    dialogue_.output.erase(0, count);
    return Io::ok(count);
  }
  if (dialogue_.broken && !std::exchange(error_reported_, true))
    return Io::failed(*dialogue_.broken);
  return Io::eof();
}

Io Peer::write(std::span<const char> bytes) {
  if (dialogue_.received_end()) complaint_ = "written to after shutdown_write()";
  if (dialogue_.broken) {
    return Io::failed(std::exchange(error_reported_, true) ? EPIPE : *dialogue_.broken);
  }
  if (write_error_ != 0) return Io::failed(write_error_);
  if (window_ == 0 || defers(write_announced_)) return Io::would_block();
  const std::size_t count = std::min({bytes.size(), window_, pace_.gulp});
  if (window_ != Pace::kAll) window_ -= count;
  writes_.emplace_back(bytes.data(), count);
  const std::size_t before = dialogue_.output.size();
  dialogue_.take({bytes.data(), count});
  if (dialogue_.output.size() != before || dialogue_.ended || dialogue_.broken) acted();
  if (listener_) listener_({bytes.data(), count}, false);
  return Io::ok(count);
}

Io Peer::shut_down() {
  if (dialogue_.received_end()) return Io::ok(0);
  if (dialogue_.broken) return Io::failed(ENOTCONN);
  if (defers(shut_down_announced_)) return Io::would_block();
  dialogue_.take_end();
  acted();
  if (listener_) listener_({}, true);
  return Io::ok(0);
}

std::string Peer::verdict() const { return complaint_.empty() ? dialogue_.verdict() : complaint_; }

}  // namespace culvert::test
