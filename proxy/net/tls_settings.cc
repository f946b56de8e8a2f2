#include "net/tls_settings.h"

#include <cstddef>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace culvert {
namespace {

// As much as a flow moves at a time, and the overhead of its records.
constexpr std::size_t kMostRecords = 4 * (SSL3_RT_MAX_PLAIN_LENGTH + 64);

}  // namespace

void set_stream_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // An idle tunnel keeps no record buffers.  A peer that leaves without close_notify has ended, and
  // can still be written to: what runs inside a tunnel has its own idea of completeness.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  // Several records in one recv.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kMostRecords);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION);
}

std::string last_tls_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown TLS error";
}

}  // namespace culvert
