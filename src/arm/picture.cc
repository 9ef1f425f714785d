#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "arm/template.h"
#include "support/text.h"

namespace defang::arm {
namespace {

using namespace graph;

/// What a box says below its id: the type without its provider, or what is done.
std::string kind_of(const Node& node) {
  if (const auto* resource = std::get_if<Resource>(&node)) return resource->type.substr(resource->type.find('/') + 1);
  constexpr const char* kActions[] = {"image", "secret", "healthy revision", "run of a job"};
  return kActions[std::get<Action>(node).what.index()];
}

std::string in_double_quotes(std::string_view text) {
  return "\"" + replace_all(replace_all(std::string(text), "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::string as_xml(std::string text) {
  text = replace_all(replace_all(std::move(text), "&", "&amp;"), "<", "&lt;");
  return replace_all(replace_all(std::move(text), ">", "&gt;"), "\"", "&quot;");
}

/// How many edges the longest way down to nothing has.
std::map<std::string, std::size_t> ranks_of(const ResourceGraph& graph) {
  std::map<std::string, std::size_t> ranks;
  for (const auto& id : graph.order()) {
    std::size_t rank = 0;
    for (const auto& edge : graph.edges_of(id)) rank = std::max(rank, ranks[edge.node] + 1);
    ranks[id] = rank;
  }
  return ranks;
}

struct Box {
  int x = 0, y = 0;
};
constexpr int kWidth = 210, kHeight = 40, kColumn = 290, kRow = 56, kMargin = 20;

}  // namespace

std::string to_dot(const ResourceGraph& graph) {
  std::string text = "digraph plan {\n  rankdir=LR\n  node [shape=box fontname=\"sans-serif\"]\n";
  for (const auto& [id, node] : graph.nodes())
    text += fmt::format("  {} [label={}{}]\n", in_double_quotes(id), in_double_quotes(id + "\n" + kind_of(node)),
                        std::holds_alternative<Action>(node) ? " style=rounded" : "");
  for (const auto& [id, node] : graph.nodes())
    for (const auto& edge : graph.edges_of(id))
      text += fmt::format("  {} -> {}{}\n", in_double_quotes(id), in_double_quotes(edge.node),
                          edge.reason.empty() ? "" : " [tooltip=" + in_double_quotes(edge.reason) + "]");
  return text + "}\n";
}

/// One column for each rank, what needs nothing at the left; no library draws it, as none links statically.
std::string to_svg(const ResourceGraph& graph) {
  const auto ranks = ranks_of(graph);
  std::map<std::string, Box> boxes;
  std::map<std::size_t, int> filled;
  int width = 0, height = 0;
  for (const auto& [id, node] : graph.nodes()) {
    const auto rank = ranks.at(id);
    Box& box = boxes[id];
    box = {kMargin + static_cast<int>(rank) * kColumn, kMargin + filled[rank]++ * kRow};
    width = std::max(width, box.x + kWidth + kMargin);
    height = std::max(height, box.y + kHeight + kMargin);
  }
  std::string lines, rectangles;
  for (const auto& [id, node] : graph.nodes()) {
    const Box to = boxes[id];
    for (const auto& edge : graph.edges_of(id)) {
      const Box from = boxes[edge.node];
      const int x1 = from.x + kWidth, y1 = from.y + kHeight / 2, x2 = to.x, y2 = to.y + kHeight / 2;
      lines += fmt::format("<path d=\"M{} {}C{} {} {} {} {} {}\"><title>{}</title></path>\n", x1, y1, (x1 + x2) / 2, y1,
                           (x1 + x2) / 2, y2, x2, y2, as_xml(id + " needs " + edge.node));
    }
    rectangles += fmt::format(
        "<g><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>"
        "<text x=\"{}\" y=\"{}\">{}</text><text class=\"kind\" x=\"{}\" y=\"{}\">{}</text></g>\n",
        as_xml(id), to.x, to.y, kWidth, kHeight, std::holds_alternative<Action>(node) ? 12 : 2, to.x + 8, to.y + 17,
        as_xml(id), to.x + 8, to.y + 32, as_xml(kind_of(node)));
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<style>text{{font:12px sans-serif}}.kind{{fill:#666;font-size:10px}}rect{{fill:#fff;stroke:#345}}"
      "path{{fill:none;stroke:#9ab}}</style>\n{2}{3}</svg>\n",
      width, height, lines, rectangles);
}

}  // namespace defang::arm
