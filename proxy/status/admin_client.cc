#include "status/admin_client.h"

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/duration.h"
#include "base/one_line.h"
#include "dial/tcp_dial.h"
#include "net/timer.h"
#include "net/tls_session_slot.h"
#include "net/tls_stream.h"
#include "net/unix_connect.h"
#include "status/answer_reader.h"

namespace culvert {
namespace {

/// 500 tunnels with their names are some 300 KB.
constexpr std::size_t kMostAnswer = std::size_t{16} << 20;

Error no_answer(std::string text, int sys = 0) {
  return {Errc::connection_terminated, Side::target, sys, std::move(text)};
}

std::string host_field_of(const AdminPlace& place) {
  return place.path.empty() ? place.host.authority() : "localhost";
}

}  // namespace

/// One question, from top to bottom.
class AdminClient::Question final : private StreamEvents {
 public:
  Question(AdminClient& client, const AdminPlace& place, std::chrono::milliseconds limit)
      : client_(client),
        place_(place),
        limit_(limit),
        timer_(client.loop_, Callback<void()>::to<&Question::expire>(this)) {
    timer_.start(limit);
  }

  Result<Json> ask(const std::string& target) {
    if (auto ready = begin(target); !ready) return std::move(ready).error();
    if (auto ready = receive(); !ready) return std::move(ready).error();
    return read();
  }

  Result<void> follow(const std::string& target, const OnEvent& on_event) {
    if (auto ready = begin(target); !ready) return ready;
    std::array<char, std::size_t{16} * 1024> bytes;
    bool complete = false;
    EventReader events;
    while (!complete && !client_.stop_) {
      const Io io = stream_->try_read(bytes);
      if (io.status == Io::Status::ok) {
        auto taken = reader_.take({bytes.data(), io.bytes});
        if (!taken) return std::move(taken).error();
        complete = *taken;
        if (reader_.status() != 200) continue;
        timer_.stop();
        for (const StreamEvent& event : events.take(reader_.take_body())) {
          const auto data = Json::parse(event.data);
          if (data && !on_event(event, *data)) return {};
        }
      } else if (io.status != Io::Status::would_block) {
        break;
      } else if (!wait()) {
        if (client_.stop_) return {};
        return given_up("did not answer");
      }
    }
    if (client_.stop_) return {};
    if (reader_.status() == 200 || reader_.status() == 0) {
      return no_answer("closed the connection");
    }
    return read().error();
  }

 private:
  Result<void> begin(const std::string& target) {
    if (auto ready = place_.path.empty() ? connect() : connect_to_socket(); !ready) return ready;
    if (place_.tls) {
      if (auto ready = secure(); !ready) return ready;
    }
    return send(target);
  }

  Result<void> connect_to_socket() {
    int error = 0;
    stream_ = connect_unix(client_.loop_, place_.path, error);
    if (stream_) {
      stream_->set_events(this);
      return {};
    }
    if (error == ECONNREFUSED || error == ENOENT) return no_answer("is not there", error);
    if (error == EAGAIN) return no_answer("does not accept connections", error);
    if (error == EACCES) return no_answer("is another user's (try sudo)", error);
    return no_answer("cannot be reached: " + std::generic_category().message(error), error);
  }

  Result<void> connect() {
    TcpDial dial(client_.loop_, place_.host, Side::target, AddressCheck(),
                 DialDone::to<&Question::on_dialed>(this));
    dial.start();
    while (!dialed_) {
      if (!turn()) return given_up("did not accept the connection");
    }
    if (!*dialed_) return std::move(*dialed_).error();
    stream_ = *std::move(*dialed_);
    stream_->set_events(this);
    return {};
  }

  Result<void> secure() {
    if (!client_.trust_) {
      auto trust = TlsClientContext::make({});
      if (!trust) return std::move(trust).error();
      client_.trust_ = *std::move(trust);
    }
    auto tls = TlsStream::client(std::move(stream_), *client_.trust_, place_.host.host, session_);
    TlsStream& stream = *tls;
    stream_ = std::move(tls);
    stream_->set_events(this);
    for (;;) {
      const Io io = stream.handshake();
      if (io.status == Io::Status::ok) return {};
      if (io.status != Io::Status::would_block) return stream.handshake_error(io);
      if (!wait()) return given_up("did not answer in TLS");
    }
  }

  Result<void> send(const std::string& target) {
    std::string head = "GET " + target + " HTTP/1.1\r\nHost: " + host_field_of(place_) +
                       "\r\nUser-Agent: culvert-status\r\nAccept: application/json\r\n";
    if (!place_.authorization.empty()) {
      head += "Authorization: ";
      head += place_.authorization.reveal();
      head += "\r\n";
    }
    head += "Connection: close\r\n\r\n";
    std::string_view rest = head;
    while (!rest.empty()) {
      const Io io = stream_->try_write(rest);
      if (io.status == Io::Status::ok) {
        rest.remove_prefix(io.bytes);
      } else if (io.status != Io::Status::would_block) {
        return no_answer("closed the connection before it took the request", io.error);
      } else if (!wait()) {
        return given_up("did not take the request");
      }
    }
    return {};
  }

  Result<void> receive() {
    std::array<char, std::size_t{16} * 1024> bytes;
    for (;;) {
      const Io io = stream_->try_read(bytes);
      if (io.status == Io::Status::ok) {
        auto complete = reader_.take({bytes.data(), io.bytes});
        if (!complete) return std::move(complete).error();
        if (*complete) return {};
      } else if (io.status == Io::Status::eof) {
        return reader_.end();
      } else if (io.status == Io::Status::error) {
        return no_answer("broke off the connection: " + describe_failure(io.error), io.error);
      } else if (!wait()) {
        return given_up("did not answer");
      }
    }
  }

  Result<Json> read() const {
    auto json = Json::parse(reader_.body());
    if (reader_.status() == 200) {
      if (json && json->is_object()) return json;
      return no_answer("gave an answer that is none of culvert's admin interface");
    }
    std::string text = "answered " + std::to_string(reader_.status());
    if (json) {
      if (const auto why = json->at("error").text()) text += ": " + one_line(*why, false);
    }
    if (reader_.status() == 401) text += " (--admin takes https://USER:PASSWORD@HOST)";
    return no_answer(std::move(text));
  }

  /// False: the time is over, or the user wants no answer any more.
  bool turn() {
    if (expired_ || client_.stop_) return false;
    client_.loop_.turn();
    return true;
  }
  bool wait() {
    while (!ready_) {
      if (!turn()) return false;
    }
    ready_ = false;
    return true;
  }
  Error given_up(std::string_view what) const {
    return no_answer(std::string(what) + " in " + format_seconds(limit_));
  }

  void on_ready(Stream&) override { ready_ = true; }
  void expire() { expired_ = true; }
  void on_dialed(DialResult result) { dialed_ = std::move(result); }

  AdminClient& client_;
  const AdminPlace& place_;
  std::chrono::milliseconds limit_;
  Timer timer_;
  TlsSessionSlot session_;  // outlives the stream
  std::optional<DialResult> dialed_;
  std::unique_ptr<Stream> stream_;
  AnswerReader reader_{kMostAnswer};
  bool ready_ = false;
  bool expired_ = false;
};

Result<Json> AdminClient::get(const AdminPlace& place, const std::string& target,
                              std::chrono::milliseconds limit) {
  return Question(*this, place, limit).ask(target);
}

Result<void> AdminClient::follow(const AdminPlace& place, const std::string& target,
                                 const OnEvent& on_event, std::chrono::milliseconds limit) {
  return Question(*this, place, limit).follow(target, on_event);
}

}  // namespace culvert
