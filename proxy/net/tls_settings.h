#pragma once

#include <string>

struct ssl_ctx_st;

namespace culvert {

/// Sets what either side of a TlsStream needs.
void set_stream_options(ssl_ctx_st* context);

/// The newest reason in OpenSSL's queue of errors, which is emptied.
std::string last_tls_error();

}  // namespace culvert
