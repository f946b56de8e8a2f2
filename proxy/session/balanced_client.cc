#include "session/balanced_client.h"

#include <utility>

#include "base/secret.h"
#include "base/wiped_text.h"
#include "codec/proxy_protocol.h"
#include "policy/load_balancers.h"
#include "session/answer.h"

namespace culvert {
namespace {

/// So many of the first bytes tell what the answer is to be.
constexpr std::size_t kTellsProtocol = 12;

Error not_listed(const IpAddress& peer) {
  const std::string shown = peer.to_string();
  return {Errc::http_request_denied, Side::client, 0,
          "this port is for load balancers, and " + shown +
              " is none of them - start culvert with --load-balancer " + shown};
}

/// The kind of first byte that a request has.
bool may_be_http(std::string_view received) {
  return !received.empty() && received[0] >= 'A' && received[0] <= 'Z' &&
         !may_be_proxy_header(received);
}

}  // namespace

BalancedClient::BalancedClient(SessionContext& context, Stream& client,
                               const std::optional<HostPort>& peer,
                               std::unique_ptr<ClientProtocol> next)
    : context_(context),
      client_(client),
      peer_(peer ? peer->ip : std::nullopt),
      next_(std::move(next)),
      deadline_(context.loop, Callback<void()>::to<&BalancedClient::on_deadline>(this)) {}

void BalancedClient::start(ClientEvents& events) {
  events_ = &events;
  deadline_.start(context_.config.header_timeout);
  on_ready();
}

void BalancedClient::on_ready() {
  for (;;) {
    const Io io = client_.try_read(context_.flow.buffer);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) return on_end();
    const auto bytes = context_.flow.buffer.first(io.bytes);
    append_wiping(received_, {bytes.data(), bytes.size()});
    if (context_.users != nullptr) wipe(bytes);
    if (!is_load_balancer(context_.config.load_balancers, peer_)) return refuse(not_listed(*peer_));
    ConnectionEnds ends;
    auto end = read_proxy_header(received_, ends);
    if (!end) return refuse(std::move(end).error());
    if (*end) return hand_on(ends, **end);
  }
}

void BalancedClient::hand_on(ConnectionEnds ends, std::size_t header_bytes) {
  deadline_.stop();
  ends.client = named_client(ends.client, peer_);
  if (!events_->on_balanced(ends)) return;
  client_.unread(received_.substr(header_bytes));
  wipe_text(received_);
  events_->on_other_protocol(std::move(next_));
}

void BalancedClient::refuse(Error error) {
  deadline_.stop();
  if (!may_be_proxy_header(received_) && error.code == Errc::http_request_error) {
    error.text +=
        " - switch it on in the load balancer (haproxy's send-proxy), or leave "
        "?proxy-protocol=on out of --listen";
  }
  context_.warn(RareWarnings::Kind::wrong_balancer, error.text);
  received_ = std::string(received_, 0, kTellsProtocol);
  events_->on_bad_request(std::move(error));
}

/// The health check of a load balancer may close without a header.
void BalancedClient::on_end() {
  if (received_.empty()) return events_->on_client_idle(Side::client);
  events_->on_client_gone("closed within the PROXY protocol header");
}

void BalancedClient::begin_drain() {
  if (received_.empty()) deadline_.start(kDrainingTimeout);
}

std::unique_ptr<ClientProtocol> BalancedClient::renewed(SessionContext& context) {
  auto next = next_->renewed(context);
  if (!next) return nullptr;
  auto out = std::make_unique<BalancedClient>(context, client_, std::nullopt, std::move(next));
  out->peer_ = peer_;
  return out;
}

void BalancedClient::on_deadline() {
  if (received_.empty()) return events_->on_client_idle(Side::local);
  events_->on_bad_request(context_.not_in_time("PROXY protocol header"));
}

std::string BalancedClient::refusal(const Error& error) const {
  if (!may_be_http(received_)) return {};
  return error_answer(error, received_.starts_with("HEAD "));
}

}  // namespace culvert
