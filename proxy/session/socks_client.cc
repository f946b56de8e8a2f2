#include "session/socks_client.h"

#include <algorithm>
#include <utility>

namespace culvert {

SocksClient::SocksClient(SessionContext& context, Stream& client)
    : context_(context),
      client_(client),
      deadline_(context.loop, Callback<void()>::to<&SocksClient::on_deadline>(this)),
      server_(context.users != nullptr) {}

void SocksClient::start(ClientEvents& events) {
  events_ = &events;
  deadline_.start(context_.config.header_timeout);
  on_ready();
}

void SocksClient::on_ready() {
  while (flush()) {
    if (server_.done()) return on_complete();
    const Io io = client_.try_read(context_.flow.buffer);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) {
      return events_->on_client_gone("closed within the SOCKS handshake");
    }
    if (!server_.begun()) events_->on_request_begun();
    if (!take({context_.flow.buffer.data(), io.bytes})) return;
  }
}

/// False if this is at an end, or waits for signed_in().
bool SocksClient::take(std::string_view bytes) {
  const auto used = server_.consume(bytes);
  replies_.bytes() += server_.take_output();
  if (!used) {
    on_mistake(used.error());
    return false;
  }
  rest_ = bytes.substr(*used);
  if (context_.users != nullptr) {  // they hold the password, or a part of it
    wipe(context_.flow.buffer.first(std::min(context_.flow.buffer.size(), bytes.size())));
  }
  if (!server_.awaits_verdict()) return true;
  deadline_.stop();
  events_->on_credentials();
  return false;
}

void SocksClient::signed_in() {
  server_.signed_in();
  replies_.bytes() += server_.take_output();
  deadline_.start(context_.config.header_timeout);
  const std::string early = std::exchange(rest_, {});
  if (early.empty() || take(early)) on_ready();
}

void SocksClient::on_complete() {
  deadline_.stop();
  request_.method = server_.protocol();
  request_.target = &server_.target();
  request_.rest = rest_;
  request_.nameless = true;
  events_->on_request(request_);
}

/// Whether the client has taken all replies; if it is gone, the read tells.
bool SocksClient::flush() {
  return replies_.empty() || replies_.write_to(client_).status != Io::Status::would_block;
}

void SocksClient::on_mistake(Error error) {
  deadline_.stop();
  const bool may_be_wrong_program = error.code != Errc::proxy_auth_required;
  if (may_be_wrong_program) context_.warn(RareWarnings::Kind::wrong_protocol, error.text);
  events_->on_bad_request(std::move(error));
}

void SocksClient::on_deadline() { events_->on_bad_request(context_.not_in_time("SOCKS request")); }

RequestLine SocksClient::request_line() const {
  return {server_.protocol(), server_.done() ? server_.target().to_string() : std::string()};
}

std::string SocksClient::refusal(const Error& error) const {
  return std::string(replies_.rest()) + server_.refusal(error);
}

}  // namespace culvert
