#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "net/certificate_text.h"
#include "net/stream.h"
#include "net/unread_bytes.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace culvert {

class TlsClientContext;
class TlsServerContext;
class TlsSessionSlot;

/// TLS over any other stream, so it stacks.  OpenSSL reads and writes through a BIO of ours that
/// calls the stream beneath; nothing is buffered between the two but what a write made and the
/// stream beneath did not take.
///
/// A FIN without close_notify before it counts as an end, see truncated(); within a record it is a
/// failure.
class TlsStream final : public Stream, private StreamEvents {
 public:
  /// The client's side.  `name` is what the certificate must be for (a DNS name, also sent as SNI,
  /// or an IP address).  `slot` outlives the stream.
  static std::unique_ptr<TlsStream> client(std::unique_ptr<Stream> beneath,
                                           const TlsClientContext& context, const std::string& name,
                                           TlsSessionSlot& slot);
  /// The server's side.  `context` outlives the stream.
  static std::unique_ptr<TlsStream> server(std::unique_ptr<Stream> beneath,
                                           const TlsServerContext& context);
  ~TlsStream();

  /// Continues the handshake: would_block, ok when it is complete, eof or error.
  Io handshake();
  /// For a client whose handshake() failed: whether the certificate or the protocol was the cause,
  /// and why; a clause that follows the server's name.  Also after the first reads: a server that
  /// requires a client certificate reports it when TLS 1.3 is complete for the client (RFC 8446
  /// section 4.4.2.4).
  Error handshake_error(const Io& io) const;
  /// For a server whose handshake() failed: why, a sentence.  The client has its alert; what it
  /// still sends can be read, to wait for its end, but it is not what it means.
  Error client_error(const Io& io) const;
  /// For a server that requires certificates, after the handshake: the name in the client's, see
  /// user_of().
  std::string client_name() const;
  /// For a server, after the handshake: nobody asks for the client's certificate any more, nor for
  /// first_bytes() or client_error().  What only the handshake needed is freed.  The stream
  /// stays in this thread then.
  void forget_handshake();
  /// For a server: what comes from now on are no secrets of ours.  Until then no plain text stays
  /// in OpenSSL's buffers once it was read.
  void end_secrets();
  /// The peer's certificate, be it accepted or not.
  CertificateFacts certificate() const;
  /// The first bytes that the peer sent, a few at most: whether it speaks TLS at all.
  std::string_view first_bytes() const;

  Io try_read(std::span<char> buffer) override;
  Io try_write(std::span<const char> bytes) override;
  Io shutdown_write() override;
  void resume() override { beneath_->resume(); }
  void mute() override { beneath_->mute(); }
  void reset_on_close() override { beneath_->reset_on_close(); }
  bool broken() const override { return beneath_->broken(); }
  bool peer_finished() const override { return beneath_->peer_finished(); }
  void check_peer(bool blocked) override { beneath_->check_peer(blocked); }
  bool truncated() const override { return !close_notified_; }
  std::size_t unsent() const override {
    return (unsent_ ? unsent_->size() : 0) + beneath_->unsent();
  }
  void unread(std::string bytes) override { unread_.put_back(std::move(bytes)); }
  void detach() override { beneath_->detach(); }
  int attach(Loop& loop) override { return beneath_->attach(loop); }
  int descriptor() const override { return beneath_->descriptor(); }

 private:
  struct Bio;
  class Call;
  /// What the handshake, and the errors of it, need.
  struct Opening {
    std::array<char, 8> first_bytes;
    std::size_t first_bytes_count = 0;
    std::unique_ptr<CertificateFacts> rejected;  // the certificate, if it was
    std::string why_not_trusted;                 // empty if the certificate was not rejected
    TlsTrust trust = TlsTrust::named;
  };
  /// The side and the peer are still to be set.
  TlsStream(std::unique_ptr<Stream> beneath, ssl_ctx_st* context);
  static int on_verified(int accepted, x509_store_ctx_st* check);
  static int on_client_verified(int accepted, x509_store_ctx_st* check);
  static void on_info(const ssl_st* ssl, int where, int value);
  void on_ready(Stream& beneath) override;
  void note_first_bytes(std::string_view bytes);
  Io outcome(int result);
  bool within_record() const;
  Io write_beneath(std::string_view bytes);
  Io write_all_beneath(std::string_view& bytes);
  Io flush();

  std::unique_ptr<Stream> beneath_;
  UnreadBytes unread_;
  std::unique_ptr<std::string> unsent_;  // records that the stream beneath did not take yet
  std::string* gathered_ = nullptr;      // the records of a write, while it goes on
  ssl_st* ssl_ = nullptr;
  std::unique_ptr<Opening> opening_;  // nullptr once it is forgotten
  Io beneath_failure_;                // of the last call of the stream beneath that failed
  Io write_failure_;                  // the first error of writing to it, which stays
  Io read_end_;  // how the next read fails or ends: found after bytes that the last one returned
  unsigned long tls_failure_ = 0;
  bool handshake_done_ = false;
  bool handshake_failed_ = false;  // of a server
  bool close_notified_ = false;    // by the peer
  bool write_closed_ = false;
};

}  // namespace culvert
