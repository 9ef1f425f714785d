#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "emulator/runtime.h"

namespace defang::emulator {

/// Reads lines in the format in which engines write consoles (Kubernetes' CRI logs): `TIME stdout|stderr F|P TEXT`,
/// where P is a part of a line that goes on. `bytes` begin at position `from`; what has no end yet stays for the next
/// read.
LogPiece read_console(std::string_view bytes, std::uint64_t from, std::size_t limit);

/// One whole line in that format.
std::string console_line(std::chrono::system_clock::time_point time, std::string_view text);

}  // namespace defang::emulator
