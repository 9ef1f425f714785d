#pragma once

#include <string>

#include "deploy/event.h"

namespace defang::cli {

/// How a node is spoken of: while it is worked on ("building"), afterwards ("built"), and what it is ("image `web`").
struct Wording {
  std::string now, done, what;
};
Wording wording_of(const deploy::NodeStarted& event);

}  // namespace defang::cli
