#include "session/http_client.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "base/redact.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/wiped_text.h"
#include "codec/client_mistake.h"
#include "codec/connection_options.h"
#include "codec/intermediary.h"
#include "codec/request_target.h"
#include "codec/shown_head.h"
#include "codec/sign_in.h"
#include "net/tls_server_context.h"
#include "session/answer.h"
#include "session/message_flow.h"
#include "session/socks_client.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

/// By which CAs clients are verified; empty: they need no certificate.
std::string_view client_cas_of(const ListenerTerms& terms) {
  return terms.tls != nullptr ? terms.tls->client_cas() : std::string_view();
}

/// A handshake record (RFC 8446 section 5.1).
bool begins_tls(std::string_view bytes) { return bytes.starts_with('\x16'); }

/// Measured: dockerd, containerd, podman, skopeo and the registry send their CONNECTs with the
/// field as Go's net/http sets it, whatever they call themselves in their requests to the target.
bool is_from_go(const RequestHead& head) {
  const Field* agent = head.find("User-Agent");
  return agent != nullptr && agent->value.starts_with("Go-http-client/");
}

/// A target for the log.  The Host field, which it may need, is not looked at.
std::string logged_target(RequestHead line) {
  line.minor = 0;
  RequestTarget parsed;
  const bool valid = parse_request_target(line, parsed).ok();
  if (valid && parsed.form == RequestTarget::Form::authority) return parsed.authority.to_string();
  const bool is_path = line.target.starts_with('/') &&
                       line.target.find('@') == std::string_view::npos &&
                       line.target.find("://") == std::string_view::npos;
  return valid || is_path ? std::string(line.target) : redact_url(line.target);
}

}  // namespace

HttpClient::HttpClient(SessionContext& context, Stream& client, const ListenerTerms& listener,
                       Beneath beneath)
    : context_(context),
      client_(client),
      listener_(listener),
      deadline_(context.loop, Callback<void()>::to<&HttpClient::on_deadline>(this)),
      scanner_(HeadScanner::Kind::request),
      beneath_(beneath) {}

/// It may have received another request, with its password, behind the last one.
HttpClient::~HttpClient() {
  if (context_.users != nullptr) wipe_text(received_);
}

void HttpClient::start(ClientEvents& events) {
  events_ = &events;
  deadline_.start(kept_ ? context_.config.keep_alive_timeout : context_.config.header_timeout);
  on_ready();
}

void HttpClient::on_ready() {
  for (;;) {
    const Io io = client_.try_read(context_.flow.buffer);
    if (io.status == Io::Status::would_block) return;
    if (io.status != Io::Status::ok) return on_end();
    const std::string_view bytes(context_.flow.buffer.data(), io.bytes);
    if (received_.empty() ? speaks_another(bytes) : turns_into_another(bytes)) return;
    // Old clients send an empty line after a body (RFC 9112 section 2.2): it does not begin a
    // request.
    const bool begins = !scanner_.begun();
    if (begins) events_->on_request_begun();
    if (context_.users == nullptr) {
      received_ += bytes;
    } else {
      take_secret(context_.flow.buffer.first(io.bytes));
    }
    const auto end = scanner_.scan(received_);
    if (!end) {
      if (may_become_mistake(received_)) continue;  // a binary PROXY header holds a NUL
      deadline_.stop();
      return events_->on_bad_request(end.error());
    }
    if (*end) return on_head(**end);
    if (begins && kept_ && scanner_.begun()) deadline_.start(context_.config.header_timeout);
  }
}

bool HttpClient::tls_may_begin() const {
  return listener_.tls != nullptr && beneath_ == Beneath::connection;
}

/// Overwrites the bytes that were read: they would stay there for as long as nothing else comes.
void HttpClient::take_secret(std::span<char> bytes) {
  append_wiping(received_, {bytes.data(), bytes.size()});
  wipe(bytes);
}

