#include "base/ip_address.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "base/text.h"

namespace culvert {
namespace {

using Groups = std::array<std::uint16_t, 8>;

/// "a.b.c.d", each 0..255 without leading zeros, into `out`.
bool parse_quad(std::string_view text, std::uint8_t* out) {
  std::size_t pos = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (pos == text.size() || text[pos] != '.') return false;
      ++pos;
    }
    const std::size_t start = pos;
    unsigned value = 0;
    while (pos < text.size() && is_digit(text[pos]) && pos - start < 3) {
      value = value * 10 + static_cast<unsigned>(text[pos] - '0');
      ++pos;
    }
    const std::size_t digits = pos - start;
    if (digits == 0 || value > 255 || (digits > 1 && text[start] == '0')) return false;
    out[i] = static_cast<std::uint8_t>(value);
  }
  return pos == text.size();
}

/// One to four hexadecimal digits.
std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  std::uint16_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Appends the groups of `text` ("2001:db8", "ffff:192.0.2.1", or nothing at all); a dotted quad
/// may stand last if `quad_allowed`.  False if malformed or if there are more than eight.
bool append_groups(std::string_view text, bool quad_allowed, Groups& groups, std::size_t& count) {
  if (text.empty()) return true;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && quad_allowed && part.find('.') != std::string_view::npos) {
      std::array<std::uint8_t, 4> quad;
      if (count > 6 || !parse_quad(part, quad.data())) return false;
      groups[count++] = static_cast<std::uint16_t>(quad[0] << 8 | quad[1]);
      groups[count++] = static_cast<std::uint16_t>(quad[2] << 8 | quad[3]);
      return true;
    }
    const auto group = parse_group(part);
    if (!group || count == 8) return false;
    groups[count++] = *group;
    if (last) return true;
    text.remove_prefix(colon + 1);
  }
}

std::optional<Groups> parse_groups(std::string_view text) {
  Groups head{};
  std::size_t head_count = 0;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!append_groups(text, true, head, head_count) || head_count != 8) return std::nullopt;
    return head;
  }
  Groups tail{};
  std::size_t tail_count = 0;
  if (!append_groups(text.substr(0, gap), false, head, head_count)) return std::nullopt;
  if (!append_groups(text.substr(gap + 2), true, tail, tail_count)) return std::nullopt;
  // "::" stands for at least one group (RFC 4291 section 2.2).
  if (head_count + tail_count > 7) return std::nullopt;
  std::copy_n(tail.begin(), tail_count, head.end() - static_cast<std::ptrdiff_t>(tail_count));
  return head;
}

void append_quad(std::string& out, const std::uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    append_number(out, bytes[i]);
  }
}

bool is_mapped(const std::uint8_t* bytes) {
  return std::all_of(bytes, bytes + 10, [](std::uint8_t b) { return b == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

/// The first of the longest runs of zero groups, as [start, start + length); RFC 5952 section 4.2.
struct Run {
  std::size_t start = 0;
  std::size_t length = 0;
};
Run longest_zero_run(const Groups& groups) {
  Run best;
  Run run;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != 0) {
      run.length = 0;
      continue;
    }
    if (run.length == 0) run.start = i;
    ++run.length;
    if (run.length > best.length) best = run;
  }
  // A single zero group is not to be shortened.
  return best.length > 1 ? best : Run{};
}

std::string v6_text(const std::uint8_t* bytes) {
  std::string out;
  if (is_mapped(bytes)) {  // RFC 5952 section 5: a known prefix shows its IPv4 part as such
    out = "::ffff:";
    append_quad(out, bytes + 12);
    return out;
  }
  Groups groups;
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  }
  const Run run = longest_zero_run(groups);
  for (std::size_t i = 0; i < 8;) {
    if (run.length > 0 && i == run.start) {
      out += "::";
      i += run.length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_number(out, groups[i], 16);
    ++i;
  }
  return out;
}

/// The first `prefix` bits of both are the same.
bool same_prefix(const std::uint8_t* a, const std::uint8_t* b, unsigned prefix) {
  const std::size_t whole = prefix / 8;
  if (!std::equal(a, a + whole, b)) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xff00U >> rest & 0xffU;
  return (a[whole] & mask) == (b[whole] & mask);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find(':') == std::string_view::npos) {
    std::array<std::uint8_t, 4> quad;
    if (!parse_quad(text, quad.data())) return std::nullopt;
    return v4(quad);
  }
  const auto groups = parse_groups(text);
  if (!groups) return std::nullopt;
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[2 * i] = static_cast<std::uint8_t>((*groups)[i] >> 8);
    bytes[2 * i + 1] = static_cast<std::uint8_t>((*groups)[i] & 0xff);
  }
  return v6(bytes);
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  address.family_ = Family::v4;
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress address;
  address.bytes_ = bytes;
  address.family_ = Family::v6;
  return address;
}

