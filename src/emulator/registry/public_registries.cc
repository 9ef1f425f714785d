#include "emulator/registry/public_registries.h"

#include <fmt/format.h>

#include "emulator/registry/registries.h"

namespace defang::emulator {
namespace {

Answer find(Runtime& runtime, const Request& request) {
  const auto path = parse_registry_path(request.segments);
  if (!path || path->kind != "manifests" || (request.method != "HEAD" && request.method != "GET"))
    return registry_error(404, "UNSUPPORTED", "manifests only");
  const auto image = fmt::format("{}/{}:{}", request.query_value("ns"), path->repository, path->rest);
  const auto digest = runtime.public_digest(image, {});
  if (!digest) return registry_error(502, "UNKNOWN", digest.error().message);
  if (!*digest) return registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
  auto answer = empty_answer(200);
  answer.headers.set("Docker-Content-Digest", **digest);
  return answer;
}

}  // namespace

void add_public_registries(Core& core, Runtime& runtime) {
  core.add_data_plane(std::string(kPublicRegistries),
                      [&runtime](Core&, Request& request, const std::string&) { return find(runtime, request); });
}

}  // namespace defang::emulator
