#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rest/image_push.h"
#include "support/disk.h"

/// This program as a container image: one layer that holds it and the certificate authorities that it trusts.
namespace defang::deploy {

/// In the registry of the stack. No service's image has such a name, since theirs hold no slash.
inline constexpr const char* kProgramRepository = "defang/run";

/// Why the program cannot run where there is nothing but itself: another system's, or one that needs shared libraries.
/// Nothing where it can. Reads the headers of ELF ("Tool Interface Standard, Executable and Linking Format").
std::optional<std::string> why_not_alone(std::string_view program);

/// The same program and authorities always give the same bytes. Error program-not-alone.
Result<rest::OciImage> make_program_image(const std::string& program, const std::string& authorities);

}  // namespace defang::deploy
