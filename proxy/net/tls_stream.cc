#include "net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/ip_address.h"
#include "net/spent_session.h"
#include "net/tls_context.h"
#include "net/tls_server_context.h"
#include "net/tls_session_slot.h"

namespace culvert {
namespace {

// Records are written four at a time: that is as much as a flow moves at a time.
constexpr std::size_t kMostPlain = 4 * SSL3_RT_MAX_PLAIN_LENGTH;

/// Room for the records of one write, which are sent together.
std::string& spare_room() {
  thread_local std::string room;
  return room;
}

/// The SSL that verifies the peer's certificate.
const SSL* verifier(X509_STORE_CTX* check) {
  return static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/// An alert that belongs to the handshake, though with TLS 1.3 it is received after it (RFC 8446
/// section 6.2).
bool is_about_certificate(unsigned long failure) {
  const int alert = ERR_GET_REASON(failure) - SSL_AD_REASON_OFFSET;
  return (alert >= SSL_AD_HANDSHAKE_FAILURE && alert <= SSL_AD_ACCESS_DENIED) ||
         alert == SSL_AD_CERTIFICATE_REQUIRED;
}

}  // namespace

/// The BIO through which OpenSSL reaches the stream beneath.
struct TlsStream::Bio {
  static int read(BIO* bio, char* data, int size) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    Io io = self->beneath_->try_read({data, static_cast<std::size_t>(size)});
    // A reset is reported only once, and a write may have received that report. And what a write of
    // our own failed with, behind one that had succeeded, is for who waits for an answer to it.
    const bool silent = io.status == Io::Status::would_block;
    if (self->write_failure_.status == Io::Status::error &&
        (silent || (io.status == Io::Status::eof && self->write_failure_.error == ECONNRESET))) {
      io = self->write_failure_;
    }
    if (io.status == Io::Status::ok) self->note_first_bytes({data, io.bytes});
    return report(bio, *self, io, BIO_FLAGS_READ);
  }

  static int write(BIO* bio, const char* data, int size) {
    auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
    // Our side is closed, and OpenSSL still answers a KeyUpdate (RFC 8446 section 4.6.3).
    if (self->write_closed_) return size;
    const std::string_view bytes(data, static_cast<std::size_t>(size));
    Io io = Io::ok(bytes.size());
    if (self->gathered_ != nullptr) {
      *self->gathered_ += bytes;
    } else if (io = self->flush(); io.status == Io::Status::ok) {
      io = self->write_beneath(bytes);
    }
    return report(bio, *self, io, BIO_FLAGS_WRITE);
  }

  static int report(BIO* bio, TlsStream& self, const Io& io, int direction) {
    BIO_clear_retry_flags(bio);
    switch (io.status) {
      case Io::Status::ok:
        return static_cast<int>(io.bytes);
      case Io::Status::would_block:
        BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
        return -1;
      case Io::Status::eof:
      case Io::Status::error:
        self.beneath_failure_ = io;
        break;
    }
    return io.status == Io::Status::eof ? 0 : -1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) {
      const auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
      return self->beneath_failure_.status == Io::Status::eof ? 1 : 0;
    }
    return 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const kMade = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "culvert stream");
      BIO_meth_set_read(m, read);
      BIO_meth_set_write(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return kMade;
  }

  static BIO* make() {
    BIO* bio = BIO_new(method());
    BIO_set_init(bio, 1);
    return bio;
  }

  /// One for all streams of this thread whose handshake is forgotten.
  static BIO* shared() {
    thread_local const std::unique_ptr<BIO, decltype(&BIO_free)> kShared(make(), BIO_free);
    BIO_up_ref(kShared.get());
    return kShared.get();
  }

  /// During a Call.
  static TlsStream& stream_of(const SSL* ssl) {
    return *static_cast<TlsStream*>(BIO_get_data(SSL_get_rbio(ssl)));
  }
};

