#include "net/signals.h"

#include <uv.h>

namespace culvert {

struct SignalWatcher::Handle {
  uv_signal_t uv;
  Callback<void(int)> received;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal, Callback<void(int)> received)
    : loop_(loop), handle_(new Handle{{}, received}) {
  uv_signal_init(loop.uv(), &handle_->uv);
  handle_->uv.data = handle_;
  uv_signal_start(
      &handle_->uv,
      [](uv_signal_t* uv, int number) { static_cast<Handle*>(uv->data)->received(number); },
      signal);
}

SignalWatcher::~SignalWatcher() {
  loop_.uv();  // asks for the turn in which the handle is closed
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
           [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

}  // namespace culvert
