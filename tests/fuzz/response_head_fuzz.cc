// The first byte selects how the bytes are cut. An accepted head, written anew, is accepted again
// and means the same.
#include "fuzz/head_fuzz.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr HeadLimits kLimits = {.bytes = 1000, .target = 200, .fields = 12};

}  // namespace

FUZZ_TARGET(response_head) {
  if (size < 1) return;
  const std::string_view bytes = as_text(data + 1, size - 1);

  // The parser is tested on its own, whatever the scanner's result.
  ResponseHead raw;
  if (parse_response_head(bytes, kLimits, raw).ok()) check_fields(raw, kLimits);

  const auto found = find_head(bytes, HeadScanner::Kind::response, kLimits, data[0]);
  if (!found) return;
  ResponseHead head;
  if (const auto parsed = parse_response_head(found->head, kLimits, head); !parsed) {
    FUZZ_CHECK(is_clean(parsed.error().text));
    FUZZ_CHECK(parsed.error().code == Errc::http_protocol_error);
    return;
  }
  check_fields(head, kLimits);
  FUZZ_CHECK(head.status >= 100 && head.status <= 999);
  FUZZ_CHECK(is_field_text(head.reason));

  const std::string anew = (head.minor == 1 ? "HTTP/1.1 " : "HTTP/1.0 ") +
                           std::to_string(head.status) + " " + std::string(head.reason) + "\r\n" +
                           written(head.fields);
  ResponseHead again;
  FUZZ_CHECK(parse_response_head(anew, kLimits, again).ok());
  FUZZ_CHECK(again.status == head.status && again.reason == head.reason);
  FUZZ_CHECK(again.minor == head.minor && written(again.fields) == written(head.fields));
}
