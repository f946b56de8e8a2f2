#include "dial/prober.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "dial/dial_text.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

// A proxy that reports success before it has connected closes soon after its connection failed.
constexpr milliseconds kSuccessSettles{1'000};

}  // namespace

Prober::Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
               milliseconds interval)
    : loop_(loop),
      log_(log),
      upstream_(upstream),
      host_(host),
      interval_(interval),
      timer_(loop, Callback<void()>::to<&Prober::on_timer>(this)) {
  timer_.start(milliseconds(0));
}

void Prober::on_timer() {
  if (stream_) return pass();
  probe();
}

void Prober::probe() {
  dial_ = make_upstream_dial(
      upstream_request(loop_, upstream_, host_, DialPurpose::tunnel, AddressCheck{}, DialBudget{}),
      UpstreamDial::Done::to<&Prober::on_done>(this));
  dial_->start();
}

void Prober::on_done(UpstreamResult&& outcome) {
  const auto dial = std::move(dial_);
  const Replied replied = dial->replied();
  const Proof proof = proof_of(outcome, replied, upstream_.health->is_silent());
  DialResult result =
      to_dial_result(std::move(outcome), upstream_.config, host_, DialPurpose::tunnel);
  if (!result) result = probe_error(std::move(result).error());
  // A connection is as good as a passed probe only once it has settled.
  upstream_.learn(proof, UpstreamHealth::Permit::granted,
                  {.replied = replied == Replied::to_request}, result, loop_.now(), log_);
  if (result) {
    stream_ = std::move(*result);
    stream_->set_events(this);
    timer_.start(kSuccessSettles);
    return on_ready(*stream_);
  }
  if (proof == Proof::fails) {
    upstream_.health->probe_failed_quietly();
    return timer_.start(interval_);
  }
  fail(result.error().text);
}

void Prober::on_ready(Stream&) {
  std::array<char, 256> buffer;
  const Io io = stream_->try_read(buffer);
  if (io.status == Io::Status::would_block) return;
  if (io.status == Io::Status::ok) return pass();
  const std::string host = host_.to_string();
  fail(
      fmt::format("probe: upstream {} said yes to {} and closed at once: it may say yes before it "
                  "has connected (shadowsocks and v2ray do), or {} hangs up on a silent client",
                  upstream_.config.label, host, host));
}

void Prober::pass() {
  stream_.reset();
  if (upstream_.health->probe_passed()) {
    log_.write(Log::Level::info, fmt::format("probe: upstream {} gives a connection to {} again",
                                             upstream_.config.label, host_.to_string()));
  }
  timer_.start(interval_);
}

/// A failure beyond the proxy.
void Prober::fail(const std::string& text) {
  stream_.reset();
  if (upstream_.health->probe_failed()) log_.write(Log::Level::warning, text);
  timer_.start(interval_);
}

}  // namespace culvert
