#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/planning.h"

/// Images that Azure pulls by a name of the project's, and the digests behind their tags.
namespace defang::plan {

/// Says what is wrong with the name of an image that Azure is to pull.
void check_image_name(Planning& plan, const compose::Service& service, const std::string& image,
                      const SourceSpan& span);
/// And with when its tag is to be looked up anew.
void check_pull_policy(Planning& plan, const compose::Service& service);

struct NamedImage {
  std::string name;  // as written
  SourceSpan span;
};
/// Of everything that Azure pulls for a service, and what its own image is derived from.
std::vector<NamedImage> images_of(const compose::Project& project, const compose::Service& service);

/// "nginx@sha256:..." of "nginx:1.27" where the digest is known; else as written.
std::string pinned(const Planning& plan, const std::string& image);

}  // namespace defang::plan
