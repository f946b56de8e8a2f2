#include "session/last_answer.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kWriteTimeout{10'000};
constexpr std::chrono::milliseconds kSilence{2'000};
constexpr std::chrono::milliseconds kMostLingering{30'000};
constexpr std::chrono::milliseconds kHurriedLingering{100};

}  // namespace

LastAnswer::LastAnswer(Loop& loop, Stream& client, std::span<char> buffer, std::string bytes,
                       std::size_t most_discarded, Done done)
    : client_(client),
      buffer_(buffer),
      answer_(std::move(bytes)),
      most_discarded_(most_discarded),
      done_(done),
      loop_(loop),
      timer_(loop, Callback<void()>::to<&LastAnswer::on_timer>(this)) {
  timer_.start(kWriteTimeout);
}

void LastAnswer::on_ready() {
  if (lingering_) return linger();
  const Io io = answer_.write_to(client_);
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) {
    return done_(Error{Errc::canceled, Side::client, io.error,
                       "gone before the answer: " + std::generic_category().message(io.error)});
  }
  lingering_ = true;
  timer_.start(kSilence, loop_.now() + (hurried_ ? kHurriedLingering : kMostLingering));
  linger();
}

void LastAnswer::linger() {
  const bool half_closed = client_.shutdown_write().status != Io::Status::would_block;
  for (;;) {
    const Io io = client_.try_read(buffer_);
    if (io.status == Io::Status::would_block) return;
    timer_.progress();
    discarded_ += io.bytes;
    if (io.status != Io::Status::ok || discarded_ > most_discarded_) break;
  }
  if (half_closed) done_({});
}

void LastAnswer::on_timer() {
  if (lingering_) return done_({});
  done_(Error{Errc::canceled, Side::client, 0, "took no answer"});
}

}  // namespace culvert
