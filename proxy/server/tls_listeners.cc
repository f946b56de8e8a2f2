#include "server/tls_listeners.h"

#include <cstddef>
#include <utility>

#include "base/text.h"
#include "config/listen_url.h"

namespace culvert {
namespace {

bool same_files(const ListenConfig& one, const ListenConfig& other) {
  if (one.certificates.size() != other.certificates.size()) return false;
  for (std::size_t i = 0; i < one.certificates.size(); ++i) {
    const CertificateFiles& a = one.certificates[i];
    const CertificateFiles& b = other.certificates[i];
    if (a.cert != b.cert || a.key != b.key) return false;
  }
  return one.client_ca == other.client_ca;
}

TlsServerContext::Options options_of(const ListenConfig& listen) {
  TlsServerContext::Options options;
  for (const CertificateFiles& files : listen.certificates) {
    options.certificates.push_back({files.cert, files.key});
  }
  options.client_ca = listen.client_ca;
  return options;
}

std::string place_of(std::string_view flag, const ListenConfig& listen) {
  return concat({flag, " ", listen_url(listen), ": "});
}

std::shared_ptr<TlsServerContext> make_one(std::string_view flag, const ListenConfig& listen,
                                           std::vector<std::string>& problems,
                                           std::vector<std::string>& warnings) {
  std::vector<std::string> found;
  auto made = TlsServerContext::make(options_of(listen), found);
  for (const std::string& text : found) problems.push_back(place_of(flag, listen) + text);
  if (made && made->default_certificate().has_no_alternative_name()) {
    warnings.push_back(concat({place_of(flag, listen), "the certificate in ",
                               printable(listen.certificates[0].cert),
                               " has no subjectAltName, so docker and all Go programs refuse it"}));
  }
  return made;
}

}  // namespace

std::vector<std::shared_ptr<TlsServerContext>> make_tls_listeners(
    std::string_view flag, const std::vector<ListenConfig>& listen,
    std::vector<std::string>& problems, std::vector<std::string>& warnings) {
  // Without TLS nothing is asked of OpenSSL, which takes 2 MiB once it has begun.
  std::shared_ptr<TicketKeys> tickets;
  std::vector<std::shared_ptr<TlsServerContext>> out;
  for (std::size_t i = 0; i < listen.size(); ++i) {
    out.push_back(nullptr);
    if (listen[i].certificates.empty()) continue;
    // One --listen may be two addresses.
    const bool again = i > 0 && same_files(listen[i - 1], listen[i]);
    out.back() = again ? out[i - 1] : make_one(flag, listen[i], problems, warnings);
    if (!out.back() || again) continue;
    if (!tickets) tickets = std::make_shared<TicketKeys>();
    out.back()->set_ticket_keys(tickets);
  }
  return out;
}

}  // namespace culvert
