#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "net/dns_client.h"
#include "net/loop.h"
#include "net/name_board.h"
#include "net/name_config.h"
#include "net/name_services.h"

namespace culvert {

/// How a Resolver looks names up.
struct ResolverOptions {
  NameConfigFiles files;
  DnsClient::Options dns;
  /// The C library alone is asked; for tests that replace its answers.
  bool libc_only = false;
  /// Whether the C library can be asked for sources that only it knows.
  bool name_services = has_name_services();
  /// Shared by all resolvers that are given the same one.
  std::shared_ptr<NameBoard> board = std::make_shared<NameBoard>();
  /// How many names of targets are looked up at a time, and how many of upstreams.
  std::size_t most_names = 4'096;

  /// What the Resolver of a Loop takes; to be changed before the first Loop.
  static ResolverOptions& defaults();
};

/// The look-ups of one loop, each name once at a time however many wait for it, in other loops, too
/// (see NameBoard): the hosts file and
/// DNS by our own client, the C library in a thread for sources that only it knows (see
/// NameServices).
class Resolver {
 public:
  explicit Resolver(Loop& loop, ResolverOptions options = ResolverOptions::defaults());
  /// After the last Lookup.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// How many names are looked up at the moment.
  std::size_t names() const { return targets_.size() + upstreams_.size(); }

 private:
  friend class Lookup;
  class Question;
  using Questions = std::map<std::string, std::shared_ptr<Question>>;

  std::shared_ptr<Question> question_for(const std::string& name, Side side);
  void refresh();
  void forget_unwanted(const std::string& name, Side side);
  Questions& questions_of(Side side) { return side == Side::target ? targets_ : upstreams_; }

  Loop& loop_;
  ResolverOptions options_;
  NameConfig config_;
  std::shared_ptr<DnsClient> dns_;
  // Apart, as the errors differ, and so that dead names of targets cannot use up the others' room.
  Questions targets_;
  Questions upstreams_;
  std::size_t waiting_ = 0;  // Lookups
};

/// One who waits for a name's addresses.  Destruction cancels: the callback is then not called.
class Lookup {
 public:
  using Found = Result<std::vector<IpAddress>>;

  /// `side` is the name's, for the errors.  `done` is called exactly once, in a later turn, and may
  /// destroy the Lookup.  A name with a final dot is absolute, to others the search list of
  /// resolv.conf is applied.  The addresses are in the order of RFC 6724, without duplicates; never
  /// empty.  The error's text is a clause that follows the name ("does not resolve here"):
  /// Errc::dns_timeout when no DNS server answered, Errc::dns_error for all other answers.
  Lookup(Loop& loop, const std::string& name, Side side, Callback<void(Found)> done);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

 private:
  friend class Resolver;

  Resolver& resolver_;
  Callback<void(Found)> done_;
  std::shared_ptr<Resolver::Question> question_;
};

}  // namespace culvert
