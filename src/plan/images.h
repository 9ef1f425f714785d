#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/planning.h"

/// Images that Azure pulls by a name of the project's, and the digests behind their tags.
namespace defang::plan {

/// distribution/reference: `[SERVER/]REPOSITORY[:TAG][@DIGEST]`, the repository in lower case.
bool is_image_name(std::string_view image);

struct NamedImage {
  std::string name;  // as written
  SourceSpan span;
};
/// Of everything that Azure pulls for a service, and what its own image is derived from.
std::vector<NamedImage> images_of(const compose::Project& project, const compose::Service& service);

/// "nginx@sha256:..." of "nginx:1.27" where the digest is known; else as written.
std::string pinned(const Planning& plan, const std::string& image);

}  // namespace defang::plan
