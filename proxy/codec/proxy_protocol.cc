#include "codec/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.h"

namespace culvert {
namespace {

using Read = Result<std::optional<std::size_t>>;

constexpr std::size_t kMostOfLine = 107;  // section 2.1, its CRLF included
constexpr std::size_t kFixedBytes = 16;   // section 2.2: signature, version, family, length
constexpr std::size_t kMostAfterFixed = 4096;

// Section 2.2: version and command, then family and transport.
constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::uint8_t kLocal = 0x0;
constexpr std::uint8_t kProxy = 0x1;
constexpr std::uint8_t kUnspecified = 0x00;
constexpr std::uint8_t kTcp4 = 0x11;
constexpr std::uint8_t kTcp6 = 0x21;
constexpr std::uint8_t kUnixStream = 0x31;
constexpr std::uint8_t kDatagram = 0x02;  // of the lower half
constexpr std::size_t kPortBytes = 2;
constexpr std::size_t kUnixBytes = 216;  // two paths

constexpr std::uint8_t kChecksumType = 0x03;  // section 2.2.3: PP2_TYPE_CRC32C
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kTlvHead = 3;  // type and length

Error malformed(const char* what) {
  return {Errc::http_request_error, Side::client, 0,
          std::string("malformed PROXY protocol header: ") + what};
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// ---- version 1

/// The next word of the line, which has exactly one blank before each.
std::string_view take_word(std::string_view& line) {
  const std::size_t blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
  return word;
}

std::optional<std::uint16_t> port_in(std::string_view word) {
  // "05" might be octal to somebody.
  if (word.size() > 1 && word[0] == '0') return std::nullopt;
  return parse_number<std::uint16_t>(word);
}

/// Of the line without its CRLF.
Result<void> read_line(std::string_view line, ConnectionEnds& ends) {
  line.remove_prefix(kProxyLineOpening.size());
  const std::string_view family = line.substr(0, line.find(' '));
  // Whatever follows is to be ignored.
  if (family == "UNKNOWN") return {};
  if (family != "TCP4" && family != "TCP6") return malformed("neither TCP4, TCP6 nor UNKNOWN");
  if (std::count(line.begin(), line.end(), ' ') != 4) {
    return malformed("not two addresses and two ports");
  }
  take_word(line);
  const auto client = IpAddress::parse(take_word(line));
  const auto reached = IpAddress::parse(take_word(line));
  const auto client_port = port_in(take_word(line));
  const auto reached_port = port_in(line);
  if (!client || !reached) return malformed("not an IP address");
  const bool v4 = family == "TCP4";
  if (client->is_v4() != v4 || reached->is_v4() != v4) {
    return malformed("an address of another family than it says");
  }
  if (!client_port || !reached_port) return malformed("a port is not a number from 0 to 65535");
  ends.client = SocketEnd{client->unmapped(), *client_port};
  ends.reached = SocketEnd{reached->unmapped(), *reached_port};
  return {};
}

Read read_version1(std::string_view received, ConnectionEnds& ends) {
  const std::string_view most = received.substr(0, kMostOfLine);
  const std::size_t end = most.find("\r\n");
  if (end == std::string_view::npos) {
    if (most.size() == kMostOfLine) return malformed("its line has more than 107 bytes");
    return std::optional<std::size_t>();
  }
  if (auto fine = read_line(most.substr(0, end), ends); !fine) return std::move(fine).error();
  return std::optional(end + 2);
}

// ---- version 2

/// `after` is what follows the fixed part, and has room for the addresses and ports.
void read_addresses(std::string_view after, bool v4, ConnectionEnds& ends) {
  const std::size_t size = v4 ? 4 : 16;
  const auto client = IpAddress::of_octets(after.substr(0, size));
  const auto reached = IpAddress::of_octets(after.substr(size, size));
  ends.client = SocketEnd{client->unmapped(), number_at(after, 2 * size)};
  ends.reached = SocketEnd{reached->unmapped(), number_at(after, 2 * size + kPortBytes)};
}

/// How many bytes the addresses of a family take.  nullopt: it is no stream's.
std::optional<std::size_t> address_bytes(std::uint8_t family) {
  switch (family) {
    case kUnspecified:
      return 0;
    case kTcp4:
      return 2 * (4 + kPortBytes);
    case kTcp6:
      return 2 * (16 + kPortBytes);
    case kUnixStream:
      return kUnixBytes;
    default:
      return std::nullopt;
  }
}

/// CRC-32C (RFC 3309 section 3) of `whole`, where the bytes from `hole` on count as zeros.
std::uint32_t checksum_of(std::string_view whole, std::size_t hole) {
  constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;
  std::uint32_t crc = ~std::uint32_t{0};
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (i < hole || i >= hole + kChecksumBytes) crc ^= byte_at(whole, i);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kReversedPolynomial : 0);
  }
  return ~crc;
}

/// Of the whole header, whose TLVs begin at `at`.
Result<void> check_tlvs(std::string_view whole, std::size_t at) {
  while (at < whole.size()) {
    if (whole.size() - at < kTlvHead) return malformed("a TLV is cut off");
    const std::size_t value = at + kTlvHead;
    const std::size_t length = number_at(whole, at + 1);
    if (length > whole.size() - value) return malformed("a TLV is longer than the header");
    if (byte_at(whole, at) == kChecksumType) {
      if (length != kChecksumBytes) return malformed("a checksum has 4 bytes");
      const std::uint32_t given =
          std::uint32_t{number_at(whole, value)} << 16 | number_at(whole, value + 2);
      if (given != checksum_of(whole, value)) return malformed("its checksum is wrong");
    }
    at = value + length;
  }
  return {};
}

/// Of the whole header.
Result<void> read_binary(std::string_view whole, ConnectionEnds& ends) {
  const std::uint8_t command = byte_at(whole, 12) & 0x0f;
  const std::uint8_t family = byte_at(whole, 13);
  if (command != kLocal && command != kProxy) return malformed("an unknown command");
  // Of LOCAL all else is to be ignored.
  if (command == kLocal) return {};
  const auto size = address_bytes(family);
  if ((family & 0x0f) == kDatagram) return malformed("it is about a datagram, not a connection");
  if (!size) return malformed("an unknown address family");
  if (*size > whole.size() - kFixedBytes) return malformed("too short for its addresses");
  if (auto fine = check_tlvs(whole, kFixedBytes + *size); !fine) return fine;
  if (family != kTcp4 && family != kTcp6) return {};
  read_addresses(whole.substr(kFixedBytes), family == kTcp4, ends);
  return {};
}

Read read_version2(std::string_view received, ConnectionEnds& ends) {
  if (received.size() > 12 && (byte_at(received, 12) & 0xf0) != kVersion2) {
    return malformed("neither version 1 nor 2");
  }
  if (received.size() < kFixedBytes) return std::optional<std::size_t>();
  const std::size_t after = number_at(received, 14);
  if (after > kMostAfterFixed) return malformed("more than 4096 bytes");
  if (received.size() - kFixedBytes < after) return std::optional<std::size_t>();
  if (auto fine = read_binary(received.substr(0, kFixedBytes + after), ends); !fine) {
    return std::move(fine).error();
  }
  return std::optional(kFixedBytes + after);
}

/// As far as both go.
bool agree(std::string_view one, std::string_view other) {
  const std::size_t size = std::min(one.size(), other.size());
  return one.substr(0, size) == other.substr(0, size);
}

// ---- writing

/// ::ffff:a.b.c.d for an IPv4 address.
IpAddress as_v6(const IpAddress& ip) {
  if (!ip.is_v4()) return ip;
  std::array<std::uint8_t, 16> bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + 12, ip.bytes(), 4);
  return IpAddress::v6(bytes);
}