std::optional<IpAddress> IpAddress::of_octets(std::string_view octets) {
  IpAddress address;
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  std::copy(octets.begin(), octets.end(), address.bytes_.begin());
  address.family_ = octets.size() == 4 ? Family::v4 : Family::v6;
  return address;
}

IpAddress IpAddress::unmapped() const {
  if (is_v4() || !is_mapped(bytes_.data())) return *this;
  return v4({bytes_[12], bytes_[13], bytes_[14], bytes_[15]});
}

IpAddress IpAddress::of_one_client() const {
  constexpr std::size_t kNetworkBytes = 8;
  const IpAddress address = unmapped();
  if (address.is_v4() || address.is_loopback()) return address;
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(address.bytes(), kNetworkBytes, bytes.begin());
  return v6(bytes);
}

bool IpAddress::is_loopback() const {
  const IpAddress address = unmapped();
  if (address.is_v4()) return address.bytes_[0] == 127;
  return address == v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

bool IpAddress::is_link_local() const {
  const IpAddress address = unmapped();
  if (address.is_v4()) return address.bytes_[0] == 169 && address.bytes_[1] == 254;
  return address.bytes_[0] == 0xfe && (address.bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_unspecified() const {
  const IpAddress address = unmapped();
  if (address.is_v4()) return address.bytes_[0] == 0;
  return address == v6({});
}

bool IpAddress::is_multicast() const {
  const IpAddress address = unmapped();
  if (address.is_v4()) return (address.bytes_[0] & 0xf0) == 0xe0;
  return address.bytes_[0] == 0xff;
}

std::string IpAddress::to_string() const {
  if (!is_v4()) return v6_text(bytes_.data());
  std::string out;
  append_quad(out, bytes_.data());
  return out;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto base = IpAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  const auto bits = static_cast<unsigned>(base->size() * 8);
  if (slash == std::string_view::npos) return Cidr(*base, bits);

  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty() || digits.size() > 3 || !std::all_of(digits.begin(), digits.end(), is_digit) ||
      (digits.size() > 1 && digits[0] == '0')) {
    return std::nullopt;
  }
  unsigned prefix = 0;
  for (const char c : digits) prefix = prefix * 10 + static_cast<unsigned>(c - '0');
  if (prefix > bits) return std::nullopt;
  for (unsigned bit = prefix; bit < bits; ++bit) {
    if ((base->bytes()[bit / 8] & 0x80U >> bit % 8) != 0) return std::nullopt;
  }
  return Cidr(*base, prefix);
}

bool Cidr::contains(const IpAddress& address) const {
  // ::ffff:10.0.0.0/104 means what 10.0.0.0/8 means; a shorter prefix is about IPv6 as such.
  if (!base_.is_v4() && prefix_ >= 96 && base_.unmapped().is_v4()) {
    return Cidr(base_.unmapped(), prefix_ - 96).contains(address);
  }
  const IpAddress plain = base_.is_v4() ? address.unmapped() : address;
  if (plain.family() != base_.family()) return false;
  return same_prefix(plain.bytes(), base_.bytes(), prefix_);
}

std::string Cidr::to_string() const {
  std::string out = base_.to_string() + "/";
  append_number(out, prefix_);
  return out;
}

}  // namespace culvert
