#include "session/tunnel_opening.h"

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "net/output.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kEstablishedTimeout{10'000};

}  // namespace

TunnelOpening::TunnelOpening(SessionContext& context, Stream& client, SessionRecord& record,
                             std::string_view established, DialDone done)
    : context_(context),
      client_(client),
      record_(record),
      established_(established),
      done_(done),
      deadline_(context.loop, Callback<void()>::to<&TunnelOpening::on_deadline>(this)) {}

void TunnelOpening::begin(const Route& route, const HostPort& target, const AddressCheck& check) {
  record_.stage = SessionStage::dial;
  // A reset that arrived with the request: no client waits for a response, and no further event
  // reports it.
  if (client_.broken()) return client_gone({});
  dial_begun_ = context_.loop.now();
  dial_ = context_.dial(route, target, DialPurpose::tunnel, check,
                        DialDone::to<&TunnelOpening::on_dialed>(this));
  dial_->start();
}

void TunnelOpening::on_client_ready() {
  if (record_.stage == SessionStage::established) return write_established();
  // A FIN alone may be a half-close; a reset means that no client waits for a response any more.
  if (client_.broken()) client_gone({});
}

void TunnelOpening::on_dialed(DialResult result) {
  record_.upstream = &dial_->current();
  record_.chosen_by = dial_->chosen_by();
  record_.connect_ms = ms_between(dial_begun_, context_.loop.now());
  std::string failures = dial_->failures();
  if (!result) {
    if (dial_->several_failed()) {
      context_.warn(RareWarnings::Kind::failed_attempts,
                    fmt::format("session {}: {}", record_.id, failures));
    }
    return done_(std::move(result));
  }
  record_.set_failures(std::move(failures));
  upstream_ = std::move(*result);
  record_.stage = SessionStage::established;
  record_.status = 200;
  deadline_.start(kEstablishedTimeout);
  write_established();
}

void TunnelOpening::write_established() {
  const Io io = write_rest(client_, established_, written_);
  if (io.status == Io::Status::would_block) return;
  if (io.status != Io::Status::ok) {
    return client_gone("gone before the answer: " + std::generic_category().message(io.error));
  }
  done_(std::move(upstream_));
}

void TunnelOpening::on_deadline() { client_gone("took no answer"); }

void TunnelOpening::client_gone(std::string_view detail) {
  done_(Error{Errc::canceled, Side::client, 0, std::string(detail)});
}

}  // namespace culvert
