#include "emulator/front_door.h"

#include <csignal>

#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

Answer dropped() { return Answer{.status = 0, .drop = true}; }

}  // namespace

Answer FrontDoor::answer_with_faults(Request& request) {
  using What = Faults::Strike::What;
  const auto strike = faults_.strike(core_, request);
  if (!strike) return emulator::answer(core_, request);
  if (strike->what == What::delay) {
    core_.clock().sleep_for(std::chrono::milliseconds(core_.scaled_ms(strike->seconds)), {});
    return emulator::answer(core_, request);
  }
  if (strike->what == What::lag) {
    {
      const Core::Lock guard(core_);
      core_.store().edit_document("emulator", "lags")[to_lower(request.path)] = strike->seconds;
    }
    return emulator::answer(core_, request);
  }
  if (strike->what == What::status) return strike->answer;
  if (strike->after) emulator::answer(core_, request);
  if (strike->what == What::kill) {
    if (kill_)
      kill_();
    else
      std::raise(SIGKILL);
  }
  return dropped();
}

Answer FrontDoor::answer(Request request) {
  parse_target(request);
  const auto started = core_.clock().elapsed();
  Answer answer = answer_with_faults(request);
  if (log_) log_->write(request, answer, started);
  return answer;
}

}  // namespace defang::emulator
