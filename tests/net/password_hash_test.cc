#include "net/password_hash.h"

#include <string>

#include "support/catch.h"

using namespace culvert;
using namespace std::string_literals;

TEST_CASE("passwords and their hashes") {
  for (const char* const hash :
       {"$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        "$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7",
        "$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/S0cZ5WrCciNZgfhbpkeFQ4JfkHX."
        "8vPq45lY0iINnCx1Lkm.",
        "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$Tg4ZRR7tz/WRlmYbADZh9OJYakPewgSPQqW55EXAJ14"}) {
    CAPTURE(hash);
    const Secret wanted{std::string(hash)};
    CHECK(password_matches(Secret("secret"), wanted));
    for (const std::string& wrong :
         {""s, "Secret"s, "secret "s, "secre"s, "secret\0x"s, std::string(10'000, 'x')}) {
      CHECK_FALSE(password_matches(Secret(wrong), wanted));
    }
  }
  // What crypt(3) gives for a hash that it does not know.
  CHECK_FALSE(password_matches(Secret("secret"), Secret("*0")));
  CHECK_FALSE(password_matches(Secret("secret"), Secret("")));
}
