#include "check/port_look.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "check/hear.h"
#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "dial/protocol_look.h"
#include "dial/transport.h"
#include "net/timer.h"

namespace culvert {
namespace {

using namespace std::string_view_literals;
using std::chrono::milliseconds;

constexpr milliseconds kTimeToReply{1'500};
constexpr std::size_t kMostOfAnswer = 2'048;

/// A connection, or why there is none.
struct Connecting {
  void take(DialResult outcome) { result.emplace(std::move(outcome)); }
  void expire() { expired = true; }

  std::optional<DialResult> result;
  bool expired = false;
};

DialResult connect(Walk& walk, Transport& transport, const HostPort& address) {
  Connecting connecting;
  Timer timer(walk.loop(), Callback<void()>::to<&Connecting::expire>(&connecting));
  const auto dial = transport.dial(address, Side::upstream, AddressCheck{},
                                   DialDone::to<&Connecting::take>(&connecting));
  timer.start(kConnectLimit);
  dial->start();
  const bool in_time =
      walk.wait([&] { return connecting.result.has_value() || connecting.expired; });
  if (connecting.result) return std::move(*connecting.result);
  if (in_time) return dial->timeout_failure();
  return Error{Errc::canceled, Side::local, 0, walk.why_over()};
}

struct Learned {
  void take(std::string_view found) { protocol.emplace(found); }

  std::optional<std::string_view> protocol;
};

/// Servers that speak first, or answer HTTP in their own words.
struct Banner {
  std::string_view opening;
  std::string_view also;  ///< what stands in the first line as well, in small letters
  std::string_view protocol;
};
constexpr auto kBanners = std::to_array<Banner>({
    {"220", "ftp", "FTP"},
    {"220", "", "SMTP"},
    {"554 ", "", "SMTP"},
    {"421 ", "", "SMTP or FTP"},
    {"* OK", "", "IMAP"},
    {"+OK", "", "POP3"},
    {"-ERR unknown command", "", "Redis"},
    {"-ERR wrong number", "", "Redis"},
    {"-NOAUTH", "", "Redis"},
    {"-DENIED Redis", "", "Redis"},
    {"ERROR", "", "memcached"},
    {"RFB 0", "", "VNC"},
    {"@RSYNCD:", "", "rsync"},
    {"AMQP", "", "AMQP"},
    // It speaks SOCKS5 at this port, and answers HTTP to say so.
    {"HTTP/1.0 501 Tor is not", "", "SOCKS5"},
});

/// The first packet of a server of MySQL: three bytes of length, its number 0, then the version of
/// the protocol or an error (its manual, "Connection Phase").
bool is_mysql(std::string_view bytes) {
  return bytes.size() > 5 && bytes[1] == '\0' && bytes[2] == '\0' && bytes[3] == '\0' &&
         (bytes[4] == '\x0a' || bytes[4] == '\xff');
}

std::string_view protocol_of_banner(std::string_view bytes) {
  if (is_mysql(bytes)) return "MySQL";
  const std::string line = to_lower(bytes.substr(0, bytes.find_first_of("\r\n")));
  for (const Banner& banner : kBanners) {
    if (bytes.starts_with(banner.opening) && line.find(banner.also) != std::string::npos) {
      return banner.protocol;
    }
  }
  return guess_protocol(bytes);
}

/// What a proxy's own answer tells, in small letters: X-Squid-Error, Server, Via, Proxy-Agent.
bool names_proxy(std::string_view answer) {
  constexpr std::array<std::string_view, 6> kSigns = {"squid",    "tinyproxy", "privoxy",
                                                      "\nproxy-", "3proxy",    "\nx-squid-error:"};
  return std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) {
    return answer.find(sign) != std::string_view::npos;
  });
}

void read_answer(const std::string& answer, PortLook& look) {
  look.protocol = protocol_of_banner(answer);
  look.status_line = trim(printable(answer.substr(0, answer.find_first_of("\r\n")), 80));
  look.is_culvert = look.status_line.find(kSigned) != std::string::npos;
  look.is_proxy = look.is_culvert || names_proxy(to_lower(answer));
  // Many servers of TLS reject plain HTTP in plain HTTP.
  const bool is_refused = look.status_line.find(" 400") != std::string::npos;
  if (is_refused && answer.find("HTTPS") != std::string::npos) look.protocol = "TLS";
}

}  // namespace

PortLook look_at_port(Walk& walk, Transport& transport, const UpstreamConfig& upstream) {
  PortLook look;
  DialResult stream = connect(walk, transport, upstream.address);
  if (!stream) {
    look.error = std::move(stream).error();
    look.over = walk.over();
    return look;
  }
  look.connected = true;
  const std::string question =
      "GET / HTTP/1.1\r\nHost: " + upstream.address.to_string() + "\r\nConnection: close\r\n\r\n";
  const Heard heard = hear(walk, **stream, question, kTimeToReply, kMostOfAnswer, true);
  (*stream).reset();
  look.closed = heard.end == Heard::End::closed;
  read_answer(heard.bytes, look);
  if (!look.protocol.empty() || walk.over()) {
    look.over = walk.over();
    return look;
  }
  Learned learned;
  ProtocolLook others(walk.loop(), transport, upstream,
                      ProtocolLook::Done::to<&Learned::take>(&learned));
  others.start(kTimeToReply);
  look.over = !walk.wait([&] { return learned.protocol.has_value(); });
  if (learned.protocol) look.protocol = *learned.protocol;
  return look;
}

PortLook look_at_port(Walk& walk, const HostPort& address) {
  UpstreamConfig upstream;
  upstream.kind = UpstreamConfig::Kind::http;
  upstream.address = address;
  TcpTransport transport(walk.loop());
  return look_at_port(walk, transport, upstream);
}

bool speaks_socks5(Walk& walk, const HostPort& address) {
  TcpTransport transport(walk.loop());
  DialResult stream = connect(walk, transport, address);
  if (!stream) return false;
  // Without a password, or with one.
  const Heard heard = hear(walk, **stream, "\x05\x02\x00\x02"sv, kTimeToReply, 1);
  return heard.bytes.starts_with('\x05');
}

std::string kind_of_server(const PortLook& look) {
  if (look.is_culvert) return "culvert";
  if (look.protocol == "HTTP") {
    return look.is_proxy ? "an HTTP proxy that is not culvert"
                         : "an HTTP server that is not culvert; whether it is a proxy is not known";
  }
  if (look.protocol == "TLS") return "a server that speaks TLS";
  if (!look.protocol.empty()) return "a server that speaks " + std::string(look.protocol);
  if (!look.status_line.empty()) return "a server that answers \"" + look.status_line + "\"";
  return look.closed ? "a server that closes the connection" : "a server that answers nothing";
}

}  // namespace culvert
