#include "codec/forward_head.h"

#include <array>

#include "base/text.h"
#include "codec/field_list.h"
#include "codec/intermediary.h"
#include "codec/octets.h"
#include "codec/upgrade.h"

namespace culvert {
namespace {

/// How a field is handled that is not simply passed on.
enum class Role {
  end_to_end,
  hop_by_hop,
  host,
  content_length,
  date,
  expect,
  max_forwards,
  te,
  trailer,
  upgrade,
};

struct Known {
  std::string_view name;
  Role role;
};
constexpr std::array kKnown = {
    Known{"host", Role::host},
    Known{"content-length", Role::content_length},
    Known{"transfer-encoding", Role::hop_by_hop},
    Known{"connection", Role::hop_by_hop},
    Known{"keep-alive", Role::hop_by_hop},
    Known{"proxy-connection", Role::hop_by_hop},
    Known{"proxy-authenticate", Role::hop_by_hop},
    Known{"proxy-authorization", Role::hop_by_hop},
    Known{"proxy-authentication-info", Role::hop_by_hop},
    Known{"http2-settings", Role::hop_by_hop},
    Known{"te", Role::te},
    Known{"trailer", Role::trailer},
    Known{"upgrade", Role::upgrade},
    Known{"expect", Role::expect},
    Known{"max-forwards", Role::max_forwards},
    Known{"date", Role::date},
};

Role role_of(std::string_view name, const ConnectionOptions& options) {
  for (const Known& known : kKnown) {
    if (iequals(known.name, name)) return known.role;
  }
  return options.names(name) ? Role::hop_by_hop : Role::end_to_end;
}

void append_number_field(std::string_view name, std::uint64_t value, std::string& out) {
  append_all(out, {name, ": "});
  append_number(out, value);
  out += kCrlf;
}

/// uri-host [ ":" port ], without the port that http has anyway.
void append_authority(const HostPort& authority, std::string& out) {
  const bool bracketed = authority.host.find(':') != std::string::npos;
  if (bracketed) out += '[';
  out += authority.host;
  if (bracketed) out += ']';
  if (authority.absolute) out += '.';
  if (authority.port == kHttpPort) return;
  out += ':';
  append_number(out, authority.port);
}

/// Bytes that RFC 3986 section 2.1 requires percent-encoded; curl among others sends them raw.
void append_path(std::string_view path, std::string& out) {
  for (;;) {
    const std::size_t count = span_of(path, kTargetText);
    out += path.substr(0, count);
    if (count == path.size()) return;
    append_percent_encoded(out, path[count]);
    path.remove_prefix(count + 1);
  }
}

/// RFC 9112 section 3.2: the target in the form for the next hop.
void append_target(const RequestHead& head, const RequestTarget& target, bool absolute_form,
                   std::string& out) {
  const bool server_wide = head.method == "OPTIONS" && target.path.empty();
  if (absolute_form) {
    out += "http://";
    append_authority(target.authority, out);
    if (server_wide) return;  // RFC 9112 section 3.2.4: the last proxy makes this "*"
  } else if (server_wide) {
    out += '*';
    return;
  }
  if (!target.path.starts_with('/')) out += '/';
  append_path(target.path, out);
}

void append_framing(const BodyFraming& framing, bool wrote_length, std::string& out) {
  if (framing.kind == BodyFraming::Kind::chunked) {
    append_field("Transfer-Encoding", "chunked", out);
  } else if (framing.kind == BodyFraming::Kind::length && !wrote_length) {
    append_number_field("Content-Length", framing.length, out);
  }
}

/// Writes "Connection: a, b" option by option.
class ConnectionField {
 public:
  explicit ConnectionField(std::string& out) : out_(out) {}
  void add(std::string_view option) {
    append_all(out_, {begun_ ? ", " : "Connection: ", option});
    begun_ = true;
  }
  void end() {
    if (begun_) out_ += kCrlf;
  }

