#include "check/beyond_advice.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>

#include "base/shell_text.h"
#include "base/text.h"
#include "base/utc_text.h"
#include "check/docker_trust.h"
#include "check/option_fix.h"
#include "check/peer_words.h"
#include "check/upstream_option.h"
#include "codec/clause.h"
#include "codec/http_head.h"
#include "codec/protocol_guess.h"
#include "codec/refusal.h"

namespace culvert {
namespace {

using Verdict = CertificateFacts::Verdict;
using Stage = Fetched::Stage;

std::string name_of(const Link& link) { return link.host_field(); }

bool through_proxy(const Fetched& fetched) {
  return fetched.upstream != nullptr &&
         fetched.upstream->config.kind != UpstreamConfig::Kind::direct;
}

/// Without the advice for an upstream that may follow.
std::string clause_of(const Error& error) { return error.text.substr(0, error.text.find(" - ")); }

/// What is written for a directory of docker's or the system's CAs.
std::string install_ca(const CertificateFacts& certificate, const Link& link, const Asker& asker) {
  const std::string comment =
      "  # CA.crt: the certificate of '" + certificate.issuer + "', from who runs it";
  const bool own = link.host.port != 443 || link.host.ip;
  if (asker.as == AskedAs::image && own) {
    const std::string folder = std::string(kDockerFolder) + "/certs.d/" + docker_host(link.host);
    return "mkdir -p " + folder + " && cp CA.crt " + folder + "/ca.crt" + comment;
  }
  return "cp CA.crt /usr/local/share/ca-certificates/ && update-ca-certificates" +
         std::string(asker.as == AskedAs::image ? " && systemctl restart docker" : "") + comment;
}

std::string date_clause(const CertificateFacts& certificate) {
  const bool expired = certificate.verdict == Verdict::expired;
  return std::string(expired ? " expired on " : " is not valid before ") +
         utc_text(expired ? certificate.not_after : certificate.not_before) +
         "; this machine's clock says " + utc_text(std::time(nullptr));
}

Advice other_name_advice(const Fetched& failed, const Link& link, const Config* config) {
  const CertificateFacts& certificate = failed.certificate;
  return {
      "the certificate is not for " + name_of(link) + " but for " + certificate.names +
          ", issued by '" + certificate.issuer +
          "': a captive portal, a block page or another server answers",
      with_comment(other_route(failed, link, config), "or sign in to the network with a browser")};
}

Advice certificate_advice(const Fetched& failed, const Link& link, const Asker& asker) {
  const CertificateFacts& certificate = failed.certificate;
  const std::string subject = "the certificate of " + name_of(link);
  // Trust in a CA does not help then.
  if (certificate.other_name) return other_name_advice(failed, link, asker.config);
  switch (certificate.verdict) {
    case Verdict::unknown_issuer:
      return {subject + " is from a CA that this machine does not trust, '" + certificate.issuer +
                  "': a middlebox that opens TLS, or a private CA",
              install_ca(certificate, link, asker)};
    case Verdict::self_signed:
      return {subject + " is self-signed, by '" + certificate.issuer +
                  "': this machine does not trust it",
              install_ca(certificate, link, asker)};
    case Verdict::no_store:
      return {
          "this machine trusts no CA at all; the certificate is from '" + certificate.issuer + "'",
          "apt-get install ca-certificates"};
    case Verdict::wrong_name:
      return other_name_advice(failed, link, asker.config);
    case Verdict::expired:
      return {subject + date_clause(certificate),
              "date  # if this clock is right, " + name_of(link) + " has to renew its certificate"};
    case Verdict::not_yet_valid:
      return {subject + date_clause(certificate),
              "timedatectl set-ntp true  # this machine's clock seems to be behind"};
    default:
      return {subject + " is not accepted: " + certificate.reason,
              "openssl s_client -connect " + link.host.to_string()};
  }
}

Advice plain_advice(const Link& link, const Asker& asker) {
  const std::string name = name_of(link);
  if (link.host.port == 443) {
    return {"what answers for " + name + " speaks plain HTTP instead of TLS: a portal or a filter",
            "curl -v http://" + name + "/  # shows whose page it is; sign in with a browser"};
  }
  if (asker.as == AskedAs::url) {
    return {name + " speaks plain HTTP, not TLS", asker.given.command("http://" + name + "/")};
  }
  return {name + " is a registry without TLS, which docker speaks to only if it is told so",
          "\"insecure-registries\": [\"" + name +
              "\"]  # in /etc/docker/daemon.json, then: systemctl restart docker"};
}

/// Neither an answer in TLS nor one in HTTP.
Advice unanswered_advice(const Fetched& failed, const Link& link, const Config* config) {
  const std::string name = name_of(link);
  if (through_proxy(failed)) {
    const std::string& label = failed.upstream->config.label;
    const bool silent = failed.timed_out;
    return {label + " granted the connection to " + name + " and " +
                (silent ? "passes nothing on"
                        : "ended it before the first byte: it says yes before it has connected") +
                ", so " + name + " is not reached beyond it",
            "curl -v https://" + name + "/  # at the far end of " + label};
  }
  return {name + " " + clause_of(*failed.error) +
              ": a filter on the way may cut what is addressed to this name",
          other_route(failed, link, config)};
}

Advice tls_failure_advice(const Fetched& failed, const Link& link, const Asker& asker) {
  const Verdict verdict = failed.certificate.verdict;
  if (verdict != Verdict::none && verdict != Verdict::accepted) {
    return certificate_advice(failed, link, asker);
  }
  if (failed.answered_tls_in_http()) return plain_advice(link, asker);
  if (failed.first_bytes.empty()) return unanswered_advice(failed, link, asker.config);
  const std::string fix = "openssl s_client -connect " + link.host.to_string();
  const std::string_view spoken = guess_protocol(failed.first_bytes);
  if (!spoken.empty() && spoken != "TLS") {
    return {name_of(link) + " answers in " + std::string(spoken) + ", not in TLS", fix};
  }
  return {name_of(link) + " " + clause_of(*failed.error), fix};
}

/// After TLS, or on it: TLS 1.3 tells of a certificate that is missing only then.
Advice http_failure_advice(const Fetched& failed, const Link& link, const Asker& asker) {
  const std::string name = name_of(link);
  const std::string url = link.shown() + "/";
  if (!link.tls || failed.error->code != Errc::tls_certificate_error) {
    return {name + " " + clause_of(*failed.error),
            curl_command(failed, url) + "  # does it answer at all?"};
  }
  const std::string cause = name + " wants a certificate of the client, and check has none";
  if (asker.as == AskedAs::url) return {cause, "curl -v --cert FILE.pem --key FILE.pem " + url};
  const std::string folder = std::string(kDockerFolder) + "/certs.d/" + docker_host(link.host);
  return {cause, "mkdir -p " + folder + " && cp client.cert client.key " + folder +
                     "/  # both from who runs the registry"};
}

constexpr std::array<std::string_view, 10> kPortalWords = {
    "login",  "logon",   "signin", "sign-in", "captive",
    "portal", "hotspot", "splash", "block",   "denied",
};

/// Fields and servers that only a filter or a proxy has.
constexpr std::array<std::string_view, 2> kProxyFields = {"x-squid-error", "proxy-status"};
constexpr std::array<std::string_view, 8> kProxyServers = {
    "squid", "tinyproxy", "privoxy", "zscaler", "bluecoat", "forti", "mcafee", "websense"};

template <std::size_t N>
bool has_any(const std::string& text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != text.npos; });
}

