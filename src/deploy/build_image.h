#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "rest/blob_client.h"
#include "rest/registry_client.h"

namespace defang::deploy {

/// A build's context that was packed and uploaded before the run, by a machine that has the folder.
struct PackedContext {
  std::string tag;         // of the image (build_context.h)
  std::string dockerfile;  // its path in the archive
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

/// What a registry is asked to run (ACR-22). `source` is a URL or an upload slot's relative path. Pure.
nlohmann::json build_request(const graph::BuildImage& build, const std::string& dockerfile, const std::string& image,
                             const std::string& source);

/// A repository is named after its service (ACR-7).
std::string repository_of(const std::string& service);

}  // namespace defang::deploy
