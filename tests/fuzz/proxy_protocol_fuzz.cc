// A header is found at one place however the bytes come, and what it says can be written and read
// again.
#include "codec/proxy_protocol.h"

#include "fuzz/fuzz.h"

using namespace culvert;

namespace {

void check_written(const ConnectionEnds& ends, ProxyVersion version) {
  const std::string written = make_proxy_header(version, &ends);
  ConnectionEnds again;
  const auto end = read_proxy_header(written, again);
  FUZZ_CHECK(end && *end && **end == written.size());
  FUZZ_CHECK(again == ends);
}

}  // namespace

FUZZ_TARGET(proxy_protocol) {
  const std::string_view bytes = test::as_text(data, size);
  ConnectionEnds found;
  const auto whole = read_proxy_header(bytes, found);
  if (!whole) {
    FUZZ_CHECK(test::is_clean(whole.error().text));
    return;
  }
  FUZZ_CHECK(may_be_proxy_header(bytes));
  if (!*whole) return;
  const std::size_t end = **whole;
  FUZZ_CHECK(end <= size && end <= 16 + 4096);
  if (bytes[0] == 'P') FUZZ_CHECK(end <= 107);
  for (std::size_t cut = 0; cut < end; cut += 1 + end / 64) {
    ConnectionEnds partly;
    const auto more = read_proxy_header(bytes.substr(0, cut), partly);
    FUZZ_CHECK(more && !*more);
  }
  FUZZ_CHECK(found.client.has_value() == found.reached.has_value());
  if (!found.client) return;
  check_written(found, ProxyVersion::v1);
  check_written(found, ProxyVersion::v2);
}
