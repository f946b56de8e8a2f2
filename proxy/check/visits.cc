#include "check/visits.h"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "base/utc_text.h"
#include "check/clock_difference.h"
#include "check/docker_trust.h"
#include "check/option_fix.h"

namespace culvert {
namespace {

using Stage = Fetched::Stage;
using Verdict = CertificateFacts::Verdict;

/// As Go's clients, docker among them.
constexpr int kMostRedirects = 9;

bool is_about_trust(Verdict verdict) {
  return verdict == Verdict::unknown_issuer || verdict == Verdict::self_signed ||
         verdict == Verdict::no_store;
}

bool is_about_time(Verdict verdict) {
  return verdict == Verdict::expired || verdict == Verdict::not_yet_valid;
}

Advice clock_advice(const ClockSighting& seen) {
  const bool behind = seen.difference.count() > 0;
  const std::string set = "timedatectl set-ntp true  # or: date -u -s '" +
                          utc_text(std::time(nullptr) + seen.difference.count()) + "'";
  const std::string cause = "this machine's clock is " + describe_difference(seen.difference) +
                            (behind ? " behind" : " ahead of") + " that of " + seen.host;
  if (!seen.in_tls()) {
    return {cause + ": certificates seem " + (behind ? "not valid yet" : "expired"), set};
  }
  return {cause + ", whose certificate is valid at both times: one of the two is wrong",
          "date -u  # if that is not the time: " + set};
}

/// A proxy answers so by its rules, and a target, too.
bool may_be_proxys(int status) { return status == 403 || status == 429 || status == 451; }

/// No route counts for what is taken out before all of them.
Advice by_rule(Advice advice, const Fetched& fetched) {
  const bool is_route =
      advice.fix.find("--route ") != std::string::npos || advice.fix.starts_with("route = ");
  if (is_route && !fetched.rule_fix.empty()) advice.fix = fetched.rule_fix;
  return advice;
}

}  // namespace

Visits::Visits(Way& way, TargetReport& report, AskedAs as, std::string docker_folder)
    : way_(way), report_(report), as_(as), docker_folder_(std::move(docker_folder)) {}

CheckStep& Visits::add(std::string_view step, const Link& link) {
  CheckStep& added = report_.steps.emplace_back();
  added.name = step;
  added.subject = link.host.to_string();
  return added;
}

void Visits::fail(Advice advice) {
  last().ok = false;
  last().cause = std::move(advice.cause);
  last().fix = std::move(advice.fix);
}

void Visits::fail(const Fetched& failed, const Link& link) {
  fail(failed.given_up ? Advice{way_.why_over(), way_.time_fix()}
                       : by_rule(advice_for(failed, link, asker()), failed));
}

/// nullptr if the system's store cannot be read: then nothing is trusted.
const TlsClientContext* Visits::system_trust() {
  if (!trust_) {
    if (auto made = TlsClientContext::make({})) trust_ = *std::move(made);
  }
  return trust_.get();
}

/// With the system's CAs, and with docker's own for this registry if those are not enough; with
/// docker's certificate for it, if it has one.
Fetched Visits::fetch_trusting(const FetchRequest& request) {
  const TlsClientContext* const trust = system_trust();
  if (trust == nullptr) {
    Fetched none;
    none.stage = Stage::tls;
    none.error = {Errc::tls_certificate_error, Side::local, 0, "cannot be asked: no TLS"};
    return none;
  }
  if (as_ != AskedAs::image || !request.link.tls) return fetch(way_, *trust, request);
  const HostPort& host = request.link.host;
  if (any_ && host == any_host_) return fetch(way_, *any_, request);
  const DockerClientFiles own = docker_client_files(docker_folder_, host);
  const auto context_with = [&](const std::string& ca) {
    auto made = TlsClientContext::make({.ca = ca, .cert = own.cert, .key = own.key});
    return made ? *std::move(made) : std::shared_ptr<const TlsClientContext>();
  };
  const auto known = own.cert.empty() ? nullptr : context_with({});
  Fetched fetched = fetch(way_, known ? *known : *trust, request);
  if (!is_about_trust(fetched.certificate.verdict)) return fetched;
  const std::string ca = docker_ca_file(docker_folder_, host);
  if (ca.empty()) return fetched;
  const auto docker = context_with(ca);
  return docker ? fetch(way_, *docker, request) : fetched;
}

/// The step `tls`; false if it has failed.
bool Visits::end_handshake(const Fetched& fetched, const Link& link) {
  CheckStep& step = add("tls", link);
  step.time = fetched.stage == Stage::dial ? fetched.dial_time : fetched.tls_time;
  if (fetched.stage > Stage::tls) {
    step.detail = certificate_text(fetched.certificate);
    return true;
  }
  step.detail = way_text(fetched);
  fail(fetched, link);
  if (is_about_time(fetched.certificate.verdict))
    ask_plainly_for_the_time(link, fetched.certificate);
  return false;
}

/// Whose fault it is that a certificate's time is wrong: an answer to a plain request tells, be it
/// the target's or a proxy's, if the certificate is valid at its time.
void Visits::ask_plainly_for_the_time(const Link& link, const CertificateFacts& certificate) {
  Link plain = link;
  plain.tls = false;
  plain.path = "/";
  plain.host.port = 80;
  const FetchRequest request{.link = plain, .authorization = {}, .most_body = 1};
  note_clock(fetch(way_, *trust_, request), plain);
  const std::time_t now = std::time(nullptr);
  const ClockVerdict verdict = judge_clock(clocks_, now);
  if (!verdict.wrong) return compare_clock();
  const std::time_t theirs = now + verdict.sighting->difference.count();
  if (certificate.not_before <= theirs && theirs <= certificate.not_after) {
    fail(clock_advice(*verdict.sighting));
  }
  compare_clock();
}

void Visits::note_clock(const Fetched& answer, const Link& link) {
  const auto difference =
      clock_difference(answer.field("date"), answer.field("age"), std::time(nullptr));
  if (!difference) return;
  ClockSighting& seen = clocks_.emplace_back();
  seen.host = link.host.to_string();
  seen.difference = *difference;
  if (!link.tls) return;
  seen.not_before = answer.certificate.not_before;
  seen.not_after = answer.certificate.not_after;
}

void Visits::compare_clock() {
  const ClockVerdict verdict = judge_clock(clocks_, std::time(nullptr));
  if (verdict.sighting == nullptr) return;
  CheckStep& step = report_.steps.emplace_back();
  step.name = "clock";
  step.subject = verdict.sighting->host;
  step.detail = "differs by " + describe_difference(verdict.sighting->difference);
  if (verdict.wrong) return fail(clock_advice(*verdict.sighting));
  if (verdict.odd == verdict.sighting) {
    step.detail += ", but its certificate is not valid at that time: its own clock is wrong";
  } else if (verdict.odd != nullptr) {
    step.detail += "; that of " + verdict.odd->host + " is wrong, by " +
                   describe_difference(verdict.odd->difference);
  }
}

/// Of a host that another one leads to: where that was reached, its way may do for this, too.
void Visits::fail_elsewhere(const Fetched& failed, const Link& link) {
  if (failed.given_up) return fail(failed, link);
  Advice advice = by_rule(advice_for(failed, link, asker()), failed);
  if (worked_ != nullptr && failed.upstream != worked_ && failed.stage != Stage::done) {
    advice.fix = !failed.rule_fix.empty()
                     ? failed.rule_fix
                     : with_comment(route_fix(way_.whole_config(), link.host, link.host.to_string(),
                                              worked_->config.name),
                                    "as the hosts before");
  }
  fail(std::move(advice));
}

bool Visits::is_insecure(const HostPort& registry) const {
  return as_ == AskedAs::image &&
         is_insecure_registry(read_daemon_json("/", docker_folder_), registry);
}

/// As docker goes on with such a registry: with any certificate, or without TLS.
Fetched Visits::fetch_insecurely(FetchRequest& request, Fetched failed) {
  const Verdict verdict = failed.certificate.verdict;
  const bool has_certificate = verdict != Verdict::none;
  if (verdict == Verdict::accepted) return failed;  // and another failure
  if (!has_certificate && !failed.first_bytes.empty() && !failed.answered_tls_in_http()) {
    return failed;
  }
  CheckStep& step = add("tls", request.link);
  step.time = failed.tls_time;
  if (has_certificate) {
    step.detail = "not checked, as docker checks none of this registry: " +
                  certificate_text(failed.certificate);
    const DockerClientFiles own = docker_client_files(docker_folder_, request.link.host);
    if (auto made = TlsClientContext::make(
            {.ca = {}, .cert = own.cert, .key = own.key, .any_server = true})) {
      any_ = *std::move(made);
    }
    any_host_ = request.link.host;
  } else {
    step.detail = "none: a registry without TLS, which docker allows here";
    request.link.tls = false;
  }
  return fetch_trusting(request);
}

std::optional<Fetched> Visits::first(FetchRequest& request) {
  Fetched fetched = fetch_trusting(request);
  if (request.link.tls) {
    const std::size_t before = report_.steps.size();
    if (fetched.stage == Stage::tls && !fetched.given_up && is_insecure(request.link.host)) {
      fetched = fetch_insecurely(request, std::move(fetched));
    }
    if (report_.steps.size() == before && !end_handshake(fetched, request.link)) {
      return std::nullopt;
    }
  }
  CheckStep& step = add("http", request.link);
  step.time = fetched.http_time;
  if (!fetched.ok()) {
    step.detail = way_text(fetched);
    fail(fetched, request.link);
    return std::nullopt;
  }
  step.detail = status_text(fetched);
  if (fetched.absolute && may_be_proxys(fetched.status)) {
    step.detail +=
        ", by " + request.link.host_field() + ", or " + fetched.upstream->config.label + " for it";
  }
  note_clock(fetched, request.link);
  worked_ = fetched.upstream;
  Advice advice = by_rule(advice_for_answer(fetched, request.link, asker()), fetched);
  if (advice.cause.empty()) return fetched;
  fail(std::move(advice));
  return std::nullopt;
}

std::optional<Fetched> Visits::follow(std::string_view name, FetchRequest& request) {
  for (int hops = 0;; ++hops) {
    CheckStep& step = add(name, request.link);
    Fetched fetched = fetch_trusting(request);
    step.time = fetched.time();
    step.detail = way_text(fetched);
    if (!fetched.ok()) {
      fail_elsewhere(fetched, request.link);
      return std::nullopt;
    }
    if (Advice advice = by_rule(advice_for_answer(fetched, request.link, asker()), fetched);
        !advice.cause.empty()) {
      fail(std::move(advice));
      return std::nullopt;
    }
    worked_ = fetched.upstream;
    note_clock(fetched, request.link);
    if (!is_redirect(fetched.status)) return fetched;
    const std::string_view location = trim(fetched.field("location"));
    auto next = request.link.resolve(location);
    const bool leads = next && !location.empty();
    if (!leads || hops == kMostRedirects) {
      fail({request.link.host_field() + " redirects " + (leads ? "again and again" : "to nowhere"),
            curl_command(fetched, request.link.shown() + "/")});
      return std::nullopt;
    }
    step.detail = status_text(fetched) + " to " + next->host.to_string() + ", " + step.detail;
    if (!(next->host == request.link.host && next->tls == request.link.tls)) {
      request.authorization = Secret();
    }
    request.link = *std::move(next);
  }
}

}  // namespace culvert
