#include "codec/chunked.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "codec/intermediary.h"
#include "codec/octets.h"

namespace culvert {
namespace {

constexpr std::uint64_t kMaxSize = 0x7fff'ffff'ffff'ffff;
constexpr std::size_t kMaxSizeLine = 1024;

/// A sender may spend on each chunk's line 16 bytes and twice the chunk's size, and this much more
/// in all: enough for signatures, too little to keep us busy with nothing.
constexpr std::size_t kMaxOverhead = 16 * 1024;

constexpr HeadLimits kTrailerLimits = {.bytes = 16 * 1024, .target = 1024, .fields = 64};

/// RFC 9110 section 6.5.1: framing, routing, request modifiers, authentication, content format, and
/// fields that a recipient could merge into the head with unexpected effects.
constexpr std::array<std::string_view, 30> kNotInTrailers = {
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "www-authenticate",
};

}  // namespace

ChunkedDecoder::ChunkedDecoder(HeadScanner::Kind kind)
    : kind_(kind), trailer_scanner_(kind, kTrailerLimits) {}

void ChunkedDecoder::reset() {
  state_ = State::size_start;
  left_ = 0;
  line_ = 0;
  overhead_ = 0;
  trailer_buffer_.clear();
  trailer_scanner_.reset();
  trailers_.clear();
}

Result<ChunkedDecoder::Step> ChunkedDecoder::consume(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    if (state_ == State::data) {
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
      left_ -= length;
      if (left_ == 0) state_ = State::data_cr;
      return Step{used + length, bytes.substr(used, length)};
    }
    if (state_ == State::trailer) {
      const auto taken = take_trailer(bytes.substr(used));
      if (!taken) return taken.error();
      used += *taken;
      continue;
    }
    if (auto fine = take(bytes[used++]); !fine) return std::move(fine).error();
  }
  return Step{used, {}};
}

/// One byte of what is between the data.
Result<void> ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::size_start:
    case State::size:
      return take_size(c);
    case State::after_size:  // RFC 9112 section 7.1.1: BWS ";"
      if (c == ';') {
        state_ = State::extension;
      } else if (c == '\r' && kind_ == HeadScanner::Kind::response) {
        state_ = State::size_lf;
      } else if (c != ' ' && c != '\t') {
        return fail("a chunk size is followed by something else than an extension");
      }
      break;
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (!is_octet(c, kFieldText)) {
        return fail("a chunk extension contains control bytes");
      }
      break;
    case State::size_lf:
      if (c != '\n') return fail("a chunk size line does not end in CRLF");
      return end_size_line();
    case State::data_cr:
      if (c != '\r') return fail("a chunk is longer than it said");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return fail("a chunk does not end in CRLF");
      state_ = State::size_start;
      return {};
    default:
      return {};
  }
  if (++line_ > kMaxSizeLine) return fail("a chunk extension is too long");
  return {};
}

Result<void> ChunkedDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit < 0) {
    if (state_ == State::size_start) return fail("a chunk size is not hexadecimal");
    if (c == '\r') {
      state_ = State::size_lf;
    } else if (c == ';') {
      state_ = State::extension;
    } else if (c == ' ' || c == '\t') {
      state_ = State::after_size;
    } else {
      return fail("a chunk size is not hexadecimal");
    }
    return {};
  }
  state_ = State::size;
  // More digits would be leading zeros, which no legitimate sender uses.
  if (++line_ > 16 || left_ > kMaxSize >> 4) return fail("a chunk size is too large");
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  return {};
}

Result<void> ChunkedDecoder::end_size_line() {
  overhead_ += line_ + 2;
  const std::uint64_t justified = 16 + 2 * std::min<std::uint64_t>(left_, kMaxOverhead);
  overhead_ -= static_cast<std::size_t>(std::min<std::uint64_t>(justified, overhead_));
  if (overhead_ > kMaxOverhead) return fail("the chunk extensions are too long");
  line_ = 0;
  if (left_ > 0) {
    state_ = State::data;
    return {};
  }
  // With the last chunk's line as its start line, the rest is shaped like a head.
  state_ = State::trailer;
  trailer_buffer_ = "0\r\n";
  return {};
}

Result<std::size_t> ChunkedDecoder::take_trailer(std::string_view bytes) {
  const std::size_t had = trailer_buffer_.size();
  // Never more than fits: the rest may be a whole pipelined body.
  const std::size_t room = kTrailerLimits.bytes + 1 - had;
  trailer_buffer_ += bytes.substr(0, room);
  const auto end = trailer_scanner_.scan(trailer_buffer_);
  if (!end) return fail("the trailer section is malformed: " + end.error().text);
  if (!*end) return trailer_buffer_.size() - had;
  trailer_buffer_.resize(**end);
  const std::string_view lines = std::string_view(trailer_buffer_).substr(3);
  if (auto fine = parse_trailers(lines, kTrailerLimits, kind_, trailers_); !fine) {
    return fail("the trailer section is malformed: " + fine.error().text);
  }
  state_ = State::done;
  return trailer_buffer_.size() - had;
}

Error ChunkedDecoder::fail(std::string_view text) const {
  const bool request = kind_ == HeadScanner::Kind::request;
  return Error{.code = request ? Errc::http_request_error : Errc::http_protocol_error,
               .side = request ? Side::client : Side::upstream,
               .sys = 0,
               .text = std::string(text)};
}

void append_chunk_start(std::uint64_t size, std::string& out) {
  append_number(out, size, 16);
  out += "\r\n";
}

void append_last_chunk(const std::vector<Field>& trailers, std::string& out) {
  out += "0\r\n";
  for (const Field& field : trailers) {
    const auto is_name = [&field](std::string_view name) { return iequals(name, field.name); };
    if (std::any_of(kNotInTrailers.begin(), kNotInTrailers.end(), is_name)) continue;
    append_field(field.name, field.value, out);
  }
  out += "\r\n";
}

}  // namespace culvert
