#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"
#include "net/listener.h"
#include "net/passed_sockets.h"

namespace culvert {

/// The sockets of every `--listen` and `--admin`: those that another process passed on, and those
/// bound here.
class Listeners {
 public:
  explicit Listeners(std::size_t workers) : of_workers_(workers) {}

  /// Takes what `config` names out of `given`, and closes the rest.  Each socket of systemd's that
  /// is missing or cannot be used becomes a line of `problems`.
  void take(const Config& config, const Inheritance& given, std::vector<std::string>& problems);
  /// The same for sockets that are passed on later, before all are bound.
  void take_more(const Config& config, const std::vector<PassedSocket>& sockets);
  /// Binds what was not passed on, unless that is done already.  Each address that cannot be bound
  /// becomes a line of `problems`; then nothing stays bound.
  void bind(const Config& config, std::vector<std::string>& problems);
  /// bind() has failed since another program has one of the addresses.
  bool address_in_use() const { return address_in_use_; }

  /// "http://127.0.0.1:3128" and the like, as clients write it, one for each address.
  const std::vector<std::string>& urls() const { return urls_; }
  /// For each of them its place in Config::listen.
  const std::vector<std::size_t>& listen_of_urls() const { return listen_of_urls_; }
  /// The addresses for the address guard.
  const std::vector<HostPort>& addresses() const { return addresses_; }
  /// Those among all addresses, also of `--admin`, that no interface had when they were bound:
  /// clients are served there as soon as one has it.
  const std::vector<HostPort>& awaited() const { return awaited_; }
  /// What is odd but does not prevent serving, one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// A socket outlives this process: what connects after our end waits for the next one.
  bool outlive_us() const { return outlive_us_; }

  // ListenSocket::index() of each is its place in Config::listen, or in Config::admin.

  /// Sockets that only this worker accepts from.
  std::vector<ListenSocket> take_of_worker(std::size_t index) {
    return std::move(of_workers_[index]);
  }
  /// Sockets for all workers, which exist only once.
  std::vector<ListenSocket> take_of_all() { return std::move(of_all_); }

  /// Those of `--admin`.
  std::vector<ListenSocket> take_of_admin() { return std::move(of_admin_); }
  /// "http://127.0.0.1:9128" and the like, one for each.
  const std::vector<std::string>& admin_urls() const { return admin_urls_; }

  /// All sockets, for a successor, also after they were taken.
  std::vector<PassedSocket> to_pass_on() const;

 private:
  struct Open {
    PassedSocket socket;
    SocketFile file;  // of a unix socket that systemd does not own
  };

  // An `index` is a place in Config::listen with Config::admin behind it.
  static std::size_t count(const Config& config) {
    return config.listen.size() + config.admin.size();
  }
  static const ListenConfig& at(const Config& config, std::size_t index);
  void take_systemd(const Config& config, std::size_t index, const Inheritance& given,
                    std::vector<std::string>& problems);
  bool take_handed_over(const Config& config, std::size_t index);
  void close_passed();
  void bind_each(const Config& config, std::vector<std::string>& problems);
  Result<void> bind_tcp(const Config& config, std::size_t index);
  ListenSocket::Takes taken_by(const ListenConfig& listen, const Config& config) const;
  void warn_of_missing_ipv4();
  void warn_of_awaited();
  Result<void> bind_unix(const Config& config, std::size_t index);
  /// `sockets` are of one address.
  void add(std::vector<ListenSocket> sockets, const Config& config, std::size_t index,
           const std::string& label);
  void add_admin(std::vector<ListenSocket> sockets, const ListenConfig& listen, std::size_t index);

  std::vector<std::vector<ListenSocket>> of_workers_;
  std::vector<ListenSocket> of_all_;
  std::vector<PassedSocket> passed_;  // nobody's yet
  std::vector<ListenSocket> of_admin_;
  std::vector<bool> taken_;  // for each index: it was passed on
  std::vector<std::string> urls_;
  std::vector<std::string> admin_urls_;
  std::vector<std::size_t> listen_of_urls_;
  std::vector<HostPort> addresses_;
  std::vector<HostPort> awaited_;
  std::vector<std::string> warnings_;
  std::vector<Open> open_;
  bool outlive_us_ = false;
  bool bound_ = false;
  bool address_in_use_ = false;
};

}  // namespace culvert
