#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/connection_ends.h"
#include "base/error.h"
#include "base/host_port.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/text.h"
#include "session/plain_request.h"

namespace culvert {

/// A client's request.  Pointers and views are valid until its next request.
struct ClientRequest {
  std::string_view method;       ///< for the log: CONNECT, GET, ...
  std::optional<Error> mistake;  ///< the request is invalid for this reason
  // The rest is valid only without a mistake.
  const HostPort* target = nullptr;
  PlainRequest* plain = nullptr;  ///< to be forwarded; nullptr for CONNECT
  /// A CONNECT of Go's net/http, or of a client that says so (User-Agent).
  bool from_go = false;
  bool nameless = false;  ///< in its protocol a client cannot say which program it is
  bool looped = false;    ///< it has passed through this proxy before
  std::string_view rest;  ///< received after the head: a tunnel's first bytes, or a body
};

/// What a request asked for, for the log.
struct RequestLine {
  std::string_view method;  ///< empty: it was not received as a whole, or is malformed
  std::string target;       ///< as received, without what may be a credential
};

/// In a drain, what has not begun by then is not awaited.
inline constexpr std::chrono::milliseconds kDrainingTimeout{1'000};

class ClientProtocol;
struct ListenerTerms;
struct SessionContext;

/// The events of a ClientProtocol.  Each is the last thing it does in a call, as the receiver may
/// destroy it, unless it says that the protocol continues.
class ClientEvents {
 public:
  /// The first bytes of a request have arrived; the protocol continues.
  virtual void on_request_begun() = 0;
  /// A load balancer has connected, and these are the ends of its client's connection, as far as
  /// it tells them.  The protocol continues if this is true.
  virtual bool on_balanced(const ConnectionEnds& ends) = 0;
  virtual void on_request(ClientRequest& request) = 0;
  /// The client signs in before its request: it has sent what take_credentials() gives, and the
  /// protocol waits for signed_in().
  virtual void on_credentials() {}
  /// The request is malformed, or did not arrive in time.
  virtual void on_bad_request(Error error) = 0;
  /// The client has closed the connection before a complete request; `detail` is the text for the
  /// log.
  virtual void on_client_gone(std::string_view detail) = 0;
  /// The client speaks another protocol than this one: `spoken` is to be started in its place.
  virtual void on_other_protocol(std::unique_ptr<ClientProtocol> spoken) = 0;
  /// The client begins TLS, which `listener` has a certificate for; all of it is still to be read.
  virtual void on_tls(const ListenerTerms& listener) = 0;
  /// The client has proved who it is; the protocol continues.
  virtual void on_user(std::string_view name) = 0;
  /// No request had begun, and this event ended the wait for one.
  virtual void on_client_idle(Side closed_by) = 0;

 protected:
  ~ClientEvents() = default;
};

/// The protocol that a client speaks until its tunnel is established: how a request is read, and
/// the bytes of a success and of a refusal.  The Session decides which one is sent, and writes it.
class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;

  /// Begins to read the first request.  `events` outlives this.
  virtual void start(ClientEvents& events) = 0;
  /// The client's stream is ready while a request is awaited.
  virtual void on_ready() = 0;
  /// Begins to read the next request, after a plain one that was answered.
  virtual void next_request() = 0;
  /// Part of the request has arrived.
  virtual bool request_begun() const = 0;
  /// Part of what precedes requests has arrived, which is no request yet.
  virtual bool handshake_begun() const { return false; }
  /// The client waits for answers before it sends its request.
  virtual bool takes_turns() const { return false; }
  /// Of the request that has arrived last, however malformed the rest of it is.
  virtual RequestLine request_line() const = 0;
  /// The request that has arrived, for a Trace.
  virtual std::string shown_request() const {
    const RequestLine line = request_line();
    return concat({line.method, " ", line.target});
  }
  /// User and password of the request, of which the protocol keeps nothing.  An error says what is
  /// wrong, or missing.
  virtual Result<Credentials> take_credentials() {
    return Error{Errc::proxy_internal_error, Side::local, 0, "this protocol has no sign-in"};
  }
  /// After ClientEvents::on_credentials(): they are right.
  virtual void signed_in() {}
  /// From now on a request that does not begin within a short time is not awaited.
  virtual void begin_drain() = 0;

  /// For a client of which nothing of a request has arrived, or whose last one was answered: the
  /// same protocol, not started, with the rules of `context`.  nullptr: the client has to connect
  /// anew for them.
  virtual std::unique_ptr<ClientProtocol> renewed(SessionContext&) { return nullptr; }

  /// The complete success response, which precedes a tunnel's bytes.
  virtual std::string_view established() const = 0;
  /// The complete response to a request that fails with `error`; the connection is closed after it.
  virtual std::string refusal(const Error& error) const = 0;
  /// The same, but the client may send another request after it.  Empty: it may not.
  virtual std::string kept_refusal(const Error&) const { return {}; }
};

}  // namespace culvert
