#include "dial/prober.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "codec/protocol_guess.h"
#include "codec/tls_answer.h"
#include "dial/dial_text.h"
#include "net/client_hello.h"

namespace culvert {

using std::chrono::milliseconds;

Prober::Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
               milliseconds interval, ProbeFor wanted, Callback<void()> passed)
    : loop_(loop),
      log_(log),
      upstream_(upstream),
      host_(host),
      interval_(interval),
      wanted_(wanted),
      passed_(passed),
      timer_(loop, Callback<void()>::to<&Prober::on_timer>(this)) {
  timer_.start(milliseconds(0));
}

void Prober::on_timer() {
  if (!stream_) return probe();
  if (wanted_ == ProbeFor::tls_answer) return on_silence();
  pass();
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
    granted_at_ = loop_.now();
    answer_.clear();
    hello_.clear();
    if (wanted_ == ProbeFor::tls_answer) hello_ = Output(make_client_hello(host_));
    timer_.start(patience());
    return on_ready(*stream_);
  }
  if (proof == Proof::fails) {
    upstream_.health->probe_failed_quietly();
    upstream_.memory->probe_failed(result.error().text, loop_.now());
    return timer_.start(interval_);
  }
  fail(result.error().text);
}

/// How long the granted connection is watched.
milliseconds Prober::patience() const {
  if (wanted_ == ProbeFor::connection) return kSettles;
  return upstream_.config.connect_timeout.value_or(kAttemptLimit);
}

void Prober::on_ready(Stream&) {
  if (!hello_.empty()) {
    const Io io = hello_.write_to(*stream_);
    if (io.status == Io::Status::error) return on_ended();
  }
  receive();
}

void Prober::receive() {
  std::array<char, 256> buffer;
  const Io io = stream_->try_read(buffer);
  switch (io.status) {
    case Io::Status::would_block:
      return;
    case Io::Status::ok:
      return take({buffer.data(), io.bytes});
    case Io::Status::eof:
    case Io::Status::error:
      return on_ended();
  }
}

void Prober::take(std::string_view bytes) {
  if (wanted_ == ProbeFor::connection) return pass();
  answer_ += bytes;
  switch (judge_tls_answer(answer_)) {
    case TlsAnswer::incomplete:
      return receive();
    case TlsAnswer::server_hello:
    case TlsAnswer::alert:
      return pass();
    case TlsAnswer::other:
      break;
  }
  std::string_view guess = guess_protocol(answer_);
  if (guess == kTlsName) guess = {};  // but no server's answer
  fail(fmt::format(
      "{}, but what answers there {}: the upstream may be a web server that says 200 to anything, "
      "its key or password may be wrong, or that port speaks no TLS",
      granted(), guess.empty() ? "is no TLS server" : fmt::format("speaks {}, not TLS", guess)));
}

void Prober::on_ended() {
  const auto now = loop_.now();
  upstream_.health->early_grant_of_probe(now);
  const auto after = std::chrono::round<milliseconds>(now - granted_at_);
  const std::string when = after < milliseconds(500) ? "at once" : "after " + format_seconds(after);
  if (wanted_ == ProbeFor::tls_answer) {
    return fail(
        fmt::format("{} and closed {} without an answer to TLS: it may say yes before it "
                    "has connected, or {} cannot be reached from there",
                    granted(), when, host_.to_string()));
  }
  fail(
      fmt::format("{} and closed {}: it may say yes before it has connected (shadowsocks and "
                  "v2ray do), or {} hangs up on a silent client",
                  granted(), when, host_.to_string()));
}

void Prober::on_silence() {
  const std::string_view what = answer_.empty() ? "no byte" : "no whole TLS record";
  fail(
      fmt::format("{}, but {} came back within {}: it may say yes before it has connected, or the "
                  "tunnel behind it is dead",
                  granted(), what, format_seconds(patience())));
}

std::string Prober::granted() const {
  return fmt::format("probe: upstream {} said yes to {}", upstream_.config.label,
                     host_.to_string());
}

void Prober::pass() {
  stream_.reset();
  upstream_.memory->probe_passed();
  if (upstream_.health->probe_passed()) {
    log_.write(Log::Level::info, fmt::format("probe: upstream {} gives a connection to {} again",
                                             upstream_.config.label, host_.to_string()));
  }
  timer_.start(interval_);
  if (passed_) passed_();
}

/// A failure beyond the proxy.
void Prober::fail(const std::string& text) {
  const bool granted = stream_ != nullptr;
  stream_.reset();
  upstream_.memory->probe_failed(text, loop_.now());
  if (upstream_.health->probe_failed(granted)) log_.write(Log::Level::warning, text);
  timer_.start(interval_);
}

}  // namespace culvert