/// True: not HTTP/1, or not what it may speak here, and an event has said so.
bool HttpClient::speaks_another(std::string_view first_bytes) {
  if (tls_may_begin() && !kept_) {
    if (begins_tls(first_bytes)) {
      begin_tls(first_bytes);
      return true;
    }
    if (listener_.config.speaks == ListenConfig::Speaks::tls_only) {
      refuse_plain_client(first_bytes[0]);
      return true;
    }
  }
  if (!kept_ && SocksServer::is_version(first_bytes[0])) {
    begin_socks(first_bytes);
    return true;
  }
  auto mistake = client_mistake(first_bytes);
  if (mistake) refuse_protocol(std::move(*mistake));
  return mistake.has_value();
}

/// The same with `bytes` that follow received_: some protocols take more than one read to be told.
bool HttpClient::turns_into_another(std::string_view bytes) {
  return may_become_mistake(received_) && speaks_another(received_ + std::string(bytes));
}

void HttpClient::begin_socks(std::string_view bytes) {
  if (listener_.config.speaks == ListenConfig::Speaks::http_only) {
    return refuse_protocol(socks_is_not_served(bytes[0], "http-only://"));
  }
  deadline_.stop();
  client_.unread(std::string(bytes));
  events_->on_other_protocol(std::make_unique<SocksClient>(context_, client_));
}

void HttpClient::refuse_protocol(ClientMistake mistake) {
  context_.warn(RareWarnings::Kind::wrong_protocol, mistake.error.text);
  deadline_.stop();
  foreign_answer_ = std::move(mistake.answer);
  events_->on_bad_request(std::move(mistake.error));
}

void HttpClient::begin_tls(std::string_view bytes) {
  deadline_.stop();
  client_.unread(std::string(bytes));
  events_->on_tls(listener_);
}

/// In plain text, as the client reads no other.  By the word HTTPS `culvert check` knows it.
void HttpClient::refuse_plain_client(char first_byte) {
  if (SocksServer::is_version(first_byte)) {
    return refuse_protocol(socks_is_not_served(first_byte, "https://"));
  }
  deadline_.stop();
  Error error{
      Errc::http_request_error, Side::client, 0,
      "this proxy port speaks TLS - write https://, not http://, before the proxy's address in "
      "HTTPS_PROXY"};
  context_.warn(RareWarnings::Kind::wrong_protocol, error.text);
  events_->on_bad_request(std::move(error));
}

/// The client has closed, or reset.
void HttpClient::on_end() {
  if (scanner_.begun()) return events_->on_client_gone("closed within the request's head");
  // Before the first request, that is what the health probe of a load balancer does.
  events_->on_client_idle(Side::client);
}

void HttpClient::on_head(std::size_t end) {
  deadline_.stop();
  const std::string_view received = received_;
  const std::string_view head = received.substr(scanner_.begin(), end - scanner_.begin());
  if (auto fine = parse_request_head(head, HeadLimits{}, parsed_.head); !fine) {
    return events_->on_bad_request(std::move(fine).error());
  }
  request_.method = parsed_.head.method;
  request_.rest = received.substr(end);
  if (auto fine = parse_request_target(parsed_.head, parsed_.target); !fine) {
    request_.mistake = origin_form_mistake();
    if (!request_.mistake) request_.mistake = std::move(fine).error();
    return events_->on_request(request_);
  }
  request_.target = &parsed_.target.authority;
  const bool tunnel = parsed_.target.form == RequestTarget::Form::authority;
  request_.plain = tunnel ? nullptr : &parsed_;
  request_.from_go = tunnel && is_from_go(parsed_.head);
  request_.looped = passed_through(parsed_.head, context_.pseudonym);
  events_->on_request(request_);
}

/// A request in origin-form whose Host is another's: its client sends it to a proxy without the
/// URL.
std::optional<Error> HttpClient::origin_form_mistake() const {
  const Field* field = parsed_.head.find("Host");
  const bool origin_form = parsed_.head.target.starts_with('/') && parsed_.head.method != "CONNECT";
  if (!origin_form || field == nullptr) return std::nullopt;
  const auto host = HostPort::parse(field->value, kHttpPort);
  if (!host) return std::nullopt;
  const auto& listeners = context_.config.listen;
  const bool is_ours = std::any_of(
      listeners.begin(), listeners.end(),
      [&](const ListenConfig& listener) { return listener.address.port == host->port; });
  if (is_ours) return std::nullopt;
  return url_is_missing(*host);
}

