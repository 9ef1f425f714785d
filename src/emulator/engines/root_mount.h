#pragma once

#include <filesystem>

#include "support/result.h"

namespace defang::emulator {

/// Container runtimes remount `/` and pivot away from it, which the kernel allows only when `/` is a mount point: in a
/// plain chroot it is none. There this program starts itself again with the same arguments, in a mount namespace where
/// `/` is mounted at `folder` and is its root. Returns when nothing was to be done, or when the kernel refused. Call it
/// before threads are started.
Result<void> restart_where_root_is_mounted(const std::filesystem::path& folder);

}  // namespace defang::emulator
