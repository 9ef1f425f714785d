#include "emulator/changes.h"

namespace defang::emulator {

void mark_change(const Core& core, Resource& resource) {
  resource.hidden["changedTime"] = core.now_text();
  if (!resource.hidden.contains("createdTime")) resource.hidden["createdTime"] = core.now_text();
}

}  // namespace defang::emulator