bool is_from_proxy(const Fetched& answer) {
  if (answer.status == 407 || answer.reason.starts_with(kSigned)) return true;
  const bool field =
      std::any_of(kProxyFields.begin(), kProxyFields.end(),
                  [&](std::string_view name) { return !answer.field(name).empty(); });
  return field || has_any(to_lower(answer.field("server")), kProxyServers);
}

/// The upstream's own proxy refuses the request, as it would refuse a CONNECT.
bool is_refusal(const Fetched& answer) {
  if (!answer.absolute || answer.status == 501 || answer.status == 508) return false;
  return answer.status == 407 ||
         ((answer.status == 403 || answer.status >= 500) && is_from_proxy(answer));
}

Advice refusal_advice(const Fetched& answer, const Link& link, const Config* config) {
  ResponseHead head;
  head.status = answer.status;
  head.reason = answer.reason;
  for (const auto& [name, value] : answer.fields) head.fields.push_back({name, value});
  const UpstreamConfig& upstream = answer.upstream->config;
  const DialFailure failure{.cause = refusal_of(head, {}, link.host, upstream.credentials),
                            .phase = DialPhase::request};
  return advice_for(failure, upstream, link.host, config);
}

Advice loop_advice(const Fetched& answer, const Link& link, const Asker& asker) {
  const std::string name = name_of(link);
  const std::string who = answer.absolute ? answer.upstream->config.label : name;
  return {who + " answered " + status_text(answer) + ": " + name +
              " is that proxy itself, or leads back to it",
          "culvert check --upstream http://" + link.host.to_string() +
              "  # checks that proxy; as a target, give what lies beyond it: " +
              asker.given.command("https://HOST/")};
}

Advice portal_advice(const std::string& cause, const Fetched& answer, const Link& link) {
  return {cause, curl_command(answer, "http://" + name_of(link) + "/") +
                     "  # shows whose page it is; sign in with a browser, then check again"};
}

}  // namespace

std::string other_route(const Fetched& fetched, const Link& link, const Config* config) {
  const std::string host = link.host.to_string();
  // A flag would replace those.
  const bool has_upstreams = config != nullptr && config->upstream_given;
  if (fetched.upstream != nullptr && !through_proxy(fetched) && !has_upstreams) {
    return "--upstream tunnel=socks5://127.0.0.1:1080 " +
           route_fix(config, link.host, host, "tunnel");
  }
  return route_fix(config, link.host, host, "OTHER");
}

