#include "net/name_answer.h"

#include "support/catch.h"

using namespace culvert;
using Family = IpAddress::Family;
using Outcome = NameOutcome;
using Addresses = std::vector<IpAddress>;

namespace {

const IpAddress kV4 = *IpAddress::parse("192.0.2.1");
const IpAddress kV6 = *IpAddress::parse("2001:db8::1");

}  // namespace

TEST_CASE("the addresses of both families are one answer, IPv6 first") {
  FamilyAnswers answers;
  CHECK_FALSE(answers.half_found());
  answers.set(Family::v4, {Outcome::found, {kV4}});
  CHECK(answers.half_found());
  CHECK_FALSE(answers.complete());
  CHECK(answers.combined().addresses == Addresses{kV4});
  answers.set(Family::v6, {Outcome::found, {kV6}});
  CHECK_FALSE(answers.half_found());
  CHECK(answers.complete());
  CHECK(answers.combined().outcome == Outcome::found);
  CHECK(answers.combined().addresses == Addresses{kV6, kV4});
}

TEST_CASE("an answer in one family is enough, whatever the other's is") {
  const Outcome other =
      GENERATE(Outcome::no_name, Outcome::no_address, Outcome::server_failed, Outcome::no_answer);
  FamilyAnswers answers;
  answers.set(Family::v4, {Outcome::found, {kV4}});
  answers.set(Family::v6, {other, {}});
  CHECK(answers.complete());
  CHECK(answers.combined().outcome == Outcome::found);
  CHECK(answers.combined().addresses == Addresses{kV4});
}

TEST_CASE("of two failures the one that may hide an address is reported") {
  struct Row {
    Outcome v6;
    Outcome v4;
    Outcome combined;
  };
  const auto row = GENERATE(values<Row>({
      {Outcome::no_name, Outcome::no_name, Outcome::no_name},
      {Outcome::no_name, Outcome::no_address, Outcome::no_address},
      {Outcome::no_address, Outcome::server_failed, Outcome::server_failed},
      {Outcome::no_answer, Outcome::no_name, Outcome::no_answer},
      {Outcome::refused, Outcome::server_failed, Outcome::server_failed},
  }));
  FamilyAnswers answers;
  answers.set(Family::v6, {row.v6, {}});
  CHECK_FALSE(answers.half_found());
  CHECK(answers.combined().outcome == Outcome::no_answer);
  answers.set(Family::v4, {row.v4, {}});
  CHECK(answers.combined().outcome == row.combined);
  CHECK(answers.combined().addresses.empty());
}

TEST_CASE("where no server listens, the other family is not waited for") {
  FamilyAnswers answers;
  answers.set(Family::v4, {Outcome::unreachable, {}});
  CHECK(answers.complete());
  CHECK(answers.combined().outcome == Outcome::unreachable);
  answers.set(Family::v6, {Outcome::found, {kV6}});
  CHECK(answers.combined().addresses == Addresses{kV6});
}

TEST_CASE("each failure is a clause that follows the name") {
  for (int i = static_cast<int>(Outcome::no_name); i <= static_cast<int>(Outcome::no_room); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const Error error = lookup_error(outcome, Side::target);
    CAPTURE(i, error.text);
    CHECK((error.code == Errc::dns_timeout) == (outcome == Outcome::no_answer));
    CHECK((error.code == Errc::connection_limit_reached) == (outcome == Outcome::no_room));
    CHECK(error.text.size() < 80);
    // What the name is to blame for is its side's; an answer in no time ends as a time limit does.
    CHECK((error.side == Side::target) ==
          (outcome <= Outcome::no_address || outcome == Outcome::no_answer));
  }
  CHECK(continues_search(Outcome::no_name));
  CHECK(continues_search(Outcome::server_failed));
  CHECK_FALSE(continues_search(Outcome::no_answer));
  CHECK_FALSE(continues_search(Outcome::found));
}
