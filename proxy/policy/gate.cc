#include "policy/gate.h"

#include <cerrno>
#include <string>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

Error denied_by(const Route& route, const HostPort& target) {
  return {Errc::http_request_denied, Side::local, 0,
          "target " + shown_target(target) + " is denied by " + route.rule};
}

AddressGuard::Client place_of(const std::optional<IpAddress>& client) {
  return !client || client->is_loopback() ? AddressGuard::Client::here
                                          : AddressGuard::Client::elsewhere;
}

}  // namespace

void Gate::ask(const Question& question, Done done) const {
  Verdict verdict;
  verdict.refusal = objection_to_client(question);
  if (verdict.refusal) return done(std::move(verdict));
  verdict.client_admitted = true;
  verdict.place = place_of(question.client);
  if (question.needs_route) {
    const Route& route = router_.route(question.target);
    verdict.route = &route;
    if (route.denied()) verdict.refusal = denied_by(route, question.target);
  }
  done(std::move(verdict));
}

Result<void> Gate::admit(const std::optional<IpAddress>& client, bool certified,
                         Admission admission) const {
  if (auto objection = objection_to_one_more(admission, {})) return std::move(*objection);
  return access_.admit(client, certified);
}

/// `target` is empty if it is not known yet.
std::optional<Error> Gate::objection_to_one_more(Admission admission,
                                                 std::string_view target) const {
  if (admission == Admission::draining) {
    return Error{
        Errc::proxy_draining, Side::local, 0,
        concat({"shutting down, no new connection", target.empty() ? "" : " to ", target})};
  }
  if (admission == Admission::full) {
    return Error{
        Errc::connection_limit_reached, Side::local, 0,
        concat({"all ", std::to_string(max_connections_), " connections are in use",
                target.empty() ? "" : ", none left for ", target, " - see --max-connections"})};
  }
  if (admission == Admission::crowded) {
    return Error{Errc::connection_limit_reached, Side::local, EMFILE,
                 concat({"no file descriptors are left", target.empty() ? "" : " for ", target,
                         " - raise the proxy's limit of open files (ulimit -n, LimitNOFILE=)"})};
  }
  return std::nullopt;
}

std::optional<Error> Gate::objection_to_client(const Question& question) const {
  if (question.admission != Admission::serve) {
    return objection_to_one_more(question.admission, shown_target(question.target));
  }
  if (auto admitted = access_.admit(question.client, question.certified); !admitted) {
    return std::move(admitted).error();
  }
  if (question.looped) {
    return Error{Errc::proxy_loop_detected, Side::client, 0,
                 "this request has been here before - an upstream leads back to this proxy"};
  }
  return std::nullopt;
}

}  // namespace culvert