/// A call of OpenSSL, which reaches this stream by its BIO.  That may be shared: by the stream
/// beneath, too, which is called meanwhile.
class TlsStream::Call {
 public:
  explicit Call(TlsStream& self) : bio_(SSL_get_rbio(self.ssl_)), before_(BIO_get_data(bio_)) {
    BIO_set_data(bio_, &self);
    ERR_clear_error();
  }
  ~Call() { BIO_set_data(bio_, before_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  BIO* bio_;
  void* before_;
};

TlsStream::TlsStream(std::unique_ptr<Stream> beneath, ssl_ctx_st* context)
    : beneath_(std::move(beneath)), ssl_(SSL_new(context)), opening_(std::make_unique<Opening>()) {
  beneath_->set_events(this);
  BIO* bio = Bio::make();
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_info_callback(ssl_, on_info);
}

std::unique_ptr<TlsStream> TlsStream::client(std::unique_ptr<Stream> beneath,
                                             const TlsClientContext& context,
                                             const std::string& name, TlsSessionSlot& slot) {
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(beneath), context.get()));
  SSL* ssl = stream->ssl_;
  SSL_set_connect_state(ssl);
  stream->opening_->trust = context.trust();
  SSL_set_verify(ssl, context.any_server() ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, on_verified);
  if (IpAddress::parse(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str());
  } else {
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));
    SSL_set1_host(ssl, name.c_str());
  }
  slot.attach(ssl);
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::server(std::unique_ptr<Stream> beneath,
                                             const TlsServerContext& context) {
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(beneath), context.get()));
  SSL_set_accept_state(stream->ssl_);
  SSL_set_options(stream->ssl_, SSL_OP_CLEANSE_PLAINTEXT);
  if (context.wants_client_certificate()) {
    SSL_set_verify(stream->ssl_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                   on_client_verified);
  }
  return stream;
}

TlsStream::~TlsStream() {
  // Without this OpenSSL considers the session broken and it cannot be resumed.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

void TlsStream::note_first_bytes(std::string_view bytes) {
  if (!opening_) return;
  std::array<char, 8>& noted = opening_->first_bytes;
  std::size_t& count = opening_->first_bytes_count;
  count += bytes.copy(noted.data() + count, noted.size() - count);
}

std::string_view TlsStream::first_bytes() const {
  if (!opening_) return {};
  return {opening_->first_bytes.data(), opening_->first_bytes_count};
}

void TlsStream::on_ready(Stream&) {
  // The next read or write fails.
  static_cast<void>(flush());
  if (events_ != nullptr) events_->on_ready(*this);
}

/// OpenSSL reports each check of a certificate here.  Of one that fails it keeps neither name nor
/// date.
int TlsStream::on_verified(int accepted, X509_STORE_CTX* check) {
  if (accepted == 1) return 1;
  Opening& opening = *Bio::stream_of(verifier(check)).opening_;
  opening.why_not_trusted = why_not_trusted(check, opening.trust);
  opening.rejected = std::make_unique<CertificateFacts>(certificate_facts(check, opening.trust));
  return 0;
}

int TlsStream::on_client_verified(int accepted, X509_STORE_CTX* check) {
  if (accepted == 1) return 1;
  Bio::stream_of(verifier(check)).opening_->why_not_trusted = why_client_is_not_trusted(check);
  return 0;
}

CertificateFacts TlsStream::certificate() const {
  if (opening_ && opening_->rejected) return *opening_->rejected;
  return certificate_facts(SSL_get0_peer_certificate(ssl_));
}

/// OpenSSL reports alerts here.  Its API does not distinguish close_notify from a FIN that it is
/// set to ignore.
void TlsStream::on_info(const SSL* ssl, int where, int value) {
  if (where != SSL_CB_READ_ALERT || (value & 0xff) != SSL_AD_CLOSE_NOTIFY) return;
  Bio::stream_of(ssl).close_notified_ = true;
}

/// Some of a record has been read and not the whole: bytes of it wait, or its header is through.
bool TlsStream::within_record() const {
  return SSL_has_pending(ssl_) != 0 || std::string_view(SSL_rstate_string(ssl_)) == "RB";
}

Io TlsStream::outcome(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
      return Io::ok(0);
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Io::would_block();
    case SSL_ERROR_ZERO_RETURN:
      if (!close_notified_ && SSL_is_init_finished(ssl_) && within_record()) {
        return Io::failed(EPROTO);
      }
      return Io::eof();
    case SSL_ERROR_SYSCALL:
      if (beneath_failure_.status == Io::Status::would_block) return Io::failed(EPROTO);
      return beneath_failure_;
    default:
      tls_failure_ = ERR_peek_last_error();
      return Io::failed(EPROTO);
  }
}

