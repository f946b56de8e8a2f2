#include "session/request_side.h"

#include <span>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "codec/forward_head.h"
#include "codec/intermediary.h"
#include "codec/shown_head.h"

namespace culvert {

/// What was received may hold the next request's password.
RequestSide::~RequestSide() {
  if (!held_.empty()) wipe(std::span<char>(held_));
}

void RequestSide::hold(const PlainRequest& request, std::string_view rest) {
  request_ = &request;
  held_ = rest;
  state_ = State::held;
}

Result<void> RequestSide::begin(const UpstreamConnection& connection, std::string_view pseudonym) {
  state_ = State::sending;
  upstream_ = connection.stream.get();
  flow_.start(client_, *upstream_, request_->framing, request_->framing);
  append_head(connection, pseudonym);
  if (request_->check.trace != nullptr) tell_head(connection);
  auto used = flow_.feed(held_);
  if (!used) return std::move(used).error();
  if (*used < held_.size()) client_.unread(held_.substr(*used));
  flow_.charge(*used);
  if (!held_.empty()) wipe(std::span<char>(held_));  // the next request may have a password
  clear_keeping(held_, kKeptRoom);
  // The exchange limits how long the upstream may take for the body, not the kernel.
  if (!flow_.body_read()) upstream_->check_peer(true);
  return {};
}

void RequestSide::append_head(const UpstreamConnection& connection, std::string_view pseudonym) {
  RequestForward forward;
  forward.absolute_form = connection.to_proxy;
  if (connection.to_proxy) {
    forward.proxy_authorization = connection.upstream->authorization.reveal();
  }
  forward.pseudonym = pseudonym;
  forward.upgrade = request_->upgrade;
  forward.framing = request_->framing;
  if (const auto hops = max_forwards(request_->head)) forward.max_forwards = *hops - 1;
  append_request_head(request_->head, request_->target, request_->options, forward, flow_.output());
}

void RequestSide::tell_head(const UpstreamConnection& connection) {
  request_->check.trace->step(
      concat({connection.reused ? "sent on the connection of the request before, through "
                                : "sent through ",
              connection.upstream->config.name, ":\n", shown_request(flow_.output())}));
}

MessageFlow::Outcome RequestSide::pump(const FlowResources& resources) {
  using Kind = MessageFlow::Outcome::Kind;
  auto outcome = flow_.pump(resources);
  if (outcome.kind == Kind::ended) {
    state_ = State::sent;
    upstream_->check_peer(false);
  } else if (outcome.kind == Kind::write_failed) {
    // The upstream may have responded before it stopped reading: that response is still to be read.
    state_ = State::upstream_stopped;
  }
  return outcome;
}

void RequestSide::clear(const FlowResources& resources) {
  flow_.clear(resources);
  state_ = State::held;
}

}  // namespace culvert
