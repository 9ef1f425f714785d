#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "rest/blob_client.h"
#include "rest/registry_client.h"

namespace defang::deploy {

/// A build's context that was packed and uploaded before the run, by a machine that has the folder.
struct PackedContext {
  std::string tag;         // of the image (build_context.h)
  std::string dockerfile;  // its path in the archive
  bool needs_buildkit = false;
};
using PackedContexts = std::map<std::string, PackedContext>;  // by the build's node

/// Action BuildImage: by a registry task, or where the subscription may not run any, by docker, podman or buildah here.
/// An image that was built from the same things is not built again. Output image, by digest. `packed`: where the run
/// has no folders; nullptr: contexts are read from the disk.
Result<Outputs> run_build_image(const graph::Action& action, const AzureAccess& access, const PackedContexts* packed,
                                NodeScope& scope, std::stop_token stop);

/// Packs and uploads the context of every build, for a run elsewhere; what is uploaded already, or of images that are
/// built already, is not sent.
enum class ContextUpload { of_new_images, of_all };
Result<PackedContexts> upload_contexts(const graph::ResourceGraph& graph, rest::RegistryClient& registry,
                                       rest::BlobClient& blobs, const Disk& disk, ContextUpload wanted,
                                       std::stop_token stop);

/// What a build is given by others.
struct BuildInputs {
  std::string dockerfile;  // its path in the archive
  bool needs_buildkit = false;
  std::string source;                      // a URL, or an upload slot's relative path
  std::vector<Secret> secrets;             // of BuildImage::secrets, in their order
  std::vector<Secret> registry_passwords;  // of BuildImage::logins, in their order
};
/// What a registry is asked to run (ACR-22). Pure.
nlohmann::json build_request(const graph::BuildImage& build, const BuildInputs& inputs, const std::string& image);

/// A repository is named after its service (ACR-7).
std::string repository_of(const std::string& service);

}  // namespace defang::deploy
