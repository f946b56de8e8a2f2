#include "check/advice.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "check/upstream_option.h"
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
/// {elsewhere} (another proxy); {target}, {name}, {number} for the target and its parts; {clause}
/// for what is known of the failure, {advice} for what its clause says helps.
struct AdviceRow {
  About about;
  Errc code;
  std::string_view part;  ///< that the clause has; empty: any
  std::string_view cause;
  std::string_view fix;
};

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
              "ssh -N -D 127.0.0.1:1080 -p {port} USER@{host}  # and --upstream "
              "socks5://127.0.0.1:1080"},
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
              "cntlm -f -I -u USER -d DOMAIN -l 127.0.0.1:3129 {host} {port}  # and --upstream "
              "http://127.0.0.1:3129"},
    AdviceRow{About::upstream, Errc::upstream_auth_failed, "takes only",
              "it wants a password of another kind than Basic: {advice}",
              "px --proxy={at} --port=3129 --username=USER  # speaks Digest and Negotiate for us, "
              "then --upstream http://127.0.0.1:3129; or ask who runs {at} to allow Basic"},
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
    AdviceRow{About::target, Errc::connection_refused, "", "it {clause}",
              "nc -vz {name} {number}  # on the far end: nothing listens there"},
    AdviceRow{About::target, Errc::upstream_denied, "", "its rules forbid it: it {clause}",
              "--route '{name}=OTHER'  # an upstream that may; or ask who runs {at} to allow "
              "{target}"},
    AdviceRow{About::target, Errc::upstream_wants_sign_in, "", "it {clause}",
              "sign in with a browser whose proxy is {at}, then check again"},
    AdviceRow{About::target, Errc::upstream_unsupported, "", "it {clause}",
              "--route '{name}=OTHER'  # an upstream that serves CONNECT"},
    AdviceRow{About::target, Errc::connection_timeout, "says", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{About::target, Errc::connection_timeout, "504", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{About::target, Errc::connection_timeout, "",
              "it {clause}: it took the request for {target} and hangs", "{restart}"},
    AdviceRow{About::target, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "--route '{name}=NAME'  # the upstream that may reach it"},
    AdviceRow{About::target, Errc::proxy_loop_detected, "",
              "it {clause}: the upstream leads back to itself", "{elsewhere}"},
    AdviceRow{About::target, Errc::destination_unavailable, "", "it {clause}",
              "getent hosts {name}  # on the far end, beyond {at}: is the name right?"},
    AdviceRow{About::target, Errc::destination_ip_unroutable, "", "it {clause}",
              "getent hosts {name}  # on the far end, beyond {at}: is the name right?"},
    // Without an upstream.
    AdviceRow{About::direct, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "--route '{name}=direct'"},
    AdviceRow{About::direct, Errc::connection_refused, "", "{target} {clause}",
              "nc -vz {name} {number}  # nothing listens there"},
    AdviceRow{About::direct, Errc::dns_error, "", "{target} {clause}",
              "--upstream socks5://127.0.0.1:1080  # of ssh -N -D 127.0.0.1:1080 USER@HOST, where "
              "{name} resolves"},
};
constexpr std::array kOthers = {
    AdviceRow{About::upstream, {}, "", "it {clause}", "{restart}"},
    AdviceRow{About::target, {}, "", "it {clause}", "{restart}  # its log tells more"},
    AdviceRow{About::direct,
              {},
              "",
              "{target} {clause}",
              "--upstream socks5://127.0.0.1:1080  # of ssh -N -D 127.0.0.1:1080 USER@HOST, from "
              "where {name} can be reached"},
};

bool is_here(const HostPort& address) {
  return address.ip ? address.ip->is_loopback() : address.host == "localhost";
}

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
  AdviceText(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target)
      : upstream_(upstream), target_(target) {
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

 private:
  std::string value(std::string_view name) const;
  std::string start(bool again) const;

  const UpstreamConfig& upstream_;
  const HostPort& target_;
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
  if (name == "bare") return upstream_option(upstream_, {});
  if (name == "login") return upstream_option(upstream_, {.login = true});
  const bool login = upstream_.credentials.has_value();
  if (name == "remote") return upstream_option(upstream_, {.login = login, .resolve_remote = true});
  if (name == "trust")
    return upstream_option(upstream_, {.login = login, .parameter = "ca=FILE.pem"});
  if (name == "client") {
    return upstream_option(upstream_, {.login = login, .parameter = "cert=FILE.pem&key=FILE.pem"});
  }
  if (name == "sni") {
    return upstream_option(upstream_,
                           {.login = login, .parameter = "sni=" + certificate_name(clause_)});
  }
  if (name == "elsewhere") {
    return std::string("--upstream ").append(scheme_of(upstream_.kind)).append("://HOST:PORT");
  }
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
  if (is_socks && is_here(upstream_.address)) {
    return "ssh -N -D " + at + " USER@HOST" +
           (again ? "  # after the old one was ended; or restart what listens there" : "");
  }
  return (again ? "restart the proxy at " : "start the proxy at ") + at +
         ", or change it: " + value("elsewhere");
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
                  const HostPort& target) {
  const About whose = about(failure, upstream);
  const AdviceText text(failure, upstream, target);
  const Errc code = failure.cause.code;
  if (whose == About::upstream && failure.subject == Subject::hop) {
    return {text.fill("{clause}"), text.fill("{start}")};
  }
  const bool may_be_other =
      code == Errc::upstream_protocol_error || code == Errc::tls_protocol_error;
  const std::string_view scheme = may_be_other ? other_scheme(failure.cause.text) : "";
  if (whose == About::upstream && !scheme.empty()) {
    return {
        text.fill("it {clause}"),
        upstream_option(upstream, {.scheme = scheme, .login = upstream.credentials.has_value()})};
  }
  const AdviceRow& row = row_for(whose, failure.cause);
  return {text.fill(row.cause), text.fill(row.fix)};
}

Advice advice_beyond(const DialFailure& failure, const UpstreamConfig& hop,
                     const UpstreamConfig& next) {
  const AdviceText of_hop(failure, hop, next.address);
  const AdviceText of_next(failure, next, next.address);
  return {hop.label + ", through which it is reached: " + of_hop.fill("{clause}"),
          of_next.fill("{start}")};
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
