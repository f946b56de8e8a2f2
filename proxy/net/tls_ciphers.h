#pragma once

struct ssl_ctx_st;

namespace culvert {

/// Whether this processor has instructions for AES and for what GCM multiplies.
bool has_aes_instructions();

/// Puts first what takes the least time, of the ciphers with forward secrecy that a client with
/// `context` offers: AES-128-GCM, or ChaCha20 where there are no instructions for AES.  The others
/// follow in their order; none is added or left out.  It is the server that chooses: many take the
/// first that they know.
void offer_fast_ciphers_first(ssl_ctx_st* context, bool aes_instructions);

}  // namespace culvert
