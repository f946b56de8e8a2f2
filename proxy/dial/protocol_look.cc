#include "dial/protocol_look.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/protocol_guess.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTimeToReply{300};
constexpr milliseconds kTimeInAll{1'000};
constexpr std::size_t kMostOfReply = 512;

}  // namespace

ProtocolLook::ProtocolLook(Loop& loop, Transport& transport, const UpstreamConfig& upstream,
                           Done done)
    : transport_(transport),
      upstream_(upstream),
      done_(done),
      timer_(loop, Callback<void()>::to<&ProtocolLook::ask_next>(this)),
      deadline_(loop, Callback<void()>::to<&ProtocolLook::judge>(this)),
      openings_(other_openings(upstream)) {}

void ProtocolLook::start(milliseconds limit, std::unique_ptr<Stream> connection) {
  deadline_.start(std::min(limit, kTimeInAll));
  if (connection) return ask(std::move(connection));
  connect();
}

void ProtocolLook::connect() {
  dial_ = transport_.dial(upstream_.address, Side::upstream, AddressCheck{},
                          DialDone::to<&ProtocolLook::on_connected>(this));
  dial_->start();
}

void ProtocolLook::on_connected(DialResult result) {
  dial_.reset();
  if (!result) return finish({});
  ask(std::move(*result));
}

void ProtocolLook::ask(std::unique_ptr<Stream> connection) {
  stream_ = std::move(connection);
  stream_->set_events(this);
  output_ = Output(proxy_header(upstream_) + std::string(openings_[current_].bytes));
  reply_.clear();
  timer_.start(kTimeToReply);
  on_ready(*stream_);
}

void ProtocolLook::on_ready(Stream&) {
  if (const Io io = output_.write_to(*stream_); io.status != Io::Status::ok) {
    if (io.status == Io::Status::error) ask_next();
    return;
  }
  std::array<char, kMostOfReply> buffer;
  while (reply_.size() < kMostOfReply) {
    const Io io = stream_->try_read(buffer);
    if (io.status == Io::Status::would_block) {
      if (reply_.empty() || may_become_known(reply_)) return;
      return ask_next();
    }
    if (io.status != Io::Status::ok) return ask_next();
    reply_.append(buffer.data(), io.bytes);
    if (!guess_protocol(reply_).empty()) return judge();
  }
  ask_next();
}

void ProtocolLook::judge() {
  std::string_view spoken = guess_protocol(reply_);
  // Many servers of TLS reject plain HTTP in plain HTTP: "the plain HTTP request was sent to
  // HTTPS".
  if (spoken == kHttpName && reply_.find("HTTPS") != std::string::npos) spoken = kTlsName;
  finish(spoken == spoken_protocol(upstream_) ? std::string_view() : spoken);
}

void ProtocolLook::ask_next() {
  stream_.reset();
  timer_.stop();
  if (++current_ == openings_.size()) return finish({});
  connect();
}

void ProtocolLook::finish(std::string_view protocol) {
  timer_.stop();
  deadline_.stop();
  dial_.reset();
  stream_.reset();
  done_(protocol);
}

}  // namespace culvert
