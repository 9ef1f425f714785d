#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/services.h"
#include "rest/arm_client.h"
#include "support/clock.h"

/// Stopping, starting and restarting what is deployed, without deploying anything.
namespace defang::deploy {

enum class Control { start, stop, restart };

/// All services at the same time. `on_done` is called from one thread at a time, for those that went well; the result
/// holds the errors of the others.
std::vector<Error> control_services(rest::ArmClient& arm, Clock& clock, const std::vector<ServiceStatus>& services,
                                    Control control, const std::function<void(const ServiceStatus&)>& on_done,
                                    std::stop_token stop);

}  // namespace defang::deploy
