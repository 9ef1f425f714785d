#pragma once

#include <string_view>

#include "rest/http_transport.h"
#include "support/result.h"

namespace defang::rest {

/// What a refusal says, in whichever of its shapes: ARM's {"error":{...}}, capitalised and unwrapped, JSON inside a
/// message, Entra's error_description, the registry's list of errors, storage's XML, plain text (ARM-30). Azure's words
/// are kept verbatim; codes of ours are "http-503" where the answer has none.
Error error_of(const HttpResponse& response);

/// "ResourceNotFound" and its kin: a 404 that means "there is no such thing", not "wrong address" (ARM-33).
bool means_absent(const Error& error);

/// A code that means "not yet": what the request leans on is still being made, or has not reached all of Azure. The
/// same request succeeds later, so it may be repeated although Azure called it a refusal.
bool means_not_ready(const Error& error);

}  // namespace defang::rest
