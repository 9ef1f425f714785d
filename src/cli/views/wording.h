#pragma once

#include <string>

#include "deploy/event.h"

namespace defang::cli {

/// How a node is spoken of: while it is worked on ("building"), afterwards ("built"), and what it is ("image `web`").
struct Wording {
  std::string now, done, what;
};
/// "container app `web`" of "Microsoft.App/containerApps"
std::string resource_title(const std::string& type, const std::string& name);
Wording wording_of(const deploy::NodeStarted& event);

}  // namespace defang::cli
