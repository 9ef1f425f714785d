#include "graph/graph.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "support/text.h"

namespace defang::graph {
namespace {

/// Adds an edge for every reference in `value`.
void collect(const Value& value, std::vector<Edge>& edges) {
  for_each_reference(value, [&](const Reference& reference) { edges.push_back({reference.node, ""}); });
}

void collect_needs(const BuildImage& build, std::vector<Edge>& edges) {
  edges.push_back({build.registry, ""});
  if (!build.storage.empty()) edges.push_back({build.storage, ""});
  for (const auto& secret : build.secrets) edges.push_back({secret.value.node, ""});
  for (const auto& login : build.logins) edges.push_back({login.password.node, ""});
}
void collect_needs(const WriteSecret& secret, std::vector<Edge>& edges) {
  edges.push_back({secret.vault, ""});
  if (const auto* composed = std::get_if<ComposedRecipe>(&secret.recipe)) collect(Value(composed->pieces), edges);
}
void collect_needs(const AwaitRevision& await, std::vector<Edge>& edges) { edges.push_back({await.app, ""}); }
void collect_needs(const RunJob& run, std::vector<Edge>& edges) { edges.push_back({run.job, ""}); }

/// Sorted by node; of several edges to one node the first that has a reason stays.
std::vector<Edge> each_once(std::vector<Edge> edges) {
  std::ranges::stable_sort(edges, [](const Edge& a, const Edge& b) {
    if (a.node != b.node) return a.node < b.node;
    return !a.reason.empty() && b.reason.empty();
  });
  const auto rest = std::ranges::unique(edges, {}, &Edge::node);
  edges.erase(rest.begin(), rest.end());
  return edges;
}

/// Depth-first search for a way back to a node that is being visited.
class CycleSearch {
 public:
  explicit CycleSearch(const ResourceGraph& graph) : graph_(graph) {}

  std::string find() {
    for (const auto& [id, node] : graph_.nodes())
      if (auto cycle = visit(id); !cycle.empty()) return cycle;
    return {};
  }

 private:
  std::string visit(const std::string& id) {
    if (done_.contains(id)) return {};
    if (const auto back = std::ranges::find(path_, id); back != path_.end()) {
      std::vector<std::string> cycle(back, path_.end());
      cycle.push_back(id);
      return join(cycle, " -> ");
    }
    path_.push_back(id);
    for (const auto& edge : graph_.edges_of(id))
      if (auto cycle = visit(edge.node); !cycle.empty()) return cycle;
    path_.pop_back();
    done_.insert(id);
    return {};
  }

  const ResourceGraph& graph_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
};

}  // namespace

const std::string& id_of(const Node& node) {
  return std::visit([](const auto& n) -> const std::string& { return n.id; }, node);
}
const SourceSpan& origin_of(const Node& node) {
  return std::visit([](const auto& n) -> const SourceSpan& { return n.origin; }, node);
}
const std::string& service_of(const Node& node) {
  return std::visit([](const auto& n) -> const std::string& { return n.service; }, node);
}

void ResourceGraph::add(Resource resource) {
  auto id = resource.id;
  [[maybe_unused]] const bool is_new = nodes_.emplace(std::move(id), std::move(resource)).second;
  assert(is_new);
}

void ResourceGraph::add(Action action) {
  auto id = action.id;
  [[maybe_unused]] const bool is_new = nodes_.emplace(std::move(id), std::move(action)).second;
  assert(is_new);
}

const Node* ResourceGraph::find(std::string_view id) const {
  const auto found = nodes_.find(std::string(id));
  return found == nodes_.end() ? nullptr : &found->second;
}

const Resource* ResourceGraph::resource(std::string_view id) const {
  const auto* node = find(id);
  return node ? std::get_if<Resource>(node) : nullptr;
}

const Action* ResourceGraph::action(std::string_view id) const {
  const auto* node = find(id);
  return node ? std::get_if<Action>(node) : nullptr;
}

Resource* ResourceGraph::resource(std::string_view id) {
  const auto found = nodes_.find(std::string(id));
  return found == nodes_.end() ? nullptr : std::get_if<Resource>(&found->second);
}

Action* ResourceGraph::action(std::string_view id) {
  const auto found = nodes_.find(std::string(id));
  return found == nodes_.end() ? nullptr : std::get_if<Action>(&found->second);
}

std::vector<Edge> ResourceGraph::edges_of(std::string_view id) const {
  const auto* node = find(id);
  if (!node) return {};
  std::vector<Edge> edges;
  if (const auto* resource = std::get_if<Resource>(node)) {
    edges = resource->after;
    if (!resource->scope.empty() && !resource->is_outside()) edges.push_back({resource->scope, ""});
    collect(resource->body, edges);
  } else {
    const auto& action = std::get<Action>(*node);
    edges = action.after;
    std::visit([&](const auto& what) { collect_needs(what, edges); }, action.what);
  }
  return each_once(std::move(edges));
}

std::set<std::string> ResourceGraph::nodes_with_wanted(std::string_view output) const {
  std::set<std::string> wanted;
  const auto look_at = [&](const Reference& reference) {
    if (reference.kind == Reference::Kind::output && reference.path == output) wanted.insert(reference.node);
  };
  for (const auto& [id, node] : nodes_) {
    if (const auto* resource = std::get_if<Resource>(&node)) {
      for_each_reference(resource->body, look_at);
      continue;
    }
    const auto& what = std::get<Action>(node).what;
    if (const auto* write = std::get_if<WriteSecret>(&what)) {
      if (const auto* composed = std::get_if<ComposedRecipe>(&write->recipe))
        for_each_reference(Value(composed->pieces), look_at);
    } else if (const auto* build = std::get_if<BuildImage>(&what)) {
      for (const auto& secret : build->secrets) look_at(secret.value);
      for (const auto& login : build->logins) look_at(login.password);
    }
  }
  return wanted;
}

std::vector<std::string> ResourceGraph::order() const {
  std::map<std::string, std::size_t> missing;  // node -> needs that are not placed yet
  std::map<std::string, std::vector<std::string>> needed_by;
  std::set<std::string> ready;
  for (const auto& [id, node] : nodes_) {
    const auto edges = edges_of(id);
    missing[id] = edges.size();
    if (edges.empty()) ready.insert(id);
    for (const auto& edge : edges) needed_by[edge.node].push_back(id);
  }
  std::vector<std::string> order;
  while (!ready.empty()) {
    const auto id = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(id);
    for (const auto& next : needed_by[id])
      if (--missing[next] == 0) ready.insert(next);
  }
  return order.size() == nodes_.size() ? order : std::vector<std::string>();
}

std::string ResourceGraph::fault() const {
  for (const auto& [id, node] : nodes_)
    for (const auto& edge : edges_of(id))
      if (!find(edge.node)) return id + " needs " + edge.node + ", which does not exist";
  return CycleSearch(*this).find();
}

}  // namespace defang::graph
