#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "rest/http_transport.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/result.h"

/// Azure on this machine: ARM, Entra, and the data planes of the services that we deploy. It shares no code that
/// decides with the compiler.
namespace defang::emulator {

struct Options {
  std::filesystem::path state_folder;
  std::uint16_t port = 0;        // 0: a free one, kept across restarts
  double time_scale = 1.0;       // Azure seconds per real second are 1 / time_scale: 0.01 makes 100 s last one
  std::string engine = "auto";   // auto, podman, bundle, none
  std::filesystem::path faults;  // JSON, docs/emulator.md
  std::uint64_t seed = 1;
  std::filesystem::path request_log;  // JSON lines in the format of azure-traces
  std::string role = "owner";         // of the default principal: owner, contributor, reader
  bool fresh_subscription = false;    // no resource provider is registered yet
};

}  // namespace defang::emulator
