#include "options/listen_tcp.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "base/text.h"
#include "config/listen_url.h"
#include "options/nearest.h"

namespace culvert {
namespace {

constexpr std::string_view kLocalhost = "localhost";
constexpr std::string_view kEveryAddress = "every address is written :PORT, as in :3128";

ListenConfig at(std::string_view ip, std::uint16_t port, bool optional) {
  ListenConfig listen;
  listen.address.ip = IpAddress::parse(ip);
  listen.address.host = ip;
  listen.address.port = port;
  listen.optional = optional;
  return listen;
}

/// Not one of many hosts together.
bool can_be_own(const IpAddress& ip) {
  return !ip.is_multicast() && ip != *IpAddress::parse("255.255.255.255");
}

/// An IPv4 address and its IPv6 counterpart.  Not with port 0, as the two would get different
/// ports.
std::vector<ListenConfig> pair(std::string_view v4, std::string_view v6, std::uint16_t port) {
  std::vector<ListenConfig> listen = {at(v4, port, false)};
  if (port != 0) listen.push_back(at(v6, port, true));
  return listen;
}

/// "[SCHEME://]ADDRESS:PORT" and what may be left out of it.  Every mistake is told, with what to
/// write instead.
class TcpReader {
 public:
  /// `scheme` is "http://" or the like; empty: none was given.
  TcpReader(std::string_view scheme, std::vector<std::string>& problems)
      : scheme_(scheme), problems_(problems) {}

  std::vector<ListenConfig> read(std::string_view text) {
    const std::size_t before = problems_.size();
    text = without_foreign_parts(text);
    std::vector<ListenConfig> listen;
    if (is_one_address(text)) listen = read_address(text);
    return problems_.size() == before ? listen : std::vector<ListenConfig>();
  }

 private:
  /// What other URLs have: a user, a path.
  std::string_view without_foreign_parts(std::string_view text) {
    if (const std::size_t at = text.rfind('@'); at != text.npos) {
      problem(kNoUserInListen);
      text.remove_prefix(at + 1);
    }
    if (text.ends_with('/') && text.find('/') == text.size() - 1) text.remove_suffix(1);
    const std::size_t slash = text.find('/');
    const std::string_view before = text.substr(0, slash);
    if (slash == text.npos || !has_host(before) || has_option(before)) return text;
    problem("a listener has no path; end it behind the port");
    return before;
  }

  /// Before a path, as opposed to "./a", "a/b", "unix:/a", "http://a".
  static bool has_host(std::string_view text) {
    const bool has_port = text.find(':') != text.npos && !text.ends_with(':');
    return has_port || text.ends_with(']') || iequals(text, kLocalhost) || IpAddress::parse(text);
  }

  static bool has_option(std::string_view text) { return text.find_first_of("&=") != text.npos; }

  bool is_one_address(std::string_view text) {
    if (text.find_first_of("\"'") != text.npos) {
      problem("a quote has become a part of the value; leave it out");
    } else if (has_option(text)) {
      problem("options begin with a '?', as in 127.0.0.1:3128?cert=FILE&key=FILE");
    } else if (text.find('/') != text.npos) {
      tell_slash(text);
    } else if (text.find_first_of(" \t") != text.npos) {
      problem("a blank is within it; write ADDRESS:PORT, and --listen again for the next one");
    } else if (text.find_first_of(",;|") != text.npos) {
      problem(
          "one --listen is one address; give it again for the next (a variable has a blank "
          "between them)");
    } else if (text.find('%') != text.npos) {
      problem("an address behind one interface ('%') is not served; [::]:PORT is every address");
    } else {
      return true;
    }
    return false;
  }

  void tell_slash(std::string_view text) {
    if (scheme_.empty() && !text.starts_with("//")) {
      problem("a unix socket is written unix:/path");
    } else if (!scheme_.empty() && text.find(":/") != text.npos) {
      problem("one scheme is enough: http://ADDRESS:PORT, or unix:/path");
    } else {
      problem(concat(
          {"write ", scheme_.empty() ? kHttpScheme : scheme_, "ADDRESS:PORT, with two slashes"}));
    }
  }

  std::vector<ListenConfig> read_address(std::string_view text) {
    if (text.find_first_of("[]") != text.npos) return read_in_brackets(text);
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return read_alone(text);
    const std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    constexpr std::size_t kPortLength = 3;  // of one that may be meant behind a bare IPv6 address
    if (IpAddress::parse(text) && (!IpAddress::parse(host) || port.size() < kPortLength)) {
      problem(concat({"IPv6 needs brackets and a port, as in ", example("[", text, "]")}));
      return {};
    }
    return read_both(host, port);
  }

