#pragma once

#include <functional>
#include <memory>

#include "emulator/core.h"
#include "emulator/faults.h"
#include "emulator/request_log.h"

namespace defang::emulator {

/// The router with bad luck before it and a log behind it.
class FrontDoor {
 public:
  explicit FrontDoor(Core& core) : core_(core) {}
  void use(Faults faults) { faults_ = std::move(faults); }
  void use(std::unique_ptr<RequestLog> log) { log_ = std::move(log); }
  /// What a "kill" fault does; without it, the process gets SIGKILL.
  void on_kill(std::function<void()> kill) { kill_ = std::move(kill); }

  Answer answer(Request request);

 private:
  Answer answer_with_faults(Request& request);

  Core& core_;
  Faults faults_;
  std::unique_ptr<RequestLog> log_;
  std::function<void()> kill_;
};

}  // namespace defang::emulator
