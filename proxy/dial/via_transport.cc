#include "dial/via_transport.h"

#include "dial/proxy_dial.h"

namespace culvert {
namespace {

// The dial that waits for this one has the deadline; this is only never shorter.
constexpr std::chrono::milliseconds kLongest{60'000};

}  // namespace

std::unique_ptr<Dial> ViaTransport::dial(const HostPort& address, Side, const AddressCheck&,
                                         DialDone done) {
  return std::make_unique<ProxyDial>(loop_, hop_, address, ProxyDial::Purpose::hop, AddressCheck{},
                                     kLongest, kLongest, done);
}

}  // namespace culvert
