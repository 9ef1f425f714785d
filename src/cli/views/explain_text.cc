#include "cli/views/explain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "arm/template.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using namespace graph;

std::string_view fate_of(Retention retention) {
  switch (retention) {
    case Retention::stateless:
      return "deleted when the project no longer asks for it, and by `down`";
    case Retention::data:
      return "holds data: kept until `down --delete-data`";
    case Retention::shared:
      return "serves the whole stack: deleted last by `down`";
  }
  return "";
}

std::string body_lines(const Value& body) {
  std::string lines;
  const auto text =
      arm::to_json_with_references(body).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  for (const auto& line : split(text, '\n')) lines += "    " + line + "\n";
  return lines;
}

std::string edge_lines(const ResourceGraph& graph, const std::string& id) {
  std::string lines;
  for (const auto& edge : graph.edges_of(id))
    lines += "  needs " + edge.node + (edge.reason.empty() ? "" : ": " + edge.reason) + "\n";
  for (const auto& [other, node] : graph.nodes())
    for (const auto& edge : graph.edges_of(other))
      if (edge.node == id) lines += "  needed by " + other + (edge.reason.empty() ? "" : ": " + edge.reason) + "\n";
  return lines;
}

std::string because_line(const SourceSpan& origin, const std::string& because) {
  if (because.empty() && !origin) return "";
  return fmt::format("  because {}{}\n", because.empty() ? "the project asks for it" : because,
                     origin ? " (" + origin.text() + ")" : "");
}

std::string lines_of(const ResourceGraph& graph, const Resource& resource) {
  return fmt::format("{}  {} `{}`, API version {}\n{}  {}\n{}  body:\n{}", resource.id, resource.type, resource.name,
                     resource.api_version, because_line(resource.origin, resource.because), fate_of(resource.retention),
                     edge_lines(graph, resource.id), body_lines(resource.body));
}

std::string lines_of(const ResourceGraph& graph, const Action& action) {
  constexpr const char* kWhat[] = {"builds an image; done again when its sources change",
                                   "writes a secret to the vault; a new value is a new version",
                                   "waits until the new revision answers its probes",
                                   "runs a job once for each change, and fails with its exit code"};
  return fmt::format("{}  {}\n{}{}", action.id, kWhat[action.what.index()], because_line(action.origin, action.because),
                     edge_lines(graph, action.id));
}

bool is_about(const Diagnostic& diagnostic, const std::string& word) {
  return diagnostic.message.find("`" + word + "`") != std::string::npos;
}

}  // namespace

std::vector<std::string> nodes_named(const ResourceGraph& graph, const std::string& word) {
  std::vector<std::string> found;
  if (graph.find(word)) return {word};
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<Resource>(&node);
    if (service_of(node) == word || (resource && resource->name == word)) found.push_back(id);
  }
  return found;
}

std::vector<std::string> explainable(const ResourceGraph& graph) {
  std::set<std::string> words;
  for (const auto& [id, node] : graph.nodes()) {
    words.insert(id);
    if (!service_of(node).empty()) words.insert(service_of(node));
  }
  return {words.begin(), words.end()};
}

std::string explain_text(const ResourceGraph& graph, const std::vector<std::string>& nodes, const std::string& word,
                         const Diagnostics& diagnostics) {
  std::string text;
  for (const auto& id : nodes) {
    if (!text.empty()) text += "\n";
    text += std::visit([&](const auto& node) { return lines_of(graph, node); }, *graph.find(id));
  }
  std::string notes;
  for (const auto& diagnostic : diagnostics.all())
    if (is_about(diagnostic, word)) notes += to_text(diagnostic);
  return notes.empty() ? text : text + "\nWhat planning says about it:\n" + notes;
}

}  // namespace defang::cli
