#include "emulator/locks.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kLocks = "Microsoft.Authorization/locks";

bool is_at_or_above(const std::string& scope, const std::string& id) {
  return to_lower(id + "/").starts_with(to_lower(scope + "/"));
}

}  // namespace

std::optional<Answer> refuse_locked(Core& core, const std::string& id, LockedVerb verb) {
  for (const Resource* lock : core.store().resources_of_type(kLocks)) {
    if (equals_ignoring_case(lock->id, id)) continue;  // a lock does not keep itself
    const std::string scope = lock->id.substr(0, lock->id.rfind("/providers/"));
    const bool read_only = equals_ignoring_case(text_at(lock->body, "properties.level"), "ReadOnly");
    const bool applies = verb == LockedVerb::remove ? is_at_or_above(scope, id) || is_at_or_above(id, scope)
                                                    : read_only && is_at_or_above(scope, id);
    if (!applies || parse_arm_id(id)->type() == kLocks) continue;
    return gateway_error(
        409, "ScopeLocked",
        fmt::format("The scope '{}' cannot perform {} operation because following scope(s) are locked: "
                    "'{}'. Please remove the lock and try again.",
                    id, verb == LockedVerb::remove ? "delete" : "write", scope));
  }
  return std::nullopt;
}

}  // namespace defang::emulator
