#include "net/name_answer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace culvert {

void FamilyAnswers::set(IpAddress::Family family, NameAnswer answer) {
  answers_[family == IpAddress::Family::v6 ? 0 : 1] = std::move(answer);
}

bool FamilyAnswers::complete() const {
  return (answers_[0] && answers_[1]) ||
         std::any_of(answers_.begin(), answers_.end(), [](const auto& answer) {
           return answer && answer->outcome >= NameOutcome::unreachable;
         });
}

bool FamilyAnswers::half_found() const {
  if (complete()) return false;
  return std::any_of(answers_.begin(), answers_.end(), [](const auto& answer) {
    return answer && answer->outcome == NameOutcome::found;
  });
}

NameAnswer FamilyAnswers::combined() const {
  NameAnswer all{NameOutcome::found, {}};
  NameOutcome failure = NameOutcome::found;
  for (const auto& answer : answers_) {
    const NameOutcome outcome = answer ? answer->outcome : NameOutcome::no_answer;
    failure = std::max(failure, outcome);
    if (outcome != NameOutcome::found) continue;
    all.addresses.insert(all.addresses.end(), answer->addresses.begin(), answer->addresses.end());
  }
  if (all.addresses.empty()) all.outcome = failure;
  return all;
}

bool continues_search(NameOutcome outcome) {
  // SERVFAIL and REFUSED may be about a name of the search list only.
  return outcome == NameOutcome::no_name || outcome == NameOutcome::no_address ||
         outcome == NameOutcome::refused || outcome == NameOutcome::server_failed;
}

Error lookup_error(NameOutcome outcome, Side side) {
  const auto here = [](Side whose, const char* why) {
    return Error{Errc::dns_error, whose, 0, std::string("does not resolve here: ") + why};
  };
  switch (outcome) {
    case NameOutcome::no_name:
      return here(side, "the name does not exist");
    case NameOutcome::no_address:
      return here(side, "the name has no address");
    case NameOutcome::refused:
      return here(Side::local, "the DNS server answered REFUSED");
    case NameOutcome::server_failed:
      return here(Side::local, "the DNS server answered SERVFAIL");
    case NameOutcome::unreachable:
      return here(Side::local, "no DNS server can be reached");
    case NameOutcome::no_answer:
      return {Errc::dns_timeout, side, 0, "does not resolve here: the DNS server does not answer"};
    case NameOutcome::no_room:
      return {Errc::connection_limit_reached, Side::local, EMFILE,
              "cannot be looked up: there is no descriptor or memory left for it"};
    case NameOutcome::found:
    case NameOutcome::bad_answer:
      break;
  }
  return here(Side::local, "the DNS server's answer makes no sense");
}

}  // namespace culvert
