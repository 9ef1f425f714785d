#include "rest/image_push.h"

#include <fmt/format.h>

#include "rest/azure_error.h"
#include "rest/url.h"

namespace defang::rest {
namespace {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";

class Push {
 public:
  Push(Secret token, const std::string& login_server, const std::string& repository, Pipeline& pipeline,
       std::stop_token stop)
      : authorization_("Bearer " + token.reveal()),
        server_(fmt::format("https://{}", login_server)),
        base_(fmt::format("{}/v2/{}/", server_, repository)),
        pipeline_(pipeline),
        stop_(stop) {}

  Result<void> blob(const OciImage::Blob& blob) {
    TRY_ASSIGN(const auto there, send({.method = "HEAD", .url = base_ + "blobs/" + blob.digest}));
    if (there.status == 200) return {};
    TRY_ASSIGN(const auto begun, send({.method = "POST", .url = base_ + "blobs/uploads/"}));
    if (begun.status != 202) return refused(begun);
    std::string place = begun.headers.get("Location");  // may be relative, and may have a query
    if (place.starts_with('/')) place = server_ + place;
    TRY_ASSIGN(const auto sent, send({.method = "PUT",
                                      .url = with_query(std::move(place), "digest", blob.digest),
                                      .headers = {{"Content-Type", "application/octet-stream"}},
                                      .body = blob.content}));
    return sent.status == 201 ? Result<void>() : refused(sent);
  }

  Result<void> manifest(const std::string& manifest, const std::string& tag) {
    TRY_ASSIGN(const auto sent, send({.method = "PUT",
                                      .url = base_ + "manifests/" + tag,
                                      .headers = {{"Content-Type", kManifestType}},
                                      .body = manifest}));
    return sent.status == 201 ? Result<void>() : refused(sent);
  }

 private:
  Result<HttpResponse> send(HttpRequest request) {
    request.headers.set("Authorization", authorization_);
    return pipeline_.send(std::move(request), {}, stop_);
  }
  Result<void> refused(const HttpResponse& response) const {
    return fail(error_of(response).during("pushing an image to " + server_));
  }

  std::string authorization_, server_, base_;
  Pipeline& pipeline_;
  std::stop_token stop_;
};

}  // namespace

Result<void> push_image(const OciImage& image, RegistryClient& registry, const std::string& login_server,
                        const std::string& repository, const std::string& tag, Pipeline& pipeline,
                        std::stop_token stop) {
  TRY_ASSIGN(auto token, registry.access_token(fmt::format("repository:{}:pull,push", repository), stop));
  Push push(std::move(token), login_server, repository, pipeline, stop);
  for (const auto& blob : image.blobs) TRY(push.blob(blob));
  return push.manifest(image.manifest, tag);
}

}  // namespace defang::rest