bool is_known(const ConnectionEnds* ends) {
  return ends != nullptr && ends->client && ends->reached;
}

/// Both of one family, as the header has it.
ConnectionEnds alike(ConnectionEnds ends) {
  if (ends.client->ip.is_v4() == ends.reached->ip.is_v4()) return ends;
  ends.client->ip = as_v6(ends.client->ip);
  ends.reached->ip = as_v6(ends.reached->ip);
  return ends;
}

std::string make_line(const ConnectionEnds* given) {
  if (!is_known(given)) return "PROXY UNKNOWN\r\n";
  const ConnectionEnds ends = alike(*given);
  const char* const family = ends.client->ip.is_v4() ? "TCP4 " : "TCP6 ";
  return std::string(kProxyLineOpening) + family + ends.client->ip.to_string() + ' ' +
         ends.reached->ip.to_string() + ' ' + std::to_string(ends.client->port) + ' ' +
         std::to_string(ends.reached->port) + "\r\n";
}

void append_two_bytes(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8 & 0xff);
  out += static_cast<char>(number & 0xff);
}

std::string make_binary(const ConnectionEnds* given) {
  std::string out(kProxyBinaryOpening);
  // PROXY with AF_UNSPEC would be possible for a client without an address, but haproxy refuses it,
  // and sends LOCAL itself.
  if (!is_known(given)) return out + static_cast<char>(kVersion2 | kLocal) + std::string(3, '\0');
  out += static_cast<char>(kVersion2 | kProxy);
  const ConnectionEnds ends = alike(*given);
  const bool v4 = ends.client->ip.is_v4();
  out += static_cast<char>(v4 ? kTcp4 : kTcp6);
  append_two_bytes(out, *address_bytes(v4 ? kTcp4 : kTcp6));
  out += ends.client->ip.octets();
  out += ends.reached->ip.octets();
  append_two_bytes(out, ends.client->port);
  append_two_bytes(out, ends.reached->port);
  return out;
}

}  // namespace

Result<std::optional<std::size_t>> read_proxy_header(std::string_view received,
                                                     ConnectionEnds& ends) {
  ends = {};
  if (!may_be_proxy_header(received)) {
    return Error{Errc::http_request_error, Side::client, 0, "no PROXY protocol header came first"};
  }
  if (received.size() < kProxyLineOpening.size()) return std::optional<std::size_t>();
  if (received[0] == kProxyLineOpening[0]) return read_version1(received, ends);
  return read_version2(received, ends);
}

bool may_be_proxy_header(std::string_view received) {
  return agree(received, kProxyLineOpening) || agree(received, kProxyBinaryOpening);
}

std::string make_proxy_header(ProxyVersion version, const ConnectionEnds* ends) {
  return version == ProxyVersion::v1 ? make_line(ends) : make_binary(ends);
}

}  // namespace culvert
