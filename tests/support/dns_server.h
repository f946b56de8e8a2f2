// A DNS server on loopback, and a Resolver that asks it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/resolver.h"
#include "support/sockets.h"

namespace culvert::test {

/// Answers over UDP and TCP whenever it is told to serve.  A name that was not added is NXDOMAIN.
class DnsServer {
 public:
  static constexpr int kA = 1;
  static constexpr int kAaaa = 28;

  DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  /// "127.0.0.1:5353"
  std::string address() const;

  void add(const std::string& name, const std::vector<std::string>& addresses);
  /// Questions for `name` are answered with this RCODE (RFC 1035 section 4.1.1).
  void fail(const std::string& name, int code) { codes_[name] = code; }
  /// The next `count` questions for `name` and `type` stay without an answer.
  void lose(const std::string& name, int type, int count = 1'000'000);
  /// `name` is an alias of `target` (CNAME), of which nothing more is known.
  void add_alias(const std::string& name, const std::string& target) { aliases_[name] = target; }
  /// A question with more than RFC 1035 knows (EDNS) is a FORMERR.
  void refuse_extensions() { plain_only_ = true; }
  /// UDP answers have no room for a record (TC).
  void truncate() { truncating_ = true; }

  /// The next `count` questions over TCP stay without an answer.
  void lose_over_tcp(int count = 1'000'000) { losing_over_tcp_ = count; }

  /// Answers what has arrived.
  void serve();

  /// How often it was asked.
  int asked(const std::string& name, int type) const;
  /// The names in the order of their first question.
  const std::vector<std::string>& names() const { return names_; }
  int tcp_questions() const { return tcp_questions_; }

 private:
  std::string answer(std::string_view question, bool tcp);
  void serve_tcp();

  Fd udp_;
  Fd listening_;
  std::uint16_t port_ = 0;
  std::vector<Fd> connections_;
  std::map<std::string, std::vector<std::string>> zone_;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, int> codes_;
  std::map<std::pair<std::string, int>, int> losing_;
  std::map<std::pair<std::string, int>, int> asked_;
  std::vector<std::string> names_;
  int losing_over_tcp_ = 0;
  bool truncating_ = false;
  bool plain_only_ = false;
  int tcp_questions_ = 0;
};

/// While it exists, a new Loop looks names up as the files in a folder of its own say, which are
/// missing at first, and asks the server.
class OwnNames {
 public:
  explicit OwnNames(const std::string& server);
  ~OwnNames();
  OwnNames(const OwnNames&) = delete;
  OwnNames& operator=(const OwnNames&) = delete;

  void write_resolv_conf(std::string_view text) { write("resolv.conf", text); }
  void write_hosts(std::string_view text) { write("hosts", text); }
  void write_nsswitch(std::string_view text) { write("nsswitch.conf", text); }
  void write_gai_conf(std::string_view text) { write("gai.conf", text); }
  ResolverOptions& options() { return ResolverOptions::defaults(); }

 private:
  void write(const std::string& file, std::string_view text);

  ResolverOptions saved_;
  TempDir folder_;
};

}  // namespace culvert::test
