#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "codec/client_mistake.h"
#include "codec/http_head.h"
#include "net/stream.h"
#include "net/timer.h"
#include "session/client_protocol.h"
#include "session/context.h"

namespace culvert {

/// A client that speaks HTTP/1: CONNECT, and plain requests one after the other.  In the steady
/// state a request allocates nothing.
class HttpClient final : public ClientProtocol {
 public:
  enum class Beneath : std::uint8_t { connection, tls };
  /// All outlive it.  `beneath`: what the client's stream is.
  HttpClient(SessionContext& context, Stream& client, const ListenerTerms& listener,
             Beneath beneath = Beneath::connection);
  ~HttpClient() override;

  void start(ClientEvents& events) override;
  void on_ready() override;
  void next_request() override;
  bool request_begun() const override { return scanner_.begun(); }
  RequestLine request_line() const override;
  [[gnu::cold]] std::string shown_request() const override;
  Result<Credentials> take_credentials() override;
  void begin_drain() override;
  [[gnu::cold]] std::unique_ptr<ClientProtocol> renewed(SessionContext& context) override;
  std::string_view established() const override;
  std::string refusal(const Error& error) const override;
  std::string kept_refusal(const Error& error) const override;

 private:
  bool tls_may_begin() const;
  void take_secret(std::span<char> bytes);
  void begin_tls(std::string_view bytes);
  void begin_socks(std::string_view bytes);
  void refuse_plain_client(char first_byte);
  void refuse_protocol(ClientMistake mistake);
  void on_end();
  bool speaks_another(std::string_view first_bytes);
  bool turns_into_another(std::string_view bytes);
  void on_head(std::size_t end);
  void on_deadline();
  std::optional<Error> origin_form_mistake() const;
  bool is_head_request() const;

  SessionContext& context_;
  Stream& client_;
  const ListenerTerms& listener_;
  ClientEvents* events_ = nullptr;
  Timer deadline_;  // of the head
  HeadScanner scanner_;
  std::string received_;  // the head, and what was received with it
  PlainRequest parsed_;   // its views point into `received_`
  ClientRequest request_;
  std::string foreign_answer_;  // to a client that speaks another protocol; mostly empty
  const Beneath beneath_;
  bool kept_ = false;  // a request was answered: the client may close instead of sending another
};

}  // namespace culvert
