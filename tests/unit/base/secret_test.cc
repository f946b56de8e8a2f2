#include "base/secret.h"

#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "support/catch.h"

using namespace culvert;

static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);

TEST_CASE("a secret is revealed, copied and moved") {
  Secret first("hunter2");
  CHECK(first.reveal() == "hunter2");
  Secret second = first;
  CHECK(second.reveal() == "hunter2");
  const Secret third = std::move(first);
  CHECK(third.reveal() == "hunter2");
  second = Secret("a much longer password than fits into a short string");
  CHECK(second.reveal() == "a much longer password than fits into a short string");
  second = third;
  CHECK(second.reveal() == "hunter2");
  Secret& same = second;
  second = same;
  CHECK(second.reveal() == "hunter2");
  CHECK(Secret().empty());
  CHECK_FALSE(second.empty());
}

TEST_CASE("a secret leaves no bytes behind where it was") {
  // A short string lives inside the object, so its bytes can be looked at afterwards.
  alignas(Secret) unsigned char room[sizeof(Secret)];
  const auto holds_it = [&room] {
    return std::string_view(reinterpret_cast<const char*>(room), sizeof room).find("hunter2") !=
           std::string_view::npos;
  };

  auto* secret = new (room) Secret("hunter2");
  CHECK(holds_it());

  SECTION("when it is destroyed") {
    secret->~Secret();
    CHECK_FALSE(holds_it());
  }
  SECTION("when it is moved from") {
    const Secret other = std::move(*secret);
    CHECK_FALSE(holds_it());
    secret->~Secret();
  }
  SECTION("when it is overwritten by a shorter one") {
    *secret = Secret("x");
    CHECK_FALSE(holds_it());
    secret->~Secret();
  }
}
