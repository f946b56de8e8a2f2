// The pieces do not matter, nothing behind the opening does, and only a TLS handshake is one.
#include "codec/tls_opening.h"

#include "fuzz/fuzz.h"

using namespace culvert;

FUZZ_TARGET(tls_opening) {
  const std::string_view bytes = test::as_text(data, size);
  TlsOpening whole;
  whole.feed(bytes);
  TlsOpening pieces;
  for (const char& byte : bytes) pieces.feed({&byte, 1});
  FUZZ_CHECK(pieces.recognised() == whole.recognised());
  FUZZ_CHECK(pieces.is_http_answer() == whole.is_http_answer());
  FUZZ_CHECK(whole.is_http_answer() == bytes.starts_with("HTTP/1."));
  TlsOpening begin;
  begin.feed(bytes.substr(0, 6));
  FUZZ_CHECK(begin.recognised() == whole.recognised());
  if (whole.offers_no_chacha20()) FUZZ_CHECK(whole.recognised() && data[5] == 1);
  if (whole.recognised()) {
    FUZZ_CHECK(size >= 6 && data[0] == 0x16 && data[1] == 3 && (data[5] == 1 || data[5] == 2));
  }
}
