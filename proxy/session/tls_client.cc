#include "session/tls_client.h"

#include <memory>
#include <utility>

#include "net/tls_server_context.h"
#include "session/http_client.h"

namespace culvert {
TlsClient::TlsClient(SessionContext& context, TlsStream& client, const ListenerTerms& listener)
    : context_(context),
      client_(client),
      listener_(listener),
      deadline_(context.loop, Callback<void()>::to<&TlsClient::on_deadline>(this)) {}

void TlsClient::start(ClientEvents& events) {
  events_ = &events;
  deadline_.start(context_.config.header_timeout);
  events_->on_request_begun();
  on_ready();
}

void TlsClient::on_ready() {
  const Io io = client_.handshake();
  if (io.status == Io::Status::would_block) return;
  deadline_.stop();
  if (io.status != Io::Status::ok) return on_failed(io);
  on_complete();
}

void TlsClient::on_complete() {
  if (listener_.tls->wants_client_certificate()) events_->on_user(client_.client_name());
  client_.forget_handshake();
  events_->on_other_protocol(
      std::make_unique<HttpClient>(context_, client_, listener_, HttpClient::Beneath::tls));
}

/// What its user can mend is worth a line; what scanners do is not.
void TlsClient::on_failed(const Io& io) {
  Error error = client_.client_error(io);
  if (error.code == Errc::canceled) return events_->on_client_gone(error.text);
  if (error.code == Errc::tls_certificate_error) {
    context_.warn(RareWarnings::Kind::distrust, error.text);
  }
  events_->on_bad_request(std::move(error));
}

void TlsClient::begin_drain() {
  draining_ = true;
  deadline_.start(kDrainingTimeout);
}

void TlsClient::on_deadline() {
  if (draining_) return events_->on_client_idle(Side::local);
  events_->on_bad_request(context_.not_in_time("TLS handshake"));
}

}  // namespace culvert
