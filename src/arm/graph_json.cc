#include "arm/graph_json.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "support/digest.h"
#include "support/text.h"

// Every value has one form:
//
//   value      null | true | 5 | 0.5 | "literal" | {"b": "base64 of bytes that are no UTF-8"} | {"t": [piece...]}
//              | [value...] | {"m": [[key, value]...]}
//   piece      "literal" | {"b": ...} | {"node", "kind", "path", "function", "percentEncoded"}
//   place      [index in "files", line, column, length]; absent where nothing of the user's asked
namespace defang::arm {
namespace {

using namespace graph;
using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

template <class E, std::size_t N>
using Names = std::array<std::pair<E, const char*>, N>;

constexpr Names<Reference::Kind, 5> kKinds = {{{Reference::Kind::id, "id"},
                                               {Reference::Kind::name, "name"},
                                               {Reference::Kind::property, "property"},
                                               {Reference::Kind::list, "list"},
                                               {Reference::Kind::output, "output"}}};
constexpr Names<Retention, 3> kRetentions = {
    {{Retention::stateless, "stateless"}, {Retention::data, "data"}, {Retention::shared, "shared"}}};

template <class E, std::size_t N>
const char* name_of(const Names<E, N>& names, E wanted) {
  for (const auto& [value, name] : names)
    if (value == wanted) return name;
  return "";
}

/// What is thrown, like what the library throws, ends in `read_graph`.
struct Unreadable {
  std::string what;
};

template <class E, std::size_t N>
E value_of(const Names<E, N>& names, const Json& wanted) {
  for (const auto& [value, name] : names)
    if (wanted == name) return value;
  throw Unreadable{"`" + wanted.dump() + "` is not known"};
}

// --- values ---

Json written(const std::string& text) {
  if (is_utf8(text)) return text;
  return {{"b", base64(text)}};
}

std::string read_text(const Json& json) {
  return json.is_object() ? from_base64(json.at("b").get_ref<const std::string&>()) : json.get<std::string>();
}

Json written(const Reference& reference) {
  return {{"node", reference.node},
          {"kind", name_of(kKinds, reference.kind)},
          {"path", reference.path},
          {"function", reference.function},
          {"percentEncoded", reference.percent_encoded}};
}

Reference read_reference(const Json& json) {
  return {.node = json.at("node"),
          .kind = value_of(kKinds, json.at("kind")),
          .path = json.at("path"),
          .function = json.at("function"),
          .percent_encoded = json.at("percentEncoded")};
}

Json written(const Value::Piece& piece) {
  const auto* literal = std::get_if<std::string>(&piece);
  return literal != nullptr ? written(*literal) : written(std::get<Reference>(piece));
}

Value::Piece read_piece(const Json& json) {
  if (json.is_string() || json.contains("b")) return read_text(json);
  return read_reference(json);
}

Json written(const Value::Text& text) {
  Json pieces = Json::array();
  for (const auto& piece : text) pieces.push_back(written(piece));
  return pieces;
}

Value::Text read_pieces(const Json& json) {
  Value::Text text;
  for (const auto& piece : json) text.push_back(read_piece(piece));
  return text;
}

Json written(const Value& value);

struct Written {
  Json operator()(Value::Null) const { return nullptr; }
  Json operator()(bool value) const { return value; }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(double value) const { return value; }
  Json operator()(const Value::Text& text) const {
    if (text.size() == 1)
      if (const auto* literal = std::get_if<std::string>(&text.front())) return written(*literal);
    return {{"t", written(text)}};
  }
  Json operator()(const Value::List& list) const {
    Json items = Json::array();
    for (const auto& item : list) items.push_back(written(item));
    return items;
  }
  Json operator()(const Value::Map& map) const {
    Json members = Json::array();
    for (const auto& [key, item] : map) members.push_back(Json::array({written(key), written(item)}));
    return {{"m", std::move(members)}};
  }
};

Json written(const Value& value) { return std::visit(Written{}, value.variant()); }

Value read_value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_array()) {
    Value::List list;
    for (const auto& item : json) list.push_back(read_value(item));
    return list;
  }
  if (json.is_string() || json.contains("b")) return read_text(json);
  if (json.contains("t")) return read_pieces(json.at("t"));
  Value::Map map;
  for (const auto& member : json.at("m")) map.emplace_back(read_text(member.at(0)), read_value(member.at(1)));
  return map;
}

