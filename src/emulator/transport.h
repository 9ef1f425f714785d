#pragma once

#include <functional>

#include "emulator/core.h"
#include "emulator/front_door.h"
#include "rest/http_transport.h"

namespace defang::emulator {

/// The emulator without a socket: URLs of any https://localhost:PORT go straight to the router. For tests, with a
/// FakeClock.
class EmulatorTransport : public rest::HttpTransport {
 public:
  explicit EmulatorTransport(Core& core) : core_(core) {}
  EmulatorTransport(Core& core, FrontDoor& door) : core_(core), door_(&door) {}
  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token stop) override;

 private:
  Core& core_;
  FrontDoor* door_ = nullptr;
};

}  // namespace defang::emulator