 private:
  std::string& out_;
  bool begun_ = false;
};

/// Of TE only `trailers` can be passed on (RFC 9110 section 10.1.4).
bool wants_trailers(const RequestHead& head) {
  bool found = false;
  if (head.minor == 0) return found;
  for (const Field& field : head.fields) {
    if (!iequals(field.name, "te")) continue;
    each_element(field.value, [&found](std::string_view coding) {
      found = found || iequals(coding, "trailers");
    });
  }
  return found;
}

}  // namespace

void append_request_head(const RequestHead& head, const RequestTarget& target,
                         const ConnectionOptions& options, const RequestForward& forward,
                         std::string& out) {
  append_all(out, {head.method, " "});
  append_target(head, target, forward.absolute_form, out);
  out += " HTTP/1.1\r\nHost: ";
  append_authority(target.authority, out);
  out += kCrlf;

  const bool chunked = forward.framing.kind == BodyFraming::Kind::chunked;
  bool wrote_length = false;
  bool wrote_max_forwards = false;
  for (const Field& field : head.fields) {
    switch (role_of(field.name, options)) {
      case Role::hop_by_hop:
      case Role::host:
      case Role::te:
        break;
      case Role::content_length:
        if (forward.framing.kind == BodyFraming::Kind::length && !wrote_length) {
          append_number_field(field.name, forward.framing.length, out);
          wrote_length = true;
        }
        break;
      case Role::trailer:
        if (chunked) append_field(field.name, field.value, out);
        break;
      case Role::upgrade:
        if (forward.upgrade) append_upgrade(field.value, out);
        break;
      case Role::expect:
        // A client that speaks HTTP/1.0 would not understand the 100 that this requests.
        if (head.minor >= 1) append_field(field.name, field.value, out);
        break;
      case Role::max_forwards:
        if (!forward.max_forwards) {
          append_field(field.name, field.value, out);
        } else if (!wrote_max_forwards) {
          append_number_field(field.name, *forward.max_forwards, out);
          wrote_max_forwards = true;
        }
        break;
      case Role::date:
      case Role::end_to_end:
        append_field(field.name, field.value, out);
        break;
    }
  }

  append_framing(forward.framing, wrote_length, out);
  if (!forward.proxy_authorization.empty()) {
    append_field("Proxy-Authorization", forward.proxy_authorization, out);
  }
  append_via(head.minor, forward.pseudonym, out);
  ConnectionField connection(out);
  const bool trailers = wants_trailers(head);
  if (trailers) connection.add("TE");
  if (forward.upgrade) connection.add("upgrade");
  if (!forward.keep_alive) connection.add("close");
  connection.end();
  if (trailers) append_field("TE", "trailers", out);
  out += kCrlf;
}

void append_response_head(const ResponseHead& head, const ConnectionOptions& options,
                          const ResponseForward& forward, std::string& out) {
  out += "HTTP/1.1 ";
  append_number(out, head.status);
  append_all(out, {" ", head.reason, kCrlf});

  const bool interim = head.status < 200;
  const bool upgrade = (head.status == 101 || head.status == 426) && has_upgrade(head);
  // RFC 9110 section 8.6: there it describes the body that GET would return; in 1xx and 204 it is
  // forbidden.
  const bool keeps_length =
      !forward.framing.ambiguous &&
      (head.status == 304 || (forward.to_head && !interim && head.status != 204));
  bool wrote_length = false;
  bool has_date = false;
  for (const Field& field : head.fields) {
    switch (role_of(field.name, options)) {
      case Role::hop_by_hop:
      case Role::te:
        break;
      case Role::content_length:
        if (wrote_length) break;
        if (forward.framing.kind == BodyFraming::Kind::length) {
          append_number_field(field.name, forward.framing.length, out);
          wrote_length = true;
        } else if (forward.framing.kind == BodyFraming::Kind::none && keeps_length) {
          append_field(field.name, field.value, out);
          wrote_length = true;
        }
        break;
      case Role::trailer:
        if (forward.framing.kind == BodyFraming::Kind::chunked) {
          append_field(field.name, field.value, out);
        }
        break;
      case Role::upgrade:
        if (upgrade) append_upgrade(field.value, out);
        break;
      case Role::date:
        has_date = true;
        [[fallthrough]];
      case Role::host:
      case Role::expect:
      case Role::max_forwards:
      case Role::end_to_end:
        append_field(field.name, field.value, out);
        break;
    }
  }

  append_framing(forward.framing, wrote_length, out);
  if (!has_date && !interim && !forward.date.empty()) append_field("Date", forward.date, out);
  append_via(head.minor, forward.pseudonym, out);
  ConnectionField connection(out);
  if (upgrade) connection.add("upgrade");
  if (!interim && !forward.keep_alive) connection.add("close");
  connection.end();
  out += kCrlf;
}

}  // namespace culvert