  /// Without a colon.
  std::vector<ListenConfig> read_alone(std::string_view text) {
    constexpr std::string_view kNumber = "+-0123456789";
    if (!text.empty() && text.find_first_not_of(kNumber) == text.npos) {
      const auto port = read_port(text);
      return port ? loopback_listen(*port) : std::vector<ListenConfig>();
    }
    if (text == "*") {
      problem(kEveryAddress);
    } else if (IpAddress::parse(text) || iequals(text, kLocalhost)) {
      problem(port_missing("", text, ""));
    } else if (!scheme_.empty()) {
      problem(port_missing("", "127.0.0.1", ""));
      if (!text.empty()) read_ip(text);
    } else {
      const std::string_view meant = nearest(to_lower(text), {"systemd", kLocalhost});
      problem(concat({"this is no ADDRESS:PORT, PORT, unix:/path or systemd",
                      meant.empty() ? "" : " (did you mean ", meant, meant.empty() ? "" : "?)"}));
    }
    return {};
  }

  std::vector<ListenConfig> read_in_brackets(std::string_view text) {
    const std::size_t close = text.find(']');
    const std::string_view behind = close == text.npos ? "" : text.substr(close + 1);
    const bool has_form = text.starts_with('[') && text.rfind('[') == 0 && close != text.npos &&
                          text.find(']', close + 1) == text.npos;
    if (!has_form || (!behind.empty() && behind.front() != ':')) {
      problem("write IPv6 as [ADDRESS]:PORT, as in [::1]:3128");
      return {};
    }
    const std::string_view inside = text.substr(1, close - 1);
    const auto ip = read_ip(inside);
    if (ip && behind.size() < 2) {
      problem(port_missing("[", inside, "]"));
      return {};
    }
    const auto port = read_port(behind.substr(std::min<std::size_t>(1, behind.size())));
    return ip && port ? one(*ip, *port) : std::vector<ListenConfig>();
  }

  std::vector<ListenConfig> read_both(std::string_view host, std::string_view digits) {
    const bool local = iequals(host, kLocalhost);
    if (digits.empty() && (local || host.empty() || IpAddress::parse(host))) {
      problem(port_missing("", host, ""));
      return {};
    }
    const auto port = read_port(digits);
    if (host.empty() && port) return pair("0.0.0.0", "::", *port);
    if (local && port) return loopback_listen(*port);
    if (host.empty() || local) return {};
    if (host.find(':') != host.npos) {
      problem(IpAddress::parse(host)
                  ? concat({"IPv6 needs brackets, as in ", scheme_, "[", host,
                            "]:", std::to_string(port.value_or(kDefaultListenPort))})
                  : std::string("one ':' is too many; write ADDRESS:PORT, and IPv6 in brackets, as "
                                "in [::1]:3128"));
      return {};
    }
    const auto ip = read_ip(host);
    return ip && port ? one(*ip, *port) : std::vector<ListenConfig>();
  }

  std::optional<IpAddress> read_ip(std::string_view host) {
    const auto ip = IpAddress::parse(host);
    if (!ip) {
      problem(host == "*" || host == "0"
                  ? std::string(kEveryAddress)
                  : "this is no IP address; listen on one of this host, or on localhost");
      return ip;
    }
    if (!can_be_own(ip->unmapped())) {
      problem("no host has that address as its own; listen on one of this host, or on localhost");
      return std::nullopt;
    }
    return ip;
  }

  /// 0 is allowed: the system chooses.
  std::optional<std::uint16_t> read_port(std::string_view digits) {
    const auto port = parse_number<std::uint16_t>(digits);
    if (!port) problem("the port is not a number from 0 to 65535; write ADDRESS:PORT");
    return port;
  }

  static std::vector<ListenConfig> one(const IpAddress& ip, std::uint16_t port) {
    return {at(ip.unmapped().to_string(), port, false)};
  }

  std::string example(std::string_view open, std::string_view host, std::string_view close) const {
    return concat({scheme_, open, host, close, ":", std::to_string(kDefaultListenPort)});
  }

  std::string port_missing(std::string_view open, std::string_view host,
                           std::string_view close) const {
    return "the port is missing, as in " + example(open, host, close);
  }

  void problem(std::string_view text) { problems_.emplace_back(text); }

  std::string_view scheme_;
  std::vector<std::string>& problems_;
};

}  // namespace

std::vector<ListenConfig> parse_tcp_listen(std::string_view scheme, std::string_view text,
                                           std::vector<std::string>& problems) {
  return TcpReader(scheme, problems).read(text);
}

std::vector<ListenConfig> loopback_listen(std::uint16_t port) {
  return pair("127.0.0.1", "::1", port);
}

}  // namespace culvert