Io TlsStream::handshake() {
  const Call call(*this);
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) {
    const Io io = outcome(result);
    handshake_failed_ = io.status != Io::Status::would_block && SSL_is_server(ssl_) == 1;
    return io;
  }
  handshake_done_ = true;
  return Io::ok(0);
}

Error TlsStream::handshake_error(const Io& io) const {
  if (tls_failure_ != 0 && !opening_->why_not_trusted.empty()) {
    return {Errc::tls_certificate_error, Side::upstream, 0, opening_->why_not_trusted};
  }
  if (io.status == Io::Status::eof || io.status == Io::Status::ok) {
    return {Errc::tls_protocol_error, Side::upstream, 0,
            "closed the connection during the TLS handshake - does it speak TLS?"};
  }
  if (tls_failure_ != 0) {
    const char* reason = ERR_reason_error_string(tls_failure_);
    const bool in_handshake = !handshake_done_ || is_about_certificate(tls_failure_);
    std::string text(in_handshake ? "failed the TLS handshake: " : "broke the TLS connection: ");
    text += reason != nullptr ? reason : "unknown";
    if (ERR_GET_REASON(tls_failure_) != SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) {
      return {Errc::tls_protocol_error, Side::upstream, 0, std::move(text)};
    }
    return {Errc::tls_certificate_error, Side::upstream, 0, text + " - give ?cert= and ?key="};
  }
  return {Errc::tls_protocol_error, Side::upstream, io.error,
          "broke off the TLS handshake: " + std::generic_category().message(io.error)};
}

Error TlsStream::client_error(const Io& io) const {
  const auto error = [](Errc code, std::string text) {
    return Error{code, Side::client, 0, std::move(text)};
  };
  if (tls_failure_ == 0) {
    const std::string how = io.status == Io::Status::error ? describe_failure(io.error) : "";
    return {Errc::canceled, Side::client, io.error,
            "the client ended the TLS handshake" + (how.empty() ? how : ": " + how)};
  }
  if (!opening_->why_not_trusted.empty()) {
    return error(Errc::tls_certificate_error,
                 "the client has a certificate " + opening_->why_not_trusted);
  }
  const int reason = ERR_GET_REASON(tls_failure_);
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return error(Errc::tls_certificate_error,
                 "the client sent no certificate, which client-ca of this listener requires");
  }
  const char* words = ERR_reason_error_string(tls_failure_);
  std::string text("the TLS handshake with the client failed: ");
  text += words != nullptr ? words : "unknown";
  const bool by_alert = reason >= SSL_AD_REASON_OFFSET;
  if (by_alert && is_about_certificate(tls_failure_)) {
    return error(Errc::tls_certificate_error,
                 text +
                     " - it does not accept the certificate of this proxy: does it have the CA, "
                     "and does it use a name that the certificate is for?");
  }
  if (reason == SSL_R_NO_APPLICATION_PROTOCOL) text += " - it offers no HTTP/1.1 (ALPN)";
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL) text += " - TLS 1.2 or newer is needed";
  return error(Errc::tls_protocol_error, std::move(text));
}

