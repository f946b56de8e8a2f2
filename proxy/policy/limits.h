#pragma once

#include "policy/bandwidth.h"
#include "policy/client_usage.h"
#include "policy/token_bucket.h"

namespace culvert {

/// What the limits of clients count: one object for the life of the process, shared by the workers
/// without a lock but that of UsageTable.  The limits themselves stand in each Config, so a reload
/// changes them and the counts stay.
struct Limits {
  UsageTable usage;
  Bandwidth bandwidth;
  TokenBucket accepts;
};

}  // namespace culvert
