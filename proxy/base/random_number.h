#pragma once

namespace culvert {

/// Any number, from the kernel.
unsigned random_number();

}  // namespace culvert
