// A list and, in the last line, a target: what matches has a reason, a longer list matches no less,
// and warnings are printable.
#include "policy/no_proxy.h"

#include "fuzz/secret_fuzz.h"

using namespace culvert;

namespace {

void check_target(std::string_view list, const NoProxy& no_proxy, const HostPort& target) {
  const bool matches = no_proxy.matches(target);
  FUZZ_CHECK(matches == !no_proxy.why(target).empty());
  if (target.ip ? target.ip->is_loopback() : target.full_name() == "localhost") {
    FUZZ_CHECK(matches);
  }
  const std::string text(list);
  for (const std::string& longer : {text + ",x.example", "x.example:1," + text, text + ", "}) {
    FUZZ_CHECK(NoProxy(longer).matches(target) >= matches);
  }
  FUZZ_CHECK(NoProxy(text + ",*").matches(target));
  if (matches || target.ip) return;
  FUZZ_CHECK(NoProxy(text + "," + target.authority()).matches(target));
  FUZZ_CHECK(!NoProxy(text + ",." + target.full_name()).matches(target));
}

}  // namespace

FUZZ_TARGET(no_proxy) {
  const std::string_view text = test::as_text(data, size);
  const std::size_t end = text.rfind('\n');
  const std::string_view list = text.substr(0, end);
  const NoProxy no_proxy(list);
  FUZZ_CHECK(no_proxy.given());
  test::check_messages(no_proxy.warnings());
  test::check_secret(NoProxy(test::plant(text)).warnings());
  for (const std::string_view target :
       {text.substr(end == std::string_view::npos ? 0 : end + 1), std::string_view("gcr.io:443"),
        std::string_view("10.1.2.3:80"), std::string_view("[::1]:80"),
        std::string_view("localhost:1")}) {
    if (const auto parsed = HostPort::parse(target, 443)) check_target(list, no_proxy, *parsed);
  }
}
