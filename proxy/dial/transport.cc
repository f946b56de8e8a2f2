#include "dial/transport.h"

#include "dial/tcp_dial.h"

namespace culvert {

std::unique_ptr<Dial> TcpTransport::dial(const HostPort& address, Side side,
                                         const AddressCheck& check, DialDone done) {
  return std::make_unique<TcpDial>(loop_, address, side, check, done);
}

}  // namespace culvert