void HttpClient::next_request() {
  kept_ = true;
  if (context_.users != nullptr) wipe_text(received_);
  clear_keeping(received_, kKeptRoom);
  scanner_.reset();
  deadline_.start(context_.config.keep_alive_timeout);
  on_ready();
}

RequestLine HttpClient::request_line() const {
  const std::string_view received = std::string_view(received_).substr(scanner_.begin());
  const std::size_t end = received.find("\r\n");
  RequestHead line;
  if (end == std::string_view::npos ||
      !parse_request_line(received.substr(0, end), HeadLimits{}, line)) {
    return {};
  }
  return {line.method, logged_target(line)};
}

std::string HttpClient::shown_request() const { return shown_head(parsed_.head); }

/// What was received is overwritten where it holds the password, as are the bytes that were just
/// read.
Result<Credentials> HttpClient::take_credentials() {
  auto given = credentials_of(parsed_.head);
  for (const Field& field : parsed_.head.fields) {
    if (!iequals(field.name, kCredentialsField)) continue;
    const auto begin = static_cast<std::size_t>(field.value.data() - received_.data());
    std::fill_n(received_.begin() + static_cast<std::ptrdiff_t>(begin), field.value.size(), '*');
  }
  const std::span<char> buffer = context_.flow.buffer;
  wipe(buffer.first(std::min(buffer.size(), received_.size())));
  return given;
}

void HttpClient::begin_drain() {
  if (scanner_.begun()) return;
  // A request that has partly arrived is still answered; one that has not begun is awaited only
  // briefly.
  deadline_.start(kept_ ? milliseconds(0) : kDrainingTimeout);
}

/// Anew for what precedes a request, if it is required otherwise: by which CAs a client's
/// certificate is verified, a load balancer's header, TLS.
std::unique_ptr<ClientProtocol> HttpClient::renewed(SessionContext& context) {
  const bool kept = kept_ || scanner_.begun();
  const auto index = static_cast<std::size_t>(&listener_ - context_.listeners.data());
  const ListenerTerms& listener = context.listeners[index];
  if (listener.config.proxy_protocol != listener_.config.proxy_protocol) return nullptr;
  if (beneath_ == Beneath::tls) {
    if (client_cas_of(listener_) != client_cas_of(listener)) return nullptr;
  } else if (kept && listener.config.speaks == ListenConfig::Speaks::tls_only) {
    return nullptr;
  }
  if (!scanner_.begun() && !received_.empty()) client_.unread(received_);
  auto out = std::make_unique<HttpClient>(context, client_, listener, beneath_);
  out->kept_ = kept;
  return out;
}

void HttpClient::on_deadline() {
  if (!scanner_.begun()) return events_->on_client_idle(Side::local);
  events_->on_bad_request(context_.not_in_time("request"));
}

std::string_view HttpClient::established() const { return kConnectEstablished; }

/// Even in an error response to a bad request: a client that sent HEAD reads no body (RFC 9110
/// section 9.3.2).
bool HttpClient::is_head_request() const {
  return std::string_view(received_).substr(scanner_.begin()).starts_with("HEAD ");
}

std::string HttpClient::refusal(const Error& error) const {
  if (!foreign_answer_.empty()) return foreign_answer_;
  return error_answer(error, is_head_request());
}

/// What was sent behind a CONNECT is meant for the tunnel that there is not.
std::string HttpClient::kept_refusal(const Error& error) const {
  const auto options = connection_options(parsed_.head);
  const bool is_connect = request_.plain == nullptr;
  if (!options || !persists(parsed_.head, *options)) return {};
  if (is_connect && !request_.rest.empty()) return {};
  return error_answer(error, is_head_request(), true);
}

}  // namespace culvert
