#include "support/text.h"

#include <fmt/format.h>

#include "graph/graph.h"

namespace defang::graph {
namespace {

std::string_view name_of(Retention retention) {
  switch (retention) {
    case Retention::stateless:
      return "stateless";
    case Retention::data:
      return "data";
    case Retention::shared:
      return "shared";
  }
  return "";
}

std::string describe(const BuildImage& build) {
  if (build.buildpacks) return "build image with buildpacks";
  std::string text = "build image from " + (build.inline_dockerfile.empty() ? build.dockerfile : "inline Dockerfile");
  if (!build.target.empty()) text += ", target " + build.target;
  if (!build.appended.empty()) text += ", then " + join(split(trim(build.appended), '\n'), ", ");
  for (const auto& secret : build.secrets) text += ", with secret " + secret.id;
  for (const auto& login : build.logins) text += fmt::format(", as {} at {}", login.user, login.server);
  return text;
}
std::string describe(const WriteSecret& secret) {
  if (const auto* config = std::get_if<ConfigRecipe>(&secret.recipe))
    return fmt::format("secret {} from config {}", secret.name, config->name);
  if (std::holds_alternative<GeneratedRecipe>(secret.recipe))
    return fmt::format("secret {}, generated once", secret.name);
  if (const auto* login = std::get_if<LoginRecipe>(&secret.recipe))
    return fmt::format("secret {}, the password of {} at {}", secret.name, login->user, login->server);
  if (std::holds_alternative<FileRecipe>(secret.recipe)) return fmt::format("secret {} from a file", secret.name);
  return fmt::format("secret {}, composed", secret.name);
}
std::string describe(const AwaitRevision& await) { return "wait until the revision of " + await.app + " is healthy"; }
std::string describe(const RunJob& run) { return "run " + run.job + " to its end"; }

std::string head_of(const Resource& resource) {
  return fmt::format("{}  {} {} [{}]\n", resource.id, resource.type, resource.name, name_of(resource.retention));
}
std::string head_of(const Action& action) {
  return fmt::format("{}  {}\n", action.id, std::visit([](const auto& what) { return describe(what); }, action.what));
}

}  // namespace

std::string to_text(const ResourceGraph& graph) {
  std::string text;
  for (const auto& [id, node] : graph.nodes()) {
    text += std::visit([](const auto& n) { return head_of(n); }, node);
    const auto& because = std::visit([](const auto& n) -> const std::string& { return n.because; }, node);
    const auto place = origin_of(node).text();
    if (!because.empty()) text += "  because " + because + (place.empty() ? "" : " (" + place + ")") + "\n";
    for (const auto& edge : graph.edges_of(id))
      text += "  needs " + edge.node + (edge.reason.empty() ? "" : ": " + edge.reason) + "\n";
  }
  return text;
}

}  // namespace defang::graph