bool may_be_cache(const HostPort& registry) {
  return registry.port != 443 || registry.ip || registry.host.find('.') == std::string::npos;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_page(const Fetched& answer) {
  const std::string start = to_lower(trim_space(answer.body).substr(0, 14));
  return to_lower(answer.field("content-type")).starts_with("text/html") ||
         start.starts_with("<!doctype html") || start.starts_with("<html");
}

std::string way_text(const Fetched& fetched) {
  if (fetched.upstream == nullptr) return "denied by " + fetched.rule;
  return through_proxy(fetched) ? "through " + fetched.upstream->config.label : "direct";
}

std::string status_text(const Fetched& answer) {
  std::string text;
  append_number(text, answer.status);
  if (!answer.reason.empty()) text += " " + answer.reason;
  return text;
}

std::string certificate_text(const CertificateFacts& certificate) {
  return certificate.names + ", until " + utc_text(certificate.not_after).substr(0, 10) +
         ", issued by " + certificate.issuer;
}

Advice advice_for(const Fetched& failed, const Link& link, const Asker& asker) {
  switch (failed.stage) {
    case Stage::dial: {
      const std::string cause = failed.error ? failed.error->text : "";
      return {failed.cause.empty() ? cause : failed.cause,
              failed.fix.empty() ? other_route(failed, link, asker.config) : failed.fix};
    }
    case Stage::tls:
      return tls_failure_advice(failed, link, asker);
    default:
      return http_failure_advice(failed, link, asker);
  }
}

Advice advice_for_answer(const Fetched& answer, const Link& link, const Asker& asker) {
  const std::string name = name_of(link);
  if (answer.status == 511) {
    return portal_advice("the network wants a sign-in before it lets anything through", answer,
                         link);
  }
  if (is_refusal(answer)) return refusal_advice(answer, link, asker.config);
  if (answer.status == 508) return loop_advice(answer, link, asker);
  if ((answer.status == 407 || answer.status == 403) && is_from_proxy(answer)) {
    return {"a proxy on the way answered " + status_text(answer) + " in place of " + name +
                ": its rules forbid the request",
            "ask who runs the network to allow " + name};
  }
  if (!link.tls && is_redirect(answer.status)) {
    const auto next = link.resolve(answer.field("location"));
    if (next && next->host.host != link.host.host && has_any(to_lower(next->url()), kPortalWords)) {
      return portal_advice(
          "instead of " + name + " a portal answers: it redirects to " + next->shown(), answer,
          link);
    }
  }
  if (answer.status >= 500) {
    const std::string who =
        answer.absolute ? name + ", or " + answer.upstream->config.label + " for it," : name;
    if (asker.as == AskedAs::image && may_be_cache(link.host)) {
      return {who + " answered " + status_text(answer),
              "journalctl -u docker-registry  # or docker logs NAME: tells why, and so may culvert "
              "status --watch-failures; often its user may not write to its rootdirectory"};
    }
    return {who + " answered " + status_text(answer),
            curl_command(answer, link.shown() + "/") + "  # later; the trouble is at that end"};
  }
  return {};
}

Advice advice_for_page(const Fetched& answer, const Link& link) {
  const std::string issuer =
      link.tls ? "; the certificate is issued by " + answer.certificate.issuer : std::string();
  return portal_advice("what answers for " + name_of(link) + " sends a web page (" +
                           status_text(answer) +
                           ") where a registry sends data: a captive "
                           "portal, a block page, or no registry" +
                           issuer,
                       answer, link);
}

Advice advice_for_rate_limit(const Fetched& answer, const Link& link, const std::string& registry) {
  std::string cause = name_of(link) + " limits how often this address may ask (429)";
  const std::string after = peer_words(answer.field("retry-after"), 40);
  if (!after.empty()) {
    cause += "; retry after " + after + (is_digit(after.back()) ? " s" : "");
  }
  return {cause, login_command(registry) +
                     "  # has a limit of its own; or use a mirror or a pull-through cache"};
}

std::string curl_command(const Fetched& fetched, const std::string& url) {
  std::string command = "curl -v ";
  if (through_proxy(fetched) && fetched.upstream->config.via.empty()) {
    const UpstreamConfig& upstream = fetched.upstream->config;
    // Names are looked up there.
    const bool is_socks5 = upstream.kind == UpstreamConfig::Kind::socks5 && !upstream.resolve_local;
    std::string proxy(is_socks5 ? "socks5h" : scheme_of(upstream.kind));
    proxy.append(upstream.credentials ? "://USER:PASSWORD@" : "://");
    command += "-x " + shell_quoted(proxy + upstream.address.to_string()) + " ";
  }
  return command + shell_quoted(url);
}

std::string login_command(const std::string& registry) {
  if (registry == "docker.io") return "docker login";
  const std::string login = "docker login ";
  constexpr std::string_view kAws = ".dkr.ecr.";
  const std::size_t at = registry.find(kAws);
  if (at == registry.npos) return login + registry;
  const std::string region = registry.substr(at + kAws.size());
  return "aws ecr get-login-password --region " + region.substr(0, region.find('.')) + " | " +
         login + "--username AWS --password-stdin " + registry;
}

}  // namespace culvert
