#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"
#include "session/plain_request.h"

namespace culvert {

/// What a client asks for.  Pointers and views last until its next request.
struct ClientRequest {
  std::string_view method;       ///< for people: CONNECT, GET, ...
  std::optional<Error> mistake;  ///< what makes it one that nobody could serve
  // The rest is valid without a mistake.
  const HostPort* target = nullptr;
  PlainRequest* plain = nullptr;  ///< to be forwarded; nullptr: a tunnel is asked for
  bool looped = false;            ///< it has passed through this proxy before
  std::string_view rest;          ///< what came behind it: a tunnel's first bytes, or a body
};

/// What a ClientProtocol reports, as the last thing it does in a call: it may be destroyed there.
class ClientEvents {
 public:
  /// The first bytes of what may become a request have come.  The one report after which the
  /// protocol goes on.
  virtual void on_request_begun() = 0;
  virtual void on_request(ClientRequest& request) = 0;
  /// What came is no request, or did not come in time.
  virtual void on_bad_request(Error error) = 0;
  /// The client has closed where a request was due; `detail` says so to people.
  virtual void on_client_gone(std::string_view detail) = 0;
  /// No request is under way, and none will come: this ended the wait for one.
  virtual void on_client_idle(Side closed_by) = 0;

 protected:
  ~ClientEvents() = default;
};

/// What a client speaks to us until it has its tunnel: how a request is read, and what yes and no
/// look like.  Who decides, and writes these answers, is the Session.
class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;

  /// Begins to read the first request.  `events` outlives this.
  virtual void start(ClientEvents& events) = 0;
  /// The client's stream is ready, and a request is waited for.
  virtual void on_ready() = 0;
  /// Begins to read the next request, behind a plain one that is answered.
  virtual void next_request() = 0;
  /// Some of the request has come.
  virtual bool request_begun() const = 0;
  /// A request that has not begun soon is not waited for.
  virtual void begin_drain() = 0;

  /// All of the answer that precedes a tunnel's bytes.
  virtual std::string_view established() const = 0;
  /// All of the answer to a request that fails with `error`; the connection is closed behind it.
  virtual std::string refusal(const Error& error) const = 0;
};

}  // namespace culvert
