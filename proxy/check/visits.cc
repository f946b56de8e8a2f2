#include "check/visits.h"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "check/clock_difference.h"
#include "check/docker_trust.h"

namespace culvert {
namespace {

using Stage = Fetched::Stage;
using Verdict = CertificateFacts::Verdict;

constexpr int kMostRedirects = 8;

bool is_about_trust(Verdict verdict) {
  return verdict == Verdict::unknown_issuer || verdict == Verdict::self_signed ||
         verdict == Verdict::no_store;
}

bool is_about_time(Verdict verdict) {
  return verdict == Verdict::expired || verdict == Verdict::not_yet_valid;
}

/// How far the server's clock is before ours; nullopt if it does not tell.
std::optional<std::chrono::seconds> clock_difference(const Fetched& answer) {
  const auto date = parse_http_date(answer.field("date"));
  if (!date) return std::nullopt;
  return std::chrono::seconds(*date - std::time(nullptr));
}

bool is_wrong(std::chrono::seconds difference) {
  return difference > kMostClockDifference || difference < -kMostClockDifference;
}

Advice clock_advice(std::chrono::seconds difference, const std::string& name) {
  return {"this machine's clock is " + describe_difference(difference) +
              (difference.count() > 0 ? " behind" : " ahead of") + " that of " + name +
              ": certificates seem " + (difference.count() > 0 ? "not valid yet" : "expired"),
          "timedatectl set-ntp true  # or: date -u -s '" +
              time_text(std::time(nullptr) + difference.count()) + "'"};
}

/// No route counts for what is taken out before all of them.
Advice by_rule(Advice advice, const Fetched& fetched) {
  const bool is_route = advice.fix.find("--route ") != std::string::npos;
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

/// nullptr if the system's store cannot be read: then nothing is trusted.
const TlsClientContext* Visits::system_trust() {
  if (!trust_) {
    if (auto made = TlsClientContext::make({})) trust_ = *std::move(made);
  }
  return trust_.get();
}

/// With the system's CAs, and with docker's own for this registry if those are not enough.
Fetched Visits::fetch_trusting(const FetchRequest& request) {
  const TlsClientContext* const trust = system_trust();
  if (trust == nullptr) {
    Fetched none;
    none.stage = Stage::tls;
    none.error = {Errc::tls_certificate_error, Side::local, 0, "cannot be asked: no TLS"};
    return none;
  }
  Fetched fetched = fetch(way_, *trust, request);
  if (as_ != AskedAs::image || !is_about_trust(fetched.certificate.verdict)) return fetched;
  const std::string file = docker_ca_file(docker_folder_, request.link.host);
  if (file.empty()) return fetched;
  const auto own = TlsClientContext::make({.ca = file, .cert = {}, .key = {}});
  return own ? fetch(way_, **own, request) : fetched;
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
  fail(by_rule(advice_for(fetched, link, as_), fetched));
  if (is_about_time(fetched.certificate.verdict)) ask_plainly_for_the_time(link);
  return false;
}

/// Whose fault it is that a certificate's time is wrong: an answer to a plain request tells, be it
/// the target's or a proxy's.
void Visits::ask_plainly_for_the_time(const Link& link) {
  Link plain = link;
  plain.tls = false;
  plain.path = "/";
  plain.host.port = 80;
  const FetchRequest request{.link = plain, .authorization = {}, .most_body = 1};
  const Fetched answer = fetch(way_, *trust_, request);
  note_clock(answer, plain);
  if (clock_ && is_wrong(*clock_)) fail(clock_advice(*clock_, clock_host_));
  compare_clock();
}

void Visits::note_clock(const Fetched& answer, const Link& link) {
  if (clock_) return;
  clock_ = clock_difference(answer);
  clock_host_ = link.host.to_string();
}

void Visits::compare_clock() {
  if (!clock_) return;
  CheckStep& step = report_.steps.emplace_back();
  step.name = "clock";
  step.subject = clock_host_;
  step.detail = "differs by " + describe_difference(*clock_);
  if (is_wrong(*clock_)) fail(clock_advice(*clock_, clock_host_));
}

/// Of a host that another one leads to: where that was reached, its way may do for this, too.
void Visits::fail_elsewhere(const Fetched& failed, const Link& link) {
  Advice advice = by_rule(advice_for(failed, link, as_), failed);
  if (!failed.given_up && worked_ != nullptr && failed.upstream != worked_ &&
      failed.stage != Stage::done) {
    advice.fix = !failed.rule_fix.empty()
                     ? failed.rule_fix
                     : "--route '" + link.host.to_string() + "=" + worked_->config.name +
                           "'  # as the hosts before; first of the --route lines";
  }
  fail(std::move(advice));
}

std::optional<Fetched> Visits::first(FetchRequest& request) {
  Fetched fetched = fetch_trusting(request);
  if (request.link.tls) {
    const bool plain = fetched.answered_tls_in_http();
    const std::string settings = docker_folder_ + "/daemon.json";
    if (plain && as_ == AskedAs::image &&
        is_insecure_registry(read_docker_file(settings), request.link.host)) {
      CheckStep& step = add("tls", request.link);
      step.time = fetched.tls_time;
      step.detail = "none: a registry without TLS, which docker allows here";
      request.link.tls = false;
      fetched = fetch_trusting(request);
    } else if (!end_handshake(fetched, request.link)) {
      return std::nullopt;
    }
  }
  CheckStep& step = add("http", request.link);
  step.time = fetched.http_time;
  if (!fetched.ok()) {
    step.detail = way_text(fetched);
    fail(by_rule(advice_for(fetched, request.link, as_), fetched));
    return std::nullopt;
  }
  step.detail = status_text(fetched);
  note_clock(fetched, request.link);
  worked_ = fetched.upstream;
  Advice advice = by_rule(advice_for_answer(fetched, request.link), fetched);
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
    if (Advice advice = by_rule(advice_for_answer(fetched, request.link), fetched);
        !advice.cause.empty()) {
      fail(std::move(advice));
      return std::nullopt;
    }
    worked_ = fetched.upstream;
    if (!is_redirect(fetched.status)) return fetched;
    auto next = request.link.resolve(fetched.field("location"));
    if (!next || hops == kMostRedirects) {
      fail({request.link.host_field() + " redirects " + (next ? "again and again" : "to nowhere"),
            "curl -vL " + request.link.shown() + "/v2/"});
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
