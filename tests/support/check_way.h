// The hosts that a check finds beyond the proxy: each a script of answers, over TLS or not.
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "check/report.h"
#include "check/way.h"
#include "net/manual_clock.h"
#include "support/scripted_stream.h"
#include "support/tls_client.h"

namespace culvert::test {

/// What OpenSSL takes for the system's store, for one test.
class TrustedAuthority {
 public:
  explicit TrustedAuthority(const TlsAuthority& trusted = authority()) {
    setenv("SSL_CERT_FILE", trusted.file().c_str(), 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
  }
  ~TrustedAuthority() {
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
  }
  TrustedAuthority(const TrustedAuthority&) = delete;
  TrustedAuthority& operator=(const TrustedAuthority&) = delete;
};

/// "HTTP/1.1 STATUS", these fields, each with its CRLF, and a body with its length.
inline std::string http_answer(const std::string& status, const std::string& body = {},
                               const std::string& fields = {}) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

class ScriptedWay final : public Way {
 public:
  using Replies = std::function<std::string(std::string request)>;

  explicit ScriptedWay(ManualClock* clock = nullptr) : loop_(clock) {
    tunnel_.config.kind = UpstreamConfig::Kind::socks5;
    tunnel_.config.name = "tunnel";
    tunnel_.config.label = "socks5://127.0.0.1:1080";
    tunnel_.config.address = HostPort::parse("127.0.0.1:1080").value();
    direct_.config.name = "direct";
    direct_.config.label = "direct://";
  }

  Upstream& tunnel() { return tunnel_; }
  Upstream& direct() { return direct_; }

  struct Host {
    std::shared_ptr<ssl_ctx_st> context;  ///< null: without TLS
    Replies replies;
    bool dead = false;    ///< ends the connection at the first byte
    bool silent = false;  ///< takes all and says nothing
    bool denied = false;  ///< by a route of our own
    std::string refused;  ///< the text of the dial's failure
    const Upstream* upstream = nullptr;
    std::string rule_fix{};  ///< as WayTo has it
  };
  /// Over TLS, with a certificate for it.
  Host& serve(const std::string& host, Replies replies) {
    const std::string name = host.substr(0, host.rfind(':'));
    return serve(host, authority().issue({.common_name = name, .names = {name}}),
                 std::move(replies));
  }
  Host& serve(const std::string& host, const TlsAuthority::Files& files, Replies replies) {
    Host& made = serve_plainly(host, std::move(replies));
    made.context = make_server_context(files);
    return made;
  }
  Host& serve_plainly(const std::string& host, Replies replies) {
    Host& made = hosts_[host];
    made = Host{.context = {}, .replies = std::move(replies), .refused = {}};
    return made;
  }

  /// What each host was asked, in order: "gcr.io:443 GET /v2/ HTTP/1.1\r\n...".
  std::vector<std::string> requests;
  std::vector<DialPurpose> purposes;
  /// So many turns are left.
  int turns = 1'000'000;

  Loop& loop() override { return loop_; }
  bool turn() override {
    if (--turns < 0) return false;
    loop_.turn(1000);
    return true;
  }

  std::string why_over() const override { return "no answer within 9.0 s"; }
  std::string time_fix() const override { return given_.with_timeout("18s"); }
  const GivenCheck& given() const override { return given_; }

  WayTo dial(const HostPort& target, DialPurpose purpose) override {
    purposes.push_back(purpose);
    const std::string name = target.to_string();
    const auto found = hosts_.find(name);
    if (found == hosts_.end()) {
      return {.stream = Error{Errc::connection_refused, Side::target, 0, name + " is not there"},
              .rule = "default",
              .upstream = &tunnel_,
              .cause = {},
              .fix = {}};
    }
    Host& host = found->second;
    const Upstream* const upstream = host.upstream != nullptr ? host.upstream : &tunnel_;
    if (host.denied || !host.refused.empty()) {
      return {.stream = Error{Errc::upstream_denied, Side::target, 0, host.refused},
              .rule = "--route *=deny",
              .upstream = host.denied ? nullptr : upstream,
              .cause = host.refused,
              .fix = "fix of the way"};
    }
    return {.stream = connect(name, host),
            .rule = "default",
            .upstream = upstream,
            .cause = {},
            .fix = {},
            .rule_fix = host.rule_fix};
  }

  bool all_closed() const {
    for (const auto& line : lines_) {
      if (line->wire.open()) return false;
    }
    return true;
  }

 private:
  struct Line {
    explicit Line(Loop& loop) : wire(loop) {}
    Peer wire;
    std::unique_ptr<TlsServer> server;
  };

  std::unique_ptr<Stream> connect(const std::string& name, Host& host) {
    Line& line = *lines_.emplace_back(std::make_unique<Line>(loop_));
    const auto answer = [this, &host, name](const std::string& bytes) {
      requests.push_back(name + " " + bytes);
      return host.replies ? host.replies(bytes) : std::string();
    };
    if (host.dead) {
      line.wire.set_listener([&line](const std::string&, bool) { line.wire.ends(); });
    } else if (host.silent) {
      line.wire.set_listener([](const std::string&, bool) {});
    } else if (host.context) {
      line.server = std::make_unique<TlsServer>(line.wire, host.context);
      line.server->replies = answer;
    } else {
      line.wire.set_listener([&line, answer](const std::string& bytes, bool end) {
        if (!end) line.wire.sends(answer(bytes));
      });
    }
    return line.wire.stream();
  }

  Loop loop_;
  const GivenCheck given_{"--upstream tunnel=socks5://127.0.0.1:1080", "", "TARGET"};
  Upstream tunnel_, direct_;
  std::map<std::string, Host> hosts_;
  std::vector<std::unique_ptr<Line>> lines_;
};

/// "registry gcr.io:443 ok", one a step.
inline std::vector<std::string> shown_steps(const TargetReport& report) {
  std::vector<std::string> out;
  for (const CheckStep& step : report.steps) {
    out.push_back(step.name + " " + step.subject + (step.ok ? " ok" : " failed"));
  }
  return out;
}

}  // namespace culvert::test
