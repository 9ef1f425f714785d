#pragma once

#include <string_view>

#include "deploy/event.h"

namespace defang::deploy {

/// What `to_json_line` wrote, but for the text of files and what an error's kind was. Error event-invalid.
Result<Event> parse_event(std::string_view line);

}  // namespace defang::deploy
