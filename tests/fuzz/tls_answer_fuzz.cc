// More bytes only decide what was open, and what is TLS begins as a record of it.
#include "codec/tls_answer.h"

#include "fuzz/fuzz.h"

using namespace culvert;

FUZZ_TARGET(tls_answer) {
  const std::string_view bytes = test::as_text(data, size);
  const TlsAnswer whole = judge_tls_answer(bytes);
  for (std::size_t part = 0; part < size && part < 8; ++part) {
    const TlsAnswer before = judge_tls_answer(bytes.substr(0, part));
    FUZZ_CHECK(before == TlsAnswer::incomplete || before == whole);
  }
  if (whole == TlsAnswer::server_hello) FUZZ_CHECK(size >= 6 && data[0] == 0x16 && data[5] == 2);
  if (whole == TlsAnswer::alert) FUZZ_CHECK(size >= 6 && data[0] == 0x15);
  if (size >= 6) FUZZ_CHECK(whole != TlsAnswer::incomplete);
}
