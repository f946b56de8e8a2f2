#include "dial/via_transport.h"

#include <optional>
#include <utility>

#include "dial/dial_text.h"
#include "dial/upstream_dial.h"

namespace culvert {
namespace {

// The dial that uses this one has the deadline; this limit is merely never shorter.
constexpr std::chrono::milliseconds kLongest{60'000};

/// A dial through the hop, as a Transport gives it.
class HopDial final : public Dial {
 public:
  HopDial(Loop& loop, Upstream& hop, const HostPort& address, const AddressCheck& check,
          DialDone done)
      : hop_(hop),
        address_(address),
        done_(done),
        dial_(make_upstream_dial(
            upstream_request(loop, hop, address, DialPurpose::hop,
                             AddressCheck{.ends = check.ends, .trace = check.trace},
                             DialBudget{.connect = kLongest, .total = kLongest}),
            UpstreamDial::Done::to<&HopDial::on_done>(this))) {}

  void start() override { dial_->start(); }
  Error timeout_failure() const override {
    return to_error(dial_->timeout_failure(), hop_.config, address_, DialPurpose::hop);
  }
  std::optional<Missing> missing_on_the_way() const override { return missing_; }

 private:
  void on_done(UpstreamResult&& result) {
    if (!result && result.error().proxy_may_be_starting()) missing_ = result.error().missing;
    done_(to_dial_result(std::move(result), hop_.config, address_, DialPurpose::hop));
  }

  Upstream& hop_;
  const HostPort& address_;
  DialDone done_;
  std::optional<Missing> missing_;
  std::unique_ptr<UpstreamDial> dial_;
};

}  // namespace

std::unique_ptr<Dial> ViaTransport::dial(const HostPort& address, Side, const AddressCheck& check,
                                         DialDone done) {
  return std::make_unique<HopDial>(loop_, hop_, address, check, done);
}

}  // namespace culvert
