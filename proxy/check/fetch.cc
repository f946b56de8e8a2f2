#include "check/fetch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <system_error>

#include "base/duration.h"
#include "base/redact.h"
#include "base/text.h"
#include "check/patience.h"
#include "check/peer_words.h"
#include "codec/body_framing.h"
#include "codec/chunked.h"
#include "codec/http_head.h"
#include "dial/upstream_protocol.h"
#include "net/tls_session_slot.h"
#include "net/tls_stream.h"

namespace culvert {
namespace {

using Stage = Fetched::Stage;
using Clock = Loop::Clock;

/// Docker waits for as long for the handshake.
constexpr std::chrono::milliseconds kTlsLimit{10'000};
constexpr std::chrono::milliseconds kAnswerLimit{15'000};
constexpr std::chrono::milliseconds kBodyLimit{15'000};

std::chrono::microseconds since(Clock::time_point begun) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
}

std::string request_head(const FetchRequest& request, const Fetched& found) {
  std::string head = "GET ";
  if (found.absolute) head += request.link.shown();
  head += request.link.path + " HTTP/1.1\r\nHost: " + request.link.host_field() +
          "\r\nUser-Agent: culvert-check\r\nAccept-Encoding: identity\r\nAccept: " + request.accept;
  if (!request.range.empty()) head += "\r\nRange: " + request.range;
  if (!request.authorization.empty()) {
    head += "\r\nAuthorization: ";
    head += request.authorization.reveal();
  }
  if (found.absolute && !found.upstream->authorization.empty()) {
    head += "\r\nProxy-Authorization: ";
    head += found.upstream->authorization.reveal();
  }
  return head + "\r\nConnection: close\r\n\r\n";
}

/// `error` of what was received as a clause.
Error malformed(Error error) {
  error.text = "sent a malformed answer: " + error.text;
  return error;
}

/// One request, from top to bottom.
class Fetching {
 public:
  Fetching(Way& way, const TlsClientContext& trust, const FetchRequest& request, Fetched& out)
      : way_(way), trust_(trust), request_(request), out_(out) {}

  void run() {
    if (!connect()) return;
    if (request_.link.tls && !secure()) return;
    if (!send() || !receive_head()) return;
    out_.stage = Stage::body;
    begun_ = Clock::now();
    const bool received = receive_body();
    if (without_echo(out_.body) != out_.body) out_.body.clear();
    out_.body_time = since(begun_);
    if (received) out_.stage = Stage::done;
  }

 private:
  bool connect() {
    begun_ = Clock::now();
    const auto purpose = request_.link.tls ? DialPurpose::tunnel : DialPurpose::forward;
    WayTo to = way_.dial(request_.link.host, purpose);
    out_.dial_time = since(begun_);
    out_.rule = std::move(to.rule);
    out_.upstream = to.upstream;
    out_.cause = std::move(to.cause);
    out_.fix = std::move(to.fix);
    out_.rule_fix = std::move(to.rule_fix);
    if (!to.stream) {
      out_.error = std::move(to.stream).error();
      return false;
    }
    out_.absolute = out_.upstream != nullptr && forwards_to_proxy(out_.upstream->config, purpose);
    stream_ = *std::move(to.stream);
    return true;
  }

  bool secure() {
    out_.stage = Stage::tls;
    begun_ = Clock::now();
    auto tls = TlsStream::client(std::move(stream_), trust_, request_.link.host.host, session_);
    TlsStream& stream = *tls;
    stream_ = std::move(tls);
    Patience patience(way_, *stream_, kTlsLimit);
    Io io = stream.handshake();
    while (io.status == Io::Status::would_block && patience.wait()) io = stream.handshake();
    out_.tls_time = since(begun_);
    out_.certificate = stream.certificate();
    out_.first_bytes = stream.first_bytes();
    if (io.status == Io::Status::ok) return true;
    if (io.status == Io::Status::would_block) return give_up(patience, "did not answer in TLS");
    out_.error = stream.handshake_error(io);
    return false;
  }

  bool send() {
    out_.stage = Stage::http;
    begun_ = Clock::now();
    const std::string head = request_head(request_, out_);
    std::string_view rest = head;
    Patience patience(way_, *stream_, kAnswerLimit);
    while (!rest.empty()) {
      const Io io = stream_->try_write(rest);
      if (io.status == Io::Status::ok) {
        rest.remove_prefix(io.bytes);
      } else if (io.status != Io::Status::would_block) {
        return fail(io, "closed the connection before it took the request");
      } else if (!patience.wait()) {
        return give_up(patience, "did not take the request");
      }
    }
    return true;
  }

  /// Appends more bytes to buffer_; false at the end, or when it has failed.
  bool read_more(Patience& patience, std::string_view what_is_missing) {
    std::array<char, 16 * 1024> bytes;
    for (;;) {
      const Io io = stream_->try_read(bytes);
      if (io.status == Io::Status::ok) {
        buffer_.append(bytes.data(), io.bytes);
        return true;
      }
      if (io.status == Io::Status::eof) {
        ended_ = true;
        return false;
      }
      if (io.status == Io::Status::error) {
        return fail(io, "broke off the connection");
      }
      if (!patience.wait()) return give_up(patience, what_is_missing);
    }
  }

  bool receive_head() {
    Patience patience(way_, *stream_, kAnswerLimit);
    std::size_t interim = 0;
    for (HeadScanner scanner(HeadScanner::Kind::response);;) {
      auto end = scanner.scan(buffer_);
      if (!end) return fail(malformed(std::move(end).error()));
      if (!*end) {
        if (read_more(patience, "gave no answer")) continue;
        if (ended_) fail_at_end();
        return false;
      }
      ResponseHead head;
      auto parsed = parse_response_head(std::string_view(buffer_).substr(0, **end), {}, head);
      if (!parsed) return fail(malformed(std::move(parsed).error()));
      if (head.status / 100 != 1) {
        if (!take_head(head)) return false;
        buffer_.erase(0, **end);
        out_.http_time = since(begun_);
        return true;
      }
      if ((interim += **end) > kMostInterimBytes) {
        return fail({Errc::http_protocol_error, Side::target, 0, "sends nothing but 1xx"});
      }
      buffer_.erase(0, **end);
      scanner.reset();
    }
  }

  /// A proxy that answers itself was sent its password.
  std::string_view without_echo(std::string_view text) const {
    return out_.absolute ? redact_cut_echo(text, out_.upstream->config.credentials) : text;
  }

  bool take_head(const ResponseHead& head) {
    out_.status = head.status;
    out_.reason = peer_words(without_echo(head.reason), 80);
    for (const Field& field : head.fields) {
      out_.fields.emplace_back(field.name, without_echo(field.value));
    }
    auto framing = response_framing(head, "GET");
    if (!framing) return fail(malformed(std::move(framing).error()));
    framing_ = *framing;
    return true;
  }

  bool receive_body() {
    for (;;) {
      Patience patience(way_, *stream_, kBodyLimit);  // with each silence
      auto complete = take_body();
      if (!complete) return fail(malformed(std::move(complete).error()));
      if (*complete || out_.body.size() >= request_.most_body) {
        out_.body.resize(std::min(out_.body.size(), request_.most_body));
        return true;
      }
      if (read_more(patience, "sent no more of its answer")) continue;
      if (!ended_) return false;
      if (framing_.kind == BodyFraming::Kind::until_close) {
        return true;
      }
      return fail({Errc::http_response_incomplete, Side::target, 0,
                   "closed the connection in the middle of its answer"});
    }
  }

  /// Moves what is body from the buffer; true if that is all of it.
  Result<bool> take_body() {
    if (framing_.kind == BodyFraming::Kind::none) return true;
    if (framing_.kind == BodyFraming::Kind::chunked) return take_chunks();
    out_.body += buffer_;
    buffer_.clear();
    return framing_.kind == BodyFraming::Kind::length && out_.body.size() >= framing_.length;
  }

  Result<bool> take_chunks() {
    std::string_view rest = buffer_;
    while (!rest.empty() && !chunks_.done()) {
      auto step = chunks_.consume(rest);
      if (!step) return std::move(step).error();
      out_.body += step->body;
      rest.remove_prefix(step->used);
    }
    buffer_.erase(0, buffer_.size() - rest.size());
    return chunks_.done();
  }

  bool fail(Error error) {
    out_.error = std::move(error);
    return false;
  }

  bool fail(const Io& io, std::string_view at_eof) {
    Error error{Errc::connection_terminated, Side::target, io.error, std::string(at_eof)};
    if (io.status == Io::Status::error) {
      error.text = "broke off the connection: " + describe_failure(io.error);
      // TLS 1.3 reports what its handshake was refused for only now.
      if (auto* tls = request_.link.tls ? static_cast<TlsStream*>(stream_.get()) : nullptr;
          tls != nullptr && io.error == EPROTO) {
        error = tls->handshake_error(io);
      }
    }
    return fail(std::move(error));
  }

  void fail_at_end() {
    out_.error = {Errc::connection_terminated, Side::target, 0,
                  buffer_.empty() ? "closed the connection without an answer"
                                  : "closed the connection in the middle of its answer"};
  }

  bool give_up(const Patience& patience, std::string_view what) {
    out_.given_up = !patience.timed_out();
    out_.timed_out = patience.timed_out();
    std::string text(what);
    if (out_.timed_out) text += " in " + format_seconds(patience.limit());
    out_.error = {Errc::connection_timeout, Side::target, 0, std::move(text)};
    return false;
  }

  Way& way_;
  const TlsClientContext& trust_;
  const FetchRequest& request_;
  Fetched& out_;
  TlsSessionSlot session_;  // outlives the stream
  std::unique_ptr<Stream> stream_;
  Clock::time_point begun_;
  std::string buffer_;  // received, and not taken yet
  bool ended_ = false;
  BodyFraming framing_;
  ChunkedDecoder chunks_{HeadScanner::Kind::response};
};

}  // namespace

std::string_view Fetched::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (iequals(key, name)) return value;
  }
  return {};
}

Fetched fetch(Way& way, const TlsClientContext& trust, const FetchRequest& request) {
  Fetched out;
  Fetching(way, trust, request, out).run();
  return out;
}

}  // namespace culvert