// --- what an action does ---

Json written(const BuildImage& build) {
  Json args = Json::array();
  for (const auto& [name, value] : build.args) args.push_back(Json::array({written(name), written(value)}));
  Json secrets = Json::array(), logins = Json::array();
  for (const auto& secret : build.secrets)
    secrets.push_back({{"id", written(secret.id)}, {"value", written(secret.value)}});
  for (const auto& login : build.logins)
    logins.push_back({{"server", login.server}, {"user", written(login.user)}, {"from", written(login.password)}});
  return {{"registry", build.registry},
          {"service", build.service},
          {"storage", build.storage},
          {"context", written(build.context)},
          {"dockerfile", written(build.dockerfile)},
          {"inlineDockerfile", written(build.inline_dockerfile)},
          {"appended", written(build.appended)},
          {"buildpacks", build.buildpacks},
          {"target", written(build.target)},
          {"platform", written(build.platform)},
          {"args", std::move(args)},
          {"secrets", std::move(secrets)},
          {"logins", std::move(logins)}};
}

BuildImage read_build(const Json& json) {
  BuildImage build{.service = json.at("service"),
                   .registry = json.at("registry"),
                   .storage = json.at("storage"),
                   .context = read_text(json.at("context")),
                   .dockerfile = read_text(json.at("dockerfile")),
                   .inline_dockerfile = read_text(json.at("inlineDockerfile")),
                   .appended = read_text(json.at("appended")),
                   .buildpacks = json.at("buildpacks"),
                   .target = read_text(json.at("target")),
                   .platform = read_text(json.at("platform")),
                   .args = {},
                   .secrets = {},
                   .logins = {}};
  for (const auto& secret : json.at("secrets"))
    build.secrets.push_back({read_text(secret.at("id")), read_reference(secret.at("value"))});
  for (const auto& login : json.at("logins"))
    build.logins.push_back({login.at("server"), read_text(login.at("user")), read_reference(login.at("from"))});
  for (const auto& arg : json.at("args")) build.args.emplace_back(read_text(arg.at(0)), read_text(arg.at(1)));
  return build;
}

Json written(const ConfigRecipe& recipe) { return {{"config", recipe.name}}; }
Json written(const FileRecipe& recipe) { return {{"file", written(recipe.path)}}; }
Json written(const LoginRecipe& recipe) {
  return {{"login", {{"server", recipe.server}, {"user", written(recipe.user)}}}};
}
Json written(const GeneratedRecipe& recipe) { return {{"generatedBytes", recipe.bytes}}; }
Json written(const ComposedRecipe& recipe) { return {{"composed", written(recipe.pieces)}}; }

decltype(WriteSecret::recipe) read_recipe(const Json& json) {
  if (json.contains("config")) return ConfigRecipe{json.at("config")};
  if (json.contains("login")) return LoginRecipe{json["login"].at("server"), read_text(json["login"].at("user"))};
  if (json.contains("file")) return FileRecipe{read_text(json.at("file"))};
  if (json.contains("generatedBytes")) return GeneratedRecipe{json.at("generatedBytes").get<std::size_t>()};
  return ComposedRecipe{read_pieces(json.at("composed"))};
}

struct WrittenAction {
  Json operator()(const BuildImage& build) const { return {{"build", written(build)}}; }
  Json operator()(const WriteSecret& secret) const {
    return {{"secret",
             {{"vault", secret.vault},
              {"name", secret.name},
              {"recipe", std::visit([](const auto& recipe) { return written(recipe); }, secret.recipe)}}}};
  }
  Json operator()(const AwaitRevision& await) const { return {{"await", await.app}}; }
  Json operator()(const RunJob& run) const { return {{"run", run.job}}; }
};

decltype(Action::what) read_action(const Json& json) {
  if (json.contains("build")) return read_build(json.at("build"));
  if (json.contains("await")) return AwaitRevision{json.at("await")};
  if (json.contains("run")) return RunJob{json.at("run")};
  const Json& secret = json.at("secret");
  return WriteSecret{secret.at("vault"), secret.at("name"), read_recipe(secret.at("recipe"))};
}

