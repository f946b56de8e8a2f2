#include "base/result.h"

#include <memory>
#include <string>

#include "support/catch.h"

using namespace culvert;

namespace {

Result<std::unique_ptr<int>> seven() { return std::make_unique<int>(7); }

/// Counts how often it was copied.
struct Counted {
  explicit Counted(int& to) : copies(&to) {}
  Counted(const Counted& other) : copies(other.copies) { ++*copies; }
  Counted(Counted&&) = default;

  int* copies;
};

}  // namespace

TEST_CASE("a value leaves a result that is about to go without being copied") {
  const std::unique_ptr<int> from_call = *seven();
  CHECK(*from_call == 7);
  auto kept = seven();
  const std::unique_ptr<int> from_move = *std::move(kept);
  CHECK(*from_move == 7);

  int copies = 0;
  Result<Counted> counted(Counted{copies});
  [[maybe_unused]] const Counted moved = *std::move(counted);
  CHECK(copies == 0);
  const Result<Counted> stays(Counted{copies});
  [[maybe_unused]] const Counted copy = *stays;
  CHECK(copies == 1);
}

TEST_CASE("a result is what it was made of") {
  Result<std::string> fine(std::string("fine"));
  REQUIRE(fine);
  CHECK(*fine == "fine");
  CHECK(fine->size() == 4);
  *fine += "!";
  CHECK(fine.value() == "fine!");
  const Result<std::string> failed(Error{Errc::dns_error, Side::local, 0, "no such name"});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text == "no such name");
  CHECK(Result<void>().ok());
  CHECK(Result<void>(failed.error()).error().code == Errc::dns_error);
}
