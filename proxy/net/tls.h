#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/stream.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace culvert {

/// What TLS to a server is done with: whom to trust, and who we are.  Immutable once made, so the
/// workers share it.
class TlsClientContext {
 public:
  struct Options {
    std::string ca;         ///< PEM file or hashed directory; empty: the system's store
    std::string cert, key;  ///< PEM files; both empty: no client certificate
  };
  /// The error's text names the file that does not fit.
  static Result<std::shared_ptr<const TlsClientContext>> make(const Options& options);

  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsClientContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

/// The last session that a server gave, offered again at the next handshakes (RFC 8446
/// section 2.2). One for each server, shared by the workers.  Appendix C.4 there advises to offer
/// each but once, so that nobody can tell two connections to be of the same client; ours go from
/// one address to one proxy anyway, and several often begin before the first has brought a new
/// session.
class TlsSessionSlot {
 public:
  TlsSessionSlot() = default;
  ~TlsSessionSlot();
  TlsSessionSlot(const TlsSessionSlot&) = delete;
  TlsSessionSlot& operator=(const TlsSessionSlot&) = delete;

  void put(ssl_session_st* session);  ///< takes over one reference
  void offer(ssl_st* ssl) const;
  ssl_session_st* get() const;

 private:
  mutable std::mutex mutex_;
  ssl_session_st* session_ = nullptr;
};

/// The client's side of TLS over any other stream, so it stacks.  OpenSSL reads and writes through
/// a BIO of ours that calls the stream beneath; nothing is buffered between the two but what a
/// write made and the stream beneath did not take.
///
/// A FIN without close_notify before it is an end all the same, see truncated(); within a record it
/// is a failure.
class TlsStream final : public Stream, private StreamEvents {
 public:
  /// `name` is what the certificate must be for (a DNS name, also sent as SNI, or an IP address).
  /// `slot` outlives the stream.
  TlsStream(std::unique_ptr<Stream> beneath, const TlsClientContext& context,
            const std::string& name, TlsSessionSlot& slot);
  ~TlsStream();

  /// Goes on with the handshake: would_block, ok when it is through, eof or error.
  Io handshake();
  /// After handshake() failed: whether the certificate or the protocol is to blame, and why; a
  /// clause to stand behind the server's name.  Also after the first reads: a server that wants a
  /// client certificate says so when TLS 1.3 is through for the client (RFC 8446 section 4.4.2.4).
  Error handshake_error(const Io& io) const;

  Io try_read(std::span<char> buffer) override;
  Io try_write(std::span<const char> bytes) override;
  Io shutdown_write() override;
  void resume() override { beneath_->resume(); }
  void reset_on_close() override { beneath_->reset_on_close(); }
  bool broken() const override { return beneath_->broken(); }
  bool peer_finished() const override { return beneath_->peer_finished(); }
  void check_peer(bool blocked) override { beneath_->check_peer(blocked); }
  bool truncated() const override { return !close_notified_; }
  std::size_t unsent() const override { return unsent_.size() + beneath_->unsent(); }
  void unread(std::string bytes) override;
  void detach() override { beneath_->detach(); }
  int attach(Loop& loop) override { return beneath_->attach(loop); }
  int descriptor() const override { return beneath_->descriptor(); }

  /// For OpenSSL, which tells of alerts here.
  static void on_info(const ssl_st* ssl, int where, int value);

 private:
  struct Bio;
  void on_ready(Stream& beneath) override;
  Io outcome(int result);
  bool within_record() const;
  Io write_beneath(std::string_view bytes);
  Io write_all_beneath(std::string_view& bytes);
  Io flush();

  std::unique_ptr<Stream> beneath_;
  std::string unread_;
  std::string unsent_;               // records that the stream beneath did not take yet
  std::string* gathered_ = nullptr;  // the records of a write, while it goes on
  ssl_st* ssl_ = nullptr;
  Io beneath_failure_;          // what the stream beneath said last, when OpenSSL saw a failure
  std::optional<Io> read_end_;  // of the reading, met behind bytes that were given out before it
  unsigned long tls_failure_ = 0;
  bool shook_hands_ = false;
  bool close_notified_ = false;  // by the server
  bool write_closed_ = false;
  bool was_reset_ = false;
};

}  // namespace culvert
