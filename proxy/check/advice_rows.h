#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace culvert {

/// Whose failure a row is about.
enum class AdviceAbout : std::uint8_t { upstream, target, direct };

/// The first row that fits tells what to say.  In the texts stand for the upstream {at}, {host},
/// {port}, {start} (how it is started), {restart}; for its option as it was given, changed in one
/// thing, {bare} (without credentials), {login} (with), {trust} (with another CA), {sni} (with the
/// certificate's name), {client} (with a certificate of ours), {remote} (without resolve=local),
/// {elsewhere} (another proxy); {other}, {named}, {by direct} for a route; {later} for when it asks
/// to be asked again; {tunnel} for one more upstream, an ssh -D; {by ssh}, {by helper} for a
/// program here that goes to it; {target}, {name}, {number} for the target and its parts; {clause}
/// for what is known of the failure, {advice} for what its clause says helps.
struct AdviceRow {
  AdviceAbout about;
  Errc code;
  std::string_view part;  ///< that the clause has; empty: any
  std::string_view cause;
  std::string_view fix;
};

inline constexpr std::string_view kNothingListens =
    "nc -vz {name} {number}  # on the far end: nothing listens there";
inline constexpr std::string_view kNoWay =
    "nc -vz {name} {number}  # on the far end: nothing answers there, or there is no way to it";
inline constexpr std::string_view kIsNameRight =
    "getent hosts {name}  # on the far end, beyond {at}: is the name right?";

inline constexpr std::string_view kOtherProxy =
    "{elsewhere}  # of a proxy that serves CONNECT, if {at} does not";

