// The first byte selects how the bytes are cut. An accepted head, written anew, is accepted again
// and means the same.
#include "codec/request_target.h"
#include "fuzz/head_fuzz.h"

using namespace culvert;
using namespace culvert::test;

namespace {

constexpr HeadLimits kLimits = {.bytes = 1000, .target = 200, .fields = 12};

void check_target(const RequestHead& head) {
  RequestTarget target;
  if (const auto parsed = parse_request_target(head, target); !parsed) {
    FUZZ_CHECK(is_clean(parsed.error().text));
    return;
  }
  if (target.form == RequestTarget::Form::asterisk) return;
  const auto again = HostPort::parse(target.authority.authority());
  FUZZ_CHECK(again.ok() && *again == target.authority);
  if (target.form == RequestTarget::Form::authority) return;
  FUZZ_CHECK(target.path.empty() || target.path[0] == '/' || target.path[0] == '?');
  FUZZ_CHECK(head.target.ends_with(target.path));
}

}  // namespace

FUZZ_TARGET(request_head) {
  if (size < 1) return;
  const std::string_view bytes = as_text(data + 1, size - 1);

  // The parser is tested on its own, whatever the scanner's result.
  RequestHead raw;
  if (parse_request_head(bytes, kLimits, raw).ok()) check_fields(raw, kLimits);

  const auto found = find_head(bytes, HeadScanner::Kind::request, kLimits, data[0]);
  if (!found) return;
  RequestHead head;
  if (const auto parsed = parse_request_head(found->head, kLimits, head); !parsed) {
    FUZZ_CHECK(is_clean(parsed.error().text));
    return;
  }
  check_fields(head, kLimits);
  FUZZ_CHECK(is_strict_token(head.method));
  for (const char c : head.target) FUZZ_CHECK(static_cast<unsigned char>(c) > ' ' && c != 0x7f);

  const std::string anew = std::string(head.method) + " " + std::string(head.target) +
                           (head.minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n") +
                           written(head.fields);
  RequestHead again;
  FUZZ_CHECK(parse_request_head(anew, kLimits, again).ok());
  FUZZ_CHECK(again.method == head.method && again.target == head.target);
  FUZZ_CHECK(again.minor == head.minor && written(again.fields) == written(head.fields));
  check_target(head);
}
