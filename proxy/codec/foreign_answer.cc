#include "codec/foreign_answer.h"

#include <cstddef>
#include <cstdint>

#include "codec/clause.h"

namespace culvert {
namespace {

/// The last `size` bytes of `value` in network order.
std::string network_number(std::size_t size, std::uint64_t value) {
  std::string out(size, '\0');
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<char>(value & 0xff);
  return out;
}

/// RFC 9113 section 4.1, on stream 0.
std::string http2_frame(char type, std::string_view payload) {
  constexpr char kNoFlags = 0;
  return network_number(3, payload.size()) + type + kNoFlags + network_number(4, 0) +
         std::string(payload);
}

/// RFC 4251 section 5.
std::string ssh_string(std::string_view text) {
  return network_number(4, text.size()) + std::string(text);
}

}  // namespace

std::string tls_alert() {
  constexpr char kAlert = 21;
  constexpr char kFatal = 2;
  constexpr char kCertificateUnobtainable = 111;  // RFC 6066 section 9
  return {kAlert, 3, 3, 0, 2, kFatal, kCertificateUnobtainable};
}

std::string http2_goaway(std::string_view reason) {
  constexpr char kSettings = 4;
  constexpr char kGoaway = 7;
  constexpr std::uint64_t kLastStream = 0;
  constexpr std::uint64_t kHttp11Required = 13;
  return http2_frame(kSettings, {}) +
         http2_frame(kGoaway, network_number(4, kLastStream) + network_number(4, kHttp11Required) +
                                  std::string(kSigned) + std::string(reason));
}

/// The packet is that of RFC 4253 section 6, before any key exchange: no cipher, no MAC.
std::string ssh_disconnect(std::string_view reason) {
  constexpr char kDisconnect = 1;
  constexpr std::uint64_t kProtocolError = 2;
  constexpr std::size_t kBlock = 8;
  constexpr std::size_t kHeader = 5;  // packet_length, padding_length
  constexpr std::size_t kLeastPadding = 4;
  const std::string payload = kDisconnect + network_number(4, kProtocolError) +
                              ssh_string(std::string(kSigned) + std::string(reason)) +
                              ssh_string({});
  const std::size_t filled = kHeader + payload.size() + kLeastPadding;
  const std::size_t padding = kLeastPadding + (kBlock - filled % kBlock) % kBlock;
  return "SSH-2.0-culvert\r\n" + network_number(4, 1 + payload.size() + padding) +
         static_cast<char>(padding) + payload + std::string(padding, '\0');
}

}  // namespace culvert