inline constexpr std::array kAdviceRows = {
    // The upstream cannot be reached.
    AdviceRow{AdviceAbout::upstream, Errc::connection_refused, "",
              "nothing listens at {at}: the connection was refused", "{start}"},
    AdviceRow{AdviceAbout::upstream, Errc::dns_error, "", "its name {clause}",
              "getent hosts {host}  # then write the address: {elsewhere}"},
    AdviceRow{AdviceAbout::upstream, Errc::dns_timeout, "", "its name {clause}",
              "getent hosts {host}  # then write the address: {elsewhere}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_timeout, "the connection",
              "no answer from {at}, it {clause}: packets vanish on the way",
              "nc -vz {host} {port}  # a firewall drops it, or the address is wrong: {elsewhere}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_timeout, "TLS", "it {clause}",
              "openssl s_client -connect {at}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_timeout, "greeting",
              "{at} accepts connections, but it {clause}: it hangs, or is no SOCKS5 proxy",
              "{restart}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_timeout, "",
              "{at} accepts connections, but it {clause}", "{restart}"},
    AdviceRow{AdviceAbout::upstream, Errc::destination_ip_unroutable, "", "it {clause}",
              "ip route get {host}  # is a network or a VPN down?"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_terminated, "program behind",
              "{at} accepts connections and ends them at once: nothing runs behind that port",
              "{start}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_terminated, "greeting - is it a SOCKS5",
              "it {clause}: nothing runs behind that port, or it is no SOCKS5 proxy", "{start}"},
    // Another protocol, and TLS.
    AdviceRow{AdviceAbout::upstream, Errc::upstream_protocol_error, "SSH", "it {clause}",
              "ssh -N -D 127.0.0.1:1080 -p {port} USER@{host}  # and {by ssh}"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_certificate_error, "expired", "it {clause}",
              "date  # if this clock is right, {at} has to renew its certificate"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_certificate_error, "not valid before", "it {clause}",
              "timedatectl set-ntp true  # this machine's clock (date) may be wrong"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_certificate_error, "but for ", "it {clause}",
              "{sni}"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_certificate_error, "no CA certificates",
              "it {clause}", "apt-get install ca-certificates  # or {trust}"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_certificate_error, "", "it {clause}",
              "{trust}  # of the CA that issued its certificate"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_protocol_error, "certificate", "it {clause}",
              "{client}"},
    AdviceRow{AdviceAbout::upstream, Errc::tls_protocol_error, "", "it {clause}",
              "openssl s_client -connect {at}  # does it speak TLS there?"},
    // Authentication.
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "NTLM",
              "it wants a password of another kind than Basic: {advice}",
              "cntlm -f -I -u USER -d DOMAIN -l 127.0.0.1:3129 {host} {port}  # and {by helper}"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "takes only",
              "it wants a password of another kind than Basic: {advice}",
              "px --proxy={at} --port=3129 --username=USER  # speaks Digest and Negotiate for us, "
              "then {by helper}; or ask who runs {at} to allow Basic"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "takes no user",
              "it takes no user and password (ssh -D never does)", "{bare}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_terminated, "may take no user",
              "it {clause}: it may take no user and password (ssh -D never does)", "{bare}"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "want",
              "it wants a user and password", "{login}  # or ?password-file=FILE"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "insists",
              "it wants a user and password", "{login}  # or ?password-file=FILE"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_auth_failed, "",
              "user or password is wrong: it {clause}", "{login}  # or ?password-file=FILE"},
    AdviceRow{AdviceAbout::upstream, Errc::upstream_protocol_error, "",
              "it {clause}: {at} is no proxy of that kind",
              "{elsewhere}  # whose port is not {port}"},
    AdviceRow{AdviceAbout::upstream, Errc::connection_terminated, "",
              "it {clause}: it may be no proxy of that kind", "{elsewhere}  # if not {at}"},
    // Names that are looked up here, for an upstream.
    AdviceRow{
        AdviceAbout::target, Errc::dns_error, "",
        "{target} {clause}: with resolve=local this machine's own resolver looks names up, not the "
        "far end",
        "{remote}  # then the far end looks {name} up; or getent hosts {name}, to mend what is "
        "missing here"},
    AdviceRow{
        AdviceAbout::target, Errc::dns_timeout, "",
        "{target} {clause}: with resolve=local this machine's own resolver looks names up, not the "
        "far end",
        "{remote}  # then the far end looks {name} up; or getent hosts {name}, to mend what is "
        "missing here"},
    // Beyond the upstream.
    AdviceRow{AdviceAbout::target, Errc::connection_terminated, "ssh -D",
              "it closed the connection instead of answering for {target}: ssh -D does so when its "
              "far end cannot resolve or reach that",
              "ssh USER@HOST nc -vz {name} {number}  # HOST as for ssh -D, which with -v tells the "
              "reason"},
    AdviceRow{AdviceAbout::target, Errc::connection_terminated, "", "it {clause}",
              "{restart}  # its log tells why it hung up"},
    AdviceRow{AdviceAbout::target, Errc::connection_refused, "", "it {clause}", kNothingListens},
    AdviceRow{AdviceAbout::target, Errc::upstream_denied, "", "its rules forbid it: it {clause}",
              "{other}  # an upstream that may; or ask who runs {at} to allow "
              "{target}"},
    AdviceRow{AdviceAbout::target, Errc::upstream_wants_sign_in, "", "it {clause}",
              "sign in with a browser whose proxy is {at}, then check again"},
    AdviceRow{AdviceAbout::target, Errc::upstream_unsupported, "answered 405",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{AdviceAbout::target, Errc::upstream_unsupported, "answered 501",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{AdviceAbout::target, Errc::upstream_unsupported, "", "it {clause}",
              "{other}  # an upstream that serves CONNECT"},
    AdviceRow{AdviceAbout::target, Errc::connection_timeout, "says", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{AdviceAbout::target, Errc::connection_timeout, "504", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{AdviceAbout::target, Errc::connection_timeout, "",
              "it {clause}: it took the request for {target} and hangs", "{restart}"},
    AdviceRow{AdviceAbout::target, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "{named}  # the upstream that may reach it"},
    AdviceRow{AdviceAbout::target, Errc::proxy_loop_detected, "",
              "it {clause}: the upstream leads back to itself", "{elsewhere}"},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "answered 451",
              "its rules forbid it: it {clause}",
              "{other}  # an upstream that may; or ask who runs {at} to allow {target}"},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "answered 429",
              "it {clause}: it limits how often it may be asked",
              "check again {later}  # or {other}, by an upstream that may"},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "answered 400",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "answered 404",
              "it {clause}: it may be a web server, not a proxy", kOtherProxy},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "connection refused",
              "it {clause}", kNothingListens},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "refused the connection",
              "it {clause}", kNothingListens},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "timed out", "it {clause}",
              "nc -vz {name} {number}  # on the far end: a firewall there may drop the packets"},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "no route to host", "it {clause}",
              kNoWay},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "network unreachable",
              "it {clause}", kNoWay},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "CONNECT_FAIL", "it {clause}",
              kNoWay},
    AdviceRow{AdviceAbout::target, Errc::destination_unavailable, "", "it {clause}", kIsNameRight},
    AdviceRow{AdviceAbout::target, Errc::destination_ip_unroutable, "", "it {clause}",
              kIsNameRight},
    // Without an upstream.
    AdviceRow{AdviceAbout::direct, Errc::destination_ip_prohibited, "", "{target} {clause}",
              "{by direct}"},
    AdviceRow{AdviceAbout::direct, Errc::connection_refused, "", "{target} {clause}",
              "nc -vz {name} {number}  # nothing listens there"},
    AdviceRow{AdviceAbout::direct, Errc::dns_error, "", "{target} {clause}",
              "{tunnel}, where {name} resolves"},
};
inline constexpr std::array kOtherAdvice = {
    AdviceRow{AdviceAbout::upstream, {}, "", "it {clause}", "{restart}"},
    AdviceRow{AdviceAbout::target, {}, "", "it {clause}", "{restart}  # its log tells more"},
    AdviceRow{AdviceAbout::direct,
              {},
              "",
              "{target} {clause}",
              "{tunnel}, from where {name} can be reached"},
};

}  // namespace culvert
