#include "emulator/registry/public_registries.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {
namespace {

/// Of the distribution specification.
Answer registry_error(int status, std::string_view code, std::string_view message) {
  return json_answer(status, {{"errors", Json::array({{{"code", code}, {"message", message}}})}});
}

Answer find(Runtime& runtime, const Request& request) {
  const auto& parts = request.segments;
  const auto size = parts.size();
  if (size < 4 || parts.front() != "v2" || parts[size - 2] != "manifests" ||
      (request.method != "HEAD" && request.method != "GET"))
    return registry_error(404, "UNSUPPORTED", "manifests only");
  const auto repository = join(std::vector<std::string>(parts.begin() + 1, parts.end() - 2), "/");
  const auto image = fmt::format("{}/{}:{}", request.query_value("ns"), repository, parts.back());
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
