#include "check/advice.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "check/option_fix.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

using Subject = DialFailure::Subject;

constexpr std::string_view kLocalLookup = " (resolve=local)";
constexpr auto kNowhere = std::string_view::npos;

/// Whose failure a row is about.
enum class About : std::uint8_t { upstream, target, direct };

/// The first row that fits tells what to say.  In the texts stand for the upstream {at}, {host},
/// {port}, {start} (how it is started), {restart}; for its option as it was given, changed in one
/// thing, {bare} (without credentials), {login} (with), {trust} (with another CA), {sni} (with the
/// certificate's name), {client} (with a certificate of ours), {remote} (without resolve=local),
/// {elsewhere} (another proxy); {other}, {named}, {by direct} for a route; {later} for when it asks
/// to be asked again; {tunnel} for one more
/// upstream, an ssh -D; {by ssh}, {by helper} for a program here that goes to it; {target}, {name},
/// {number} for the target and its parts; {clause} for what is known of the failure, {advice} for
/// what its clause says helps.
struct AdviceRow {
  About about;
  Errc code;
  std::string_view part;  ///< that the clause has; empty: any
  std::string_view cause;
  std::string_view fix;
};

constexpr std::string_view kNothingListens =
    "nc -vz {name} {number}  # on the far end: nothing listens there";
constexpr std::string_view kNoWay =
    "nc -vz {name} {number}  # on the far end: nothing answers there, or there is no way to it";
constexpr std::string_view kIsNameRight =
    "getent hosts {name}  # on the far end, beyond {at}: is the name right?";

constexpr std::string_view kOtherProxy =
    "{elsewhere}  # of a proxy that serves CONNECT, if {at} does not";

