#include "session/kept_refusal.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/secret.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kKeptSilence{10'000};
constexpr std::chrono::milliseconds kMostOfKeptRefusal{30'000};

}  // namespace

KeptRefusal::KeptRefusal(Loop& loop, Stream& client, std::span<char> buffer, std::string answer,
                         const BodyFraming& framing, std::string_view rest, Done done)
    : client_(client),
      buffer_(buffer),
      answer_(std::move(answer)),
      decoder_(HeadScanner::Kind::request),
      chunked_(framing.kind == BodyFraming::Kind::chunked),
      left_(framing.length),
      done_(done),
      timer_(loop, Callback<void()>::to<&KeptRefusal::on_timer>(this)) {
  timer_.start(kKeptSilence, loop.now() + kMostOfKeptRefusal);
  discard(rest);
}

/// The client may send all of its body before it reads.
void KeptRefusal::on_ready() {
  if (body_ == Body::open) read_body();
  const Io io = answer_.write_to(client_);
  if (io.status == Io::Status::error) return done_(End::gone);
  if (io.status != Io::Status::ok) return;
  if (body_ == Body::spoiled) return done_(End::spoiled);
  if (body_ == Body::over) done_(End::next);
}

void KeptRefusal::read_body() {
  while (body_ == Body::open) {
    const Io io = client_.try_read(buffer_);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) {
      body_ = Body::spoiled;
      return;
    }
    timer_.progress();
    discard({buffer_.data(), io.bytes});
    wipe(buffer_.first(io.bytes));  // the next request may be there, with a password
  }
}

/// What follows the body is the next request.
void KeptRefusal::discard(std::string_view bytes) {
  std::size_t used = 0;
  if (chunked_) {
    used = take_chunked(bytes);
    if (decoder_.done()) body_ = Body::over;
  } else {
    used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    left_ -= used;
    if (left_ == 0) body_ = Body::over;
  }
  discarded_ += used;
  if (body_ == Body::open && discarded_ > kMostDiscarded) body_ = Body::spoiled;
  if (body_ == Body::over && used < bytes.size()) client_.unread(std::string(bytes.substr(used)));
}

std::size_t KeptRefusal::take_chunked(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !decoder_.done()) {
    const auto step = decoder_.consume(bytes.substr(used));
    if (!step) {
      body_ = Body::spoiled;
      return bytes.size();
    }
    used += step->used;
  }
  return used;
}

void KeptRefusal::on_timer() { done_(answer_.empty() ? End::spoiled : End::gone); }

}  // namespace culvert
