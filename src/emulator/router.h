#pragma once

#include "emulator/core.h"

namespace defang::emulator {

/// The front door of every request to the emulator, whatever its port: data planes, routes, then ARM's resources.
Answer answer(Core& core, Request& request);

/// ARM's resources, under the lock, for a caller who has signed in.
Answer answer_resource(Core& core, const Request& request);

/// What ARM checks before a provider is asked: api-version, subscription, registration of the namespace (for writes),
/// group, and the caller's right to the action. For routes that stand for resources.
std::optional<Answer> check_request(Core& core, const Request& request, const ArmPath& path, const std::string& action);

/// Captures by name where the route fits the request.
std::optional<std::map<std::string, std::string>> match(const Route& route, const Request& request);

/// A write started inside the emulator, without a request (nested resources of a VNet, seeds of tests).
Resource& put_resource(Core& core, std::string id, std::string type, Json body);

}  // namespace defang::emulator