std::string TlsStream::client_name() const {
  const X509* cert = SSL_get0_peer_certificate(ssl_);
  return cert != nullptr ? user_of(cert) : std::string();
}

void TlsStream::forget_handshake() {
  opening_.reset();
  BIO* bio = Bio::shared();
  SSL_set_bio(ssl_, bio, bio);
  forget_key_exchange(ssl_);
  // A limit of record sizes (RFC 6066 section 4) stands in the session.
  if (SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl_)) == 0) forget_session(ssl_);
}

Io TlsStream::try_read(std::span<char> buffer) {
  if (!unread_.empty()) return Io::ok(unread_.take(buffer));
  if (read_end_.status != Io::Status::would_block) return read_end_;
  if (handshake_failed_) return beneath_->try_read(buffer);
  const Call call(*this);
  // A record holds 16 KiB at most; a caller with a larger buffer forwards it in one write.
  std::size_t count = 0;
  while (count < buffer.size()) {
    std::size_t step = 0;
    const int result = SSL_read_ex(ssl_, buffer.data() + count, buffer.size() - count, &step);
    if (result != 1) {
      const Io io = outcome(result);
      if (count == 0) return io;
      read_end_ = io;  // the stream beneath reports a reset only once
      break;
    }
    count += step;
  }
  return Io::ok(count);
}

Io TlsStream::try_write(std::span<const char> bytes) {
  if (const Io io = flush(); io.status != Io::Status::ok) return io;
  const Call call(*this);
  bytes = bytes.first(std::min(bytes.size(), kMostPlain));
  std::size_t count = 0;
  Io refused;
  // Moved out, as the stream beneath may be a TlsStream too.
  std::string records = std::move(spare_room());
  gathered_ = &records;
  while (count < bytes.size()) {
    std::size_t step = 0;
    const int result = SSL_write_ex(ssl_, bytes.data() + count, bytes.size() - count, &step);
    if (result != 1) {
      refused = outcome(result);
      break;
    }
    count += step;
  }
  gathered_ = nullptr;
  std::string_view rest = records;
  const Io sent = write_all_beneath(rest);
  if (!rest.empty()) unsent_ = std::make_unique<std::string>(rest);
  records.clear();
  spare_room() = std::move(records);
  if (sent.status == Io::Status::error) return sent;
  return count > 0 || bytes.empty() ? Io::ok(count) : refused;
}

Io TlsStream::write_beneath(std::string_view bytes) {
  // What was encrypted and is not written is lost: whoever writes it again would write it twice.
  if (write_failure_.status == Io::Status::error) return write_failure_;
  const Io io = beneath_->try_write(bytes);
  if (io.status == Io::Status::error) write_failure_ = io;
  return io;
}

/// Removes from `bytes` what the stream beneath accepts: ok when that is all.
Io TlsStream::write_all_beneath(std::string_view& bytes) {
  while (!bytes.empty()) {
    const Io io = write_beneath(bytes);
    if (io.status != Io::Status::ok) return io;
    bytes.remove_prefix(io.bytes);
  }
  return Io::ok(0);
}

Io TlsStream::flush() {
  if (!unsent_) return Io::ok(0);
  std::string_view rest = *unsent_;
  const Io io = write_all_beneath(rest);
  if (rest.empty()) {
    unsent_.reset();
  } else {
    unsent_->erase(0, unsent_->size() - rest.size());
  }
  return io;
}

Io TlsStream::shutdown_write() {
  if (!write_closed_) {
    if (const Io io = flush(); io.status != Io::Status::ok) return io;
    const Call call(*this);
    const int result = SSL_shutdown(ssl_);
    if (result < 0) {
      const Io io = outcome(result);
      if (io.status == Io::Status::would_block) return io;
    }
    write_closed_ = true;
  }
  return beneath_->shutdown_write();
}

void TlsStream::end_secrets() { SSL_clear_options(ssl_, SSL_OP_CLEANSE_PLAINTEXT); }

}  // namespace culvert
