#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::plan {

/// What becomes of one attribute of a Compose service on Azure. The table of them is the source of
/// docs/compose-support.md too.
struct AttributeSupport {
  enum class Verdict {
    honoured,  // does what Compose says
    adapted,   // does something near; where it matters, code says so with the values at hand
    silent,    // means nothing on Azure, and nobody misses it
    noted,     // not used; a note says why
    warned,    // not used, and that may be missed
    refused,   // the project would not be what the user wrote
  };
  std::string_view path;  // "build.target"; `*` stands for one key; stands for all below it that have no row
  Verdict verdict;
  std::string_view reason;  // completes "service `web` uses `cap_add`, ..."
};

/// Sorted by path.
std::span<const AttributeSupport> attribute_support();
/// The row of the longest prefix of `path`; nullptr for an attribute that nobody thought of.
const AttributeSupport* support_of(std::string_view path);

std::string_view name_of(AttributeSupport::Verdict verdict);
/// "on Azure: adapted, Container Apps runs linux/amd64"
std::string description_of(const AttributeSupport& support);

/// Answers for every attribute that the user wrote on a service.
void check_attributes(const compose::Project& project, const compose::Service& service, Diagnostics& diagnostics);

}  // namespace defang::plan