// --- nodes ---

class Writer {
 public:
  Json write(const ResourceGraph& graph) {
    Json nodes = Json::array();
    for (const auto& [id, node] : graph.nodes())
      nodes.push_back(std::visit([&](const auto& one) { return written_node(one); }, node));
    return {{"v", kVersion}, {"files", std::move(files_)}, {"nodes", std::move(nodes)}};
  }

 private:
  Json written_node(const Resource& resource) {
    Json json = common(resource);
    json["type"] = resource.type;
    json["apiVersion"] = resource.api_version;
    json["name"] = resource.name;
    json["scope"] = resource.scope;
    json["body"] = written(resource.body);
    json["retention"] = name_of(kRetentions, resource.retention);
    return json;
  }
  Json written_node(const Action& action) {
    Json json = common(action);
    json["what"] = std::visit(WrittenAction{}, action.what);
    return json;
  }

  template <class N>
  Json common(const N& node) {
    Json after = Json::array();
    for (const auto& edge : node.after) after.push_back(Json::array({edge.node, written(edge.reason)}));
    Json json = {
        {"id", node.id}, {"because", written(node.because)}, {"service", node.service}, {"after", std::move(after)}};
    if (node.origin) json["origin"] = place(node.origin);
    return json;
  }

  Json place(const SourceSpan& span) {
    const auto [known, is_new] = index_of_.emplace(span.file->path, files_.size());
    if (is_new) files_.push_back(written(span.file->path));
    return Json::array({known->second, span.line, span.column, span.length});
  }

  Json files_ = Json::array();
  std::map<std::string, std::size_t> index_of_;
};

class Reader {
 public:
  ResourceGraph read(const Json& json) {
    if (json.at("v") != kVersion) throw Unreadable{"another version of this program wrote it"};
    for (const auto& path : json.at("files")) files_.push_back(std::make_shared<SourceFile>(read_text(path), ""));
    ResourceGraph graph;
    for (const auto& node : json.at("nodes")) {
      if (graph.find(node.at("id").get<std::string>())) throw Unreadable{"two nodes have one id"};
      if (node.contains("what")) {
        Action action{
            .id = {}, .what = read_action(node.at("what")), .origin = {}, .because = {}, .service = {}, .after = {}};
        read_common(node, action);
        graph.add(std::move(action));
      } else {
        graph.add(read_resource(node));
      }
    }
    return graph;
  }

 private:
  Resource read_resource(const Json& node) const {
    Resource resource;
    read_common(node, resource);
    resource.type = node.at("type");
    resource.api_version = node.at("apiVersion");
    resource.name = node.at("name");
    resource.scope = node.at("scope");
    resource.body = read_value(node.at("body"));
    resource.retention = value_of(kRetentions, node.at("retention"));
    return resource;
  }

  template <class N>
  void read_common(const Json& json, N& node) const {
    node.id = json.at("id");
    node.because = read_text(json.at("because"));
    node.service = json.at("service");
    for (const auto& edge : json.at("after")) node.after.push_back({edge.at(0), read_text(edge.at(1))});
    if (const auto origin = json.find("origin"); origin != json.end())
      node.origin = {files_.at(origin->at(0)), origin->at(1), origin->at(2), origin->at(3)};
  }

  std::vector<std::shared_ptr<const SourceFile>> files_;
};

}  // namespace

std::string write_graph(const ResourceGraph& graph) { return Writer().write(graph).dump(); }

Result<ResourceGraph> read_graph(std::string_view text) {
  const auto refused = [](std::string why) {
    return fail(Error::Kind::invalid, "graph-invalid", "the plan cannot be read: " + std::move(why));
  };
  try {
    return Reader().read(Json::parse(text));
  } catch (const Json::exception& error) {
    return refused(error.what());
  } catch (const std::out_of_range&) {
    return refused("it names a file that it does not list");
  } catch (const Unreadable& error) {
    return refused(error.what);
  }
}

}  // namespace defang::arm