constexpr std::array kRows = {
    // The upstream cannot be reached.
    AdviceRow{About::upstream, Errc::connection_refused, "",
              "nothing listens at {at}: the connection was refused", "{start}"},
    AdviceRow{About::upstream, Errc::dns_error, "", "its name {clause}",
              "getent hosts {host}  # then write the address: {elsewhere}"},
    AdviceRow{About::upstream, Errc::dns_timeout, "", "its name {clause}",
              "getent hosts {host}  # then write the address: {elsewhere}"},
    AdviceRow{About::upstream, Errc::connection_timeout, "the connection",
              "no answer from {at}, it {clause}: packets vanish on the way",
              "nc -vz {host} {port}  # a firewall drops it, or the address is wrong: {elsewhere}"},
    AdviceRow{About::upstream, Errc::connection_timeout, "TLS", "it {clause}",
              "openssl s_client -connect {at}"},
    AdviceRow{About::upstream, Errc::connection_timeout, "greeting",
              "{at} accepts connections, but it {clause}: it hangs, or is no SOCKS5 proxy",
              "{restart}"},
    AdviceRow{About::upstream, Errc::connection_timeout, "",
              "{at} accepts connections, but it {clause}", "{restart}"},
    AdviceRow{About::upstream, Errc::destination_ip_unroutable, "", "it {clause}",
              "ip route get {host}  # is a network or a VPN down?"},
    AdviceRow{About::upstream, Errc::connection_terminated, "program behind",
              "{at} accepts connections and ends them at once: nothing runs behind that port",
              "{start}"},
    AdviceRow{About::upstream, Errc::connection_terminated, "greeting - is it a SOCKS5",
              "it {clause}: nothing runs behind that port, or it is no SOCKS5 proxy", "{start}"},
    // Another protocol, and TLS.
    AdviceRow{About::upstream, Errc::upstream_protocol_error, "SSH", "it {clause}",
              "ssh -N -D 127.0.0.1:1080 -p {port} USER@{host}  # and {by ssh}"},
    AdviceRow{About::upstream, Errc::tls_certificate_error, "expired", "it {clause}",
              "date  # if this clock is right, {at} has to renew its certificate"},
    AdviceRow{About::upstream, Errc::tls_certificate_error, "not valid before", "it {clause}",
              "timedatectl set-ntp true  # this machine's clock (date) may be wrong"},
    AdviceRow{About::upstream, Errc::tls_certificate_error, "but for ", "it {clause}", "{sni}"},
    AdviceRow{About::upstream, Errc::tls_certificate_error, "no CA certificates", "it {clause}",
              "apt-get install ca-certificates  # or {trust}"},
    AdviceRow{About::upstream, Errc::tls_certificate_error, "", "it {clause}",
              "{trust}  # of the CA that issued its certificate"},
    AdviceRow{About::upstream, Errc::tls_protocol_error, "certificate", "it {clause}", "{client}"},
    AdviceRow{About::upstream, Errc::tls_protocol_error, "", "it {clause}",
              "openssl s_client -connect {at}  # does it speak TLS there?"},
    // Authentication.
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "NTLM",
              "it wants a password of another kind than Basic: {advice}",
              "cntlm -f -I -u USER -d DOMAIN -l 127.0.0.1:3129 {host} {port}  # and {by helper}"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "takes only",
              "it wants a password of another kind than Basic: {advice}",
              "px --proxy={at} --port=3129 --username=USER  # speaks Digest and Negotiate for us, "
              "then {by helper}; or ask who runs {at} to allow Basic"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "takes no user",
              "it takes no user and password (ssh -D never does)", "{bare}"},
    AdviceRow{About::upstream, Errc::connection_terminated, "may take no user",
              "it {clause}: it may take no user and password (ssh -D never does)", "{bare}"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "want", "it wants a user and password",
              "{login}  # or ?password-file=FILE"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "insists",
              "it wants a user and password", "{login}  # or ?password-file=FILE"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "",
              "user or password is wrong: it {clause}", "{login}  # or ?password-file=FILE"},
    AdviceRow{About::upstream, Errc::upstream_protocol_error, "",
              "it {clause}: {at} is no proxy of that kind",
              "{elsewhere}  # whose port is not {port}"},
    AdviceRow{About::upstream, Errc::connection_terminated, "",
              "it {clause}: it may be no proxy of that kind", "{elsewhere}  # if not {at}"},
    // Names that are looked up here, for an upstream.
    AdviceRow{
        About::target, Errc::dns_error, "",
        "{target} {clause}: with resolve=local this machine's own resolver looks names up, not the "
        "far end",
        "{remote}  # then the far end looks {name} up; or getent hosts {name}, to mend what is "
        "missing here"},
    AdviceRow{
        About::target, Errc::dns_timeout, "",
        "{target} {clause}: with resolve=local this machine's own resolver looks names up, not the "
        "far end",
        "{remote}  # then the far end looks {name} up; or getent hosts {name}, to mend what is "
        "missing here"},
    // Beyond the upstream.
    AdviceRow{About::target, Errc::connection_terminated, "ssh -D",
              "it closed the connection instead of answering for {target}: ssh -D does so when its "
              "far end cannot resolve or reach that",
              "ssh USER@HOST nc -vz {name} {number}  # HOST as for ssh -D, which with -v tells the "
              "reason"},
    AdviceRow{About::target, Errc::connection_terminated, "", "it {clause}",
              "{restart}  # its log tells why it hung up"},
    AdviceRow{About::target, Errc::connection_refused, "", "it {clause}", kNothingListens},
    AdviceRow{About::target, Errc::upstream_denied, "", "its rules forbid it: it {clause}",
              "{other}  # an upstream that may; or ask who runs {at} to allow "
              "{target}"},
    AdviceRow{About::target, Errc::upstream_wants_sign_in, "", "it {clause}",
              "sign in with a browser whose proxy is {at}, then check again"},
    AdviceRow{About::target, Errc::upstream_unsupported, "answered 405",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{About::target, Errc::upstream_unsupported, "answered 501",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{About::target, Errc::upstream_unsupported, "", "it {clause}",
              "{other}  # an upstream that serves CONNECT"},
    AdviceRow{About::target, Errc::connection_timeout, "says", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{About::target, Errc::connection_timeout, "504", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{About::target, Errc::connection_timeout, "",
              "it {clause}: it took the request for {target} and hangs", "{restart}"},
    AdviceRow{About::target, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "{named}  # the upstream that may reach it"},
    AdviceRow{About::target, Errc::proxy_loop_detected, "",
              "it {clause}: the upstream leads back to itself", "{elsewhere}"},
    AdviceRow{About::target, Errc::destination_unavailable, "answered 451",
              "its rules forbid it: it {clause}",
              "{other}  # an upstream that may; or ask who runs {at} to allow {target}"},
    AdviceRow{About::target, Errc::destination_unavailable, "answered 429",
              "it {clause}: it limits how often it may be asked",
              "check again {later}  # or {other}, by an upstream that may"},
    AdviceRow{About::target, Errc::destination_unavailable, "answered 400",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{About::target, Errc::destination_unavailable, "answered 404",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{About::target, Errc::destination_unavailable, "connection refused", "it {clause}",
              kNothingListens},
    AdviceRow{About::target, Errc::destination_unavailable, "refused the connection", "it {clause}",
              kNothingListens},
    AdviceRow{About::target, Errc::destination_unavailable, "timed out", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{About::target, Errc::destination_unavailable, "no route to host", "it {clause}",
              kNoWay},
    AdviceRow{About::target, Errc::destination_unavailable, "network unreachable", "it {clause}",
              kNoWay},
    AdviceRow{About::target, Errc::destination_unavailable, "CONNECT_FAIL", "it {clause}", kNoWay},
    AdviceRow{About::target, Errc::destination_unavailable, "", "it {clause}", kIsNameRight},
    AdviceRow{About::target, Errc::destination_ip_unroutable, "", "it {clause}", kIsNameRight},
    // Without an upstream.
    AdviceRow{About::direct, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "{by direct}"},
    AdviceRow{About::direct, Errc::connection_refused, "", "{target} {clause}",
              "nc -vz {name} {number}  # nothing listens there"},
    AdviceRow{About::direct, Errc::dns_error, "", "{target} {clause}",
              "{tunnel}, where {name} resolves"},
};
constexpr std::array kOthers = {
    AdviceRow{About::upstream, {}, "", "it {clause}", "{restart}"},
    AdviceRow{About::target, {}, "", "it {clause}", "{restart}  # its log tells more"},
    AdviceRow{
        About::direct, {}, "", "{target} {clause}", "{tunnel}, from where {name} can be reached"},
};

/// What the proxy speaks instead of what its URL says, as a scheme; empty if that is not known.
std::string_view other_scheme(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kSigns = {{
      {"write http://", "http"},
      {"write https://", "https"},
      {"write socks5://", "socks5"},
      {"write socks4a://", "socks4a"},
      {"answered in HTTP,", "http"},
      {"answered in TLS,", "https"},
      {"answered in SOCKS5,", "socks5"},
      {"answered in SOCKS4,", "socks4a"},
  }};
  for (const auto& [sign, scheme] : kSigns) {
    if (text.find(sign) != kNowhere) return scheme;
  }
  return {};
}

/// The first name that the certificate is for, of a clause "..., but for a.example, b.example".
std::string certificate_name(std::string_view clause) {
  constexpr std::string_view kBefore = "but for ";
  const std::size_t at = clause.find(kBefore);
  if (at == kNowhere) return "NAME";
  const std::string_view rest = clause.substr(at + kBefore.size());
  std::string_view name = rest.substr(0, rest.find_first_of(", "));
  const bool is_pattern = name.starts_with("*.");
  if (is_pattern) name.remove_prefix(1);
  // It is from the network, and somebody will paste it; and it may have been cut.
  const bool is_host =
      !name.empty() && name.find("..") == kNowhere &&
      std::all_of(name.begin(), name.end(), [](char c) {
        const char small = to_lower(c);
        return (small >= 'a' && small <= 'z') || is_digit(c) || c == '.' || c == '-' || c == ':';
      });
  if (!is_host) return "NAME";
  return (is_pattern ? "NAME" : "") + std::string(name);
}

/// A row's text with all placeholders filled in.
class AdviceText {
 public:
  AdviceText(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
             const Config* config = nullptr)
      : upstream_(upstream), target_(target), config_(config) {
    const std::string& text = failure.cause.text;
    const std::size_t dash = std::min(text.find(" - "), text.size());
    clause_ = text.substr(0, dash);
    advice_ = dash < text.size() ? text.substr(dash + 3) : clause_;
    // The advice says it in full.
    if (const auto at = clause_.find(kLocalLookup); at != kNowhere) {
      clause_.erase(at, kLocalLookup.size());
    }
    if (failure.waited) clause_ += " within " + format_seconds(*failure.waited);
  }

  std::string fill(std::string_view text) const {
    std::string out;
    while (!text.empty()) {
      const std::size_t open = std::min(text.find('{'), text.size());
      out += text.substr(0, open);
      text.remove_prefix(open);
      if (text.empty()) break;
      const std::size_t close = text.find('}');
      out += value(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
    }
    return out;
  }

  /// fill() with one comment at its end.
  std::string fix(std::string_view text) const {
    // An address is no name that may be wrong.
    std::string out = fill(text == kIsNameRight && target_.ip ? kNoWay : text);
    constexpr std::string_view kComment = "  # ";
    for (std::size_t at = out.find(kComment); at != kNowhere;) {
      at = out.find(kComment, at + 1);
      if (at != kNowhere) out.replace(at, kComment.size(), "; ");
    }
    return out;
  }

 private:
  std::string value(std::string_view name) const;
  std::string start(bool again) const;
  std::string changed(const OptionChange& change) const {
    return upstream_fix(config_, upstream_, change);
  }
  std::string route(const std::string& name) const {
    return route_fix(config_, target_, target_.host, name);
  }
  std::string by_local(std::string_view scheme, std::string_view place) const;
  std::string tunnel() const;
  std::string later() const;

  const UpstreamConfig& upstream_;
  const HostPort& target_;
  const Config* config_;
  std::string clause_;
  std::string advice_;
};

std::string AdviceText::value(std::string_view name) const {
  const HostPort& at = upstream_.address;
  if (name == "at") return at.to_string();
  if (name == "host") return at.host;
  if (name == "port") return std::to_string(at.port);
  if (name == "target") return target_.to_string();
  if (name == "name") return target_.host;
  if (name == "number") return std::to_string(target_.port);
  if (name == "bare") return changed({});
  if (name == "login") return changed({.login = true});
  const bool login = upstream_.credentials.has_value();
  if (name == "remote") return changed({.login = login, .resolve_remote = true});
  if (name == "trust") return changed({.login = login, .parameter = "ca=FILE.pem"});
  if (name == "client") {
    return changed({.login = login, .parameter = "cert=FILE.pem&key=FILE.pem"});
  }
  if (name == "sni") {
    return changed({.login = login, .parameter = "sni=" + certificate_name(clause_)});
  }
  if (name == "elsewhere") {
    return changed({.login = login, .place = "HOST:PORT"});
  }
  if (name == "tunnel") return tunnel();
  if (name == "later") return later();
  if (name == "by ssh") return by_local("socks5", "127.0.0.1:1080");
  if (name == "by helper") return by_local("http", "127.0.0.1:3129");
  if (name == "other") return route("OTHER");
  if (name == "named") return route("NAME");
  if (name == "by direct") return route("direct");
  if (name == "start") return start(false);
  if (name == "restart") return start(true);
  if (name == "advice") return advice_;
  return clause_;
}

/// A SOCKS proxy on this machine is most likely an ssh -D.
std::string AdviceText::start(bool again) const {
  const std::string at = upstream_.address.to_string();
  const bool is_socks = upstream_.kind == UpstreamConfig::Kind::socks5 ||
                        upstream_.kind == UpstreamConfig::Kind::socks4a;
  if (is_socks && upstream_.address.is_loopback()) {
    return "ssh -N -D " + at + " USER@HOST" +
           (again ? "  # after the old one was ended; or restart what listens there" : "");
  }
  return (again ? "restart the proxy at " : "start the proxy at ") + at +
         ", or change it: " + value("elsewhere");
}

/// A program of this machine, which connects to the proxy by itself, in place of the proxy.
std::string AdviceText::by_local(std::string_view scheme, std::string_view place) const {
  std::string text = changed({.scheme = scheme, .place = place, .no_via = true});
  if (upstream_.via.empty()) return text;
  return text + "; that goes to " + upstream_.address.to_string() + " from here, not via " +
         upstream_.via + ": run it where it can reach that";
}

std::string AdviceText::tunnel() const {
  constexpr std::string_view kProxy = "socks5://127.0.0.1:1080";
  const std::string ssh = "ssh -N -D 127.0.0.1:1080 USER@HOST";
  const bool has_others =
      config_ != nullptr &&
      (config_->upstream_count > 1 ||
       (config_->upstream_given && protocol_of(config_->upstreams.front()).has_proxy));
  if (!has_others) return "--upstream " + std::string(kProxy) + "  # of " + ssh;
  return ssh + "  # and add the upstream " + std::string(kProxy) + " to the others";
}

/// When a proxy that limits us asks to try again.
std::string AdviceText::later() const {
  constexpr std::string_view kAgain = "try again ";
  const std::size_t at = advice_.find(kAgain);
  return at == kNowhere ? "later" : advice_.substr(at + kAgain.size());
}

About about(const DialFailure& failure, const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).has_proxy) return About::direct;
  return is_about_upstream(failure, upstream) ? About::upstream : About::target;
}

const AdviceRow& row_for(About about, const Error& cause) {
  for (const AdviceRow& row : kRows) {
    if (row.about == about && row.code == cause.code && cause.text.find(row.part) != kNowhere) {
      return row;
    }
  }
  return kOthers[static_cast<std::size_t>(about)];
}

}  // namespace

bool is_about_upstream(const DialFailure& failure, const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).has_proxy || failure.subject == Subject::target) return false;
  if (failure.subject == Subject::hop || failure.proxy_failed()) return true;
  switch (failure.cause.code) {
    case Errc::upstream_auth_failed:
    case Errc::upstream_protocol_error:
    case Errc::tls_protocol_error:
    case Errc::tls_certificate_error:
      return true;
    case Errc::connection_terminated:
      return failure.doubted && protocol_of(upstream).takes_absolute_form;
    default:
      return failure.phase != DialPhase::request && failure.phase != DialPhase::lookup;
  }
}

Advice advice_for(const DialFailure& failure, const UpstreamConfig& upstream,
                  const HostPort& target, const Config* config) {
  const About whose = about(failure, upstream);
  const AdviceText text(failure, upstream, target, config);
  const Errc code = failure.cause.code;
  if (whose == About::upstream && failure.subject == Subject::hop) {
    return {text.fill("{clause}"), text.fix("{start}")};
  }
  const bool may_be_other =
      code == Errc::upstream_protocol_error || code == Errc::tls_protocol_error;
  const std::string_view scheme = may_be_other ? other_scheme(failure.cause.text) : "";
  if (whose == About::upstream && !scheme.empty()) {
    return {text.fill("it {clause}"),
            upstream_fix(config, upstream,
                         {.scheme = scheme, .login = upstream.credentials.has_value()})};
  }
  const AdviceRow& row = row_for(whose, failure.cause);
  return {text.fill(row.cause), text.fix(row.fix)};
}

Advice advice_beyond(const DialFailure& failure, const UpstreamConfig& hop,
                     const UpstreamConfig& next, const Config* config) {
  const AdviceText of_hop(failure, hop, next.address);
  const AdviceText of_next(failure, next, next.address, config);
  return {hop.label + ", through which it is reached: " + of_hop.fill("{clause}"),
          of_next.fix("{start}")};
}

Advice early_end_advice(const UpstreamConfig& upstream, const HostPort& target,
                        std::string_view what) {
  const AdviceText text({}, upstream, target);
  return {
      text.fill("it said yes to {target} and ")
          .append(what)
          .append(
              ": it may say yes before it has connected (shadowsocks and v2ray do), or the target "
              "hung up"),
      text.fill("look into the log of the proxy at {at} and of its server: a wrong key, or the "
                "server cannot reach {target}")};
}

}  // namespace culvert
