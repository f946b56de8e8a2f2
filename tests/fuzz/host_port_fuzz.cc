// What parses is written in one spelling, parses again to the same, and is fit for every use.
#include "base/host_port.h"

#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

void check(const Result<HostPort>& parsed) {
  if (!parsed) {
    FUZZ_CHECK(test::is_clean(parsed.error().text));
    return;
  }
  FUZZ_CHECK(parsed->port != 0);
  FUZZ_CHECK(!parsed->host.empty() && parsed->host.size() <= 253);
  for (const char c : parsed->host) {
    FUZZ_CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.' || (c == ':' && parsed->ip));
  }
  if (parsed->ip) FUZZ_CHECK(parsed->ip->to_string() == parsed->host);
  FUZZ_CHECK(HostPort::parse(parsed->to_string())->host == parsed->host);
  FUZZ_CHECK(parsed->full_name().size() <= 254);
  const auto again = HostPort::parse(parsed->authority());
  FUZZ_CHECK(again.ok() && *again == *parsed);
}

}  // namespace

FUZZ_TARGET(host_port) {
  const std::string_view text = test::as_text(data, size);
  check(HostPort::parse(text));
  check(HostPort::parse(text, 80));
  check(HostPort::from(text, 443));
  if (const auto ip = IpAddress::parse(text)) {
    FUZZ_CHECK(IpAddress::parse(ip->to_string()) == ip);
  }
  if (const auto block = Cidr::parse(text)) {
    FUZZ_CHECK(Cidr::parse(block->to_string()) == block);
  }
}
