#pragma once

#include "emulator/core.h"

namespace defang::emulator {

/// "10.1.0.0/16" as address and length; nothing where it is no IPv4 range.
struct AddressRange {
  std::uint32_t address = 0;
  unsigned length = 0;
  bool contains(const AddressRange& other) const;
  bool overlaps(const AddressRange& other) const { return contains(other) || other.contains(*this); }
};
std::optional<AddressRange> parse_range(std::string_view text);

}  // namespace defang::emulator
