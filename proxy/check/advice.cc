#include "check/advice.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "check/advice_rows.h"
#include "check/option_fix.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

using Subject = DialFailure::Subject;

constexpr std::string_view kLocalLookup = " (resolve=local)";
constexpr auto kNowhere = std::string_view::npos;

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
  const bool is_host = !name.empty() && name.find("..") == kNowhere &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return is_letter_or_digit(c) || c == '.' || c == '-' || c == ':';
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

AdviceAbout about(const DialFailure& failure, const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).has_proxy) return AdviceAbout::direct;
  return is_about_upstream(failure, upstream) ? AdviceAbout::upstream : AdviceAbout::target;
}

const AdviceRow& row_for(AdviceAbout about, const Error& cause) {
  for (const AdviceRow& row : kAdviceRows) {
    if (row.about == about && row.code == cause.code && cause.text.find(row.part) != kNowhere) {
      return row;
    }
  }
  return kOtherAdvice[static_cast<std::size_t>(about)];
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
  const AdviceAbout whose = about(failure, upstream);
  const AdviceText text(failure, upstream, target, config);
  const Errc code = failure.cause.code;
  if (whose == AdviceAbout::upstream && failure.subject == Subject::hop) {
    return {text.fill("{clause}"), text.fix("{start}")};
  }
  const bool may_be_other =
      code == Errc::upstream_protocol_error || code == Errc::tls_protocol_error;
  const std::string_view scheme = may_be_other ? other_scheme(failure.cause.text) : "";
  if (whose == AdviceAbout::upstream && !scheme.empty()) {
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
