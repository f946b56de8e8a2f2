#include "codec/refusal_cause.h"

#include "support/catch.h"

using namespace culvert;

namespace {

ResponseHead answer(std::string_view name, std::string_view value) {
  ResponseHead head;
  head.fields = {{"Server", "x"}, {name, value}};
  return head;
}

std::string cause(std::string_view name, std::string_view value) {
  return cause_in_fields(answer(name, value));
}

std::string place(std::string_view location) {
  return redirect_place(answer("Location", location)).value_or("nowhere");
}

std::string time(std::string_view value) { return retry_time(answer("Retry-After", value)); }

}  // namespace

TEST_CASE("squid names its error page and an errno") {
  CHECK(cause("X-Squid-Error", "ERR_CONNECT_FAIL 111") ==
        "connection refused, ERR_CONNECT_FAIL 111");
  CHECK(cause("X-Squid-Error", "ERR_CONNECT_FAIL 60") ==
        "connection timed out, ERR_CONNECT_FAIL 60");
  CHECK(cause("X-Squid-Error", "ERR_SECURE_CONNECT_FAIL 104") ==
        "connection reset, ERR_SECURE_CONNECT_FAIL 104");
  CHECK(cause("X-Squid-Error", "ERR_CONNECT_FAIL 0") == "it could not connect, ERR_CONNECT_FAIL");
  CHECK(cause("x-squid-error", "ERR_DNS_FAIL 0") == "the name does not resolve, ERR_DNS_FAIL");
  CHECK(cause("X-Squid-Error", "ERR_CANNOT_FORWARD 0") ==
        "no way on, often a name that does not resolve, ERR_CANNOT_FORWARD");
  CHECK(cause("X-Squid-Error", "ERR_DNS_FAIL 111") ==
        "the name does not resolve, ERR_DNS_FAIL 111");
  CHECK(cause("X-Squid-Error", "ERR_CUSTOM") == "ERR_CUSTOM");
  CHECK(cause("X-Squid-Error", "") == "");
}

TEST_CASE("tor and other vendors have fields of their own") {
  CHECK(cause("Tor-Request-Failed", "end/RESOLVEFAILED") ==
        "the name does not resolve, tor end/RESOLVEFAILED");
  CHECK(cause("Tor-Request-Failed", "other") == "tor other");
  CHECK(cause("X-Brd-Error", "no peers") == "no peers");
  CHECK(cause("Proxy-Status", "p; error=x") == "p: x");
  CHECK(cause("X-Cache", "MISS") == "");
  ResponseHead both = answer("X-Squid-Error", "ERR_DNS_FAIL 0");
  both.fields.push_back({"Proxy-Status", "malformed"});
  CHECK(cause_in_fields(both) == "the name does not resolve, ERR_DNS_FAIL");
  both.fields.push_back({"Proxy-Status", "p; error=x"});
  CHECK(cause_in_fields(both) == "p: x");
}

TEST_CASE("of a Location only the host and its port are named") {
  CHECK(place("http://login.corp/portal?u=1") == "login.corp");
  CHECK(place("https://u:p@login.corp:8443?x=//y") == "login.corp:8443");
  CHECK(place("HTTPS://[2001:db8::1]#x") == "[2001:db8::1]");
  CHECK(place("//login.corp") == "login.corp");
  CHECK(place("http://login.corp\\@other/") == "login.corp");
  CHECK(place("/login?to=http://x/") == "");
  CHECK(place("login?to=http://x/") == "");
  CHECK(place("login") == "");
  CHECK(place("") == "nowhere");
  CHECK(place("http://") == "nowhere");
  CHECK(place("http:///path") == "nowhere");
  CHECK(place("http://u:p/w@login.corp/") == "nowhere");
  CHECK(place("http://u:12/w@login.corp/") == "nowhere");
  CHECK(place("http://u:12\\@login.corp/") == "nowhere");
  CHECK(place("http://u:12?3#@login.corp/") == "nowhere");
  CHECK(place("http://login.corp:8443/portal") == "login.corp:8443");
  CHECK(place("http://login.corp/?mail=u@a.example") == "login.corp");
  CHECK(place("http://lo\x01gin/") == "nowhere");
  CHECK_FALSE(redirect_place(ResponseHead()));
}

TEST_CASE("Retry-After is a number of seconds, or a date") {
  CHECK(time("120") == "in 120 s");
  CHECK(time("Sun, 29 Nov 2026 08:00:00 GMT") == "after Sun, 29 Nov 2026 08:00:00 GMT");
  CHECK(time("") == "");
  CHECK(time(std::string(30, '1')) == "");
}
