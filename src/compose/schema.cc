#include "compose/schema.h"

#include <array>

#include "compose/attributes.h"
#include "support/text.h"

namespace defang::compose {
namespace {

struct FormName {
  std::uint16_t form;
  std::string_view name;
};
// JSON Schema's words. A number with a fraction includes the whole ones.
constexpr auto kFormNames = std::to_array<FormName>({{form_text, "string"},
                                                     {form_number, "number"},
                                                     {form_integer, "integer"},
                                                     {form_boolean, "boolean"},
                                                     {form_null, "null"},
                                                     {form_list, "array"},
                                                     {form_mapping, "object"}});
constexpr std::uint16_t kScalarForms = form_text | form_integer | form_number | form_boolean;

Node types(std::uint16_t forms) {
  Node names = Node::of_list();
  for (const FormName& form : kFormNames) {
    const bool is_implied = form.form == form_integer && (forms & form_number) != 0;
    if ((forms & form.form) != 0 && !is_implied) names.items.push_back(Node::of(std::string(form.name)));
  }
  return names.items.size() == 1 ? names.items[0] : names;
}

Node of_type(std::uint16_t forms) {
  Node schema = Node::of_mapping();
  schema.set("type", types(forms));
  return schema;
}

class Writer {
 public:
  Writer(const std::vector<Extension>& extensions, const std::function<std::string(std::string_view)>& describe)
      : extensions_(extensions), describe_(describe) {}

  Node schema_of(const Shape& shape) {
    const AttributeRow& attribute = *shape.attribute;
    if (attribute.type == Type::any) return Node::of_mapping();
    Node schema = of_type(accepted_forms(attribute));
    if (const std::string text = describe_(attribute.path); !text.empty()) schema.set("description", Node::of(text));
    switch (attribute.type) {
      case Type::object:
        add_keys(schema, shape);
        break;
      case Type::names:
        if (shape.each) schema.set("additionalProperties", schema_of(*shape.each));
        if (!shape.has(any_name)) schema.set("propertyNames", name_pattern());
        if (attribute.also & form_list) schema.set("items", of_type(form_text));
        break;
      case Type::list:
        schema.set("items", schema_of(*shape.each));
        break;
      case Type::texts:
      case Type::words:
      case Type::health_test:
        schema.set("items", of_type(form_text | (attribute.also & (form_integer | form_number))));
        break;
      case Type::key_values:
      case Type::ssh_keys:
      case Type::scalars:
        schema.set("additionalProperties", of_type(kScalarForms | form_null));
        if (attribute.type != Type::scalars) schema.set("items", of_type(form_text));
        break;
      default:
        break;
    }
    // A value may also come from a variable, which no editor knows.
    if (!attribute.values.empty()) schema.set("anyOf", values(attribute.values));
    return schema;
  }

 private:
  static Node values(std::string_view listed) {
    Node any = Node::of_list();
    Node fixed = Node::of_mapping();
    Node& names = fixed.set("enum", Node::of_list());
    for (const std::string& value : split(listed, '|')) names.items.push_back(Node::of(value));
    Node variable = Node::of_mapping();
    variable.set("pattern", Node::of("\\$"));
    any.items = {std::move(fixed), std::move(variable)};
    return any;
  }

  static Node name_pattern() {
    Node pattern = Node::of_mapping();
    pattern.set("pattern", Node::of("^[a-zA-Z0-9._-]+$"));
    return pattern;
  }

  void add_keys(Node& schema, const Shape& shape) {
    Node properties = Node::of_mapping();
    Node needed = Node::of_list();
    for (const auto& [name, inner] : shape.keys) {
      properties.set(name, schema_of(*inner));
      if (inner->has(required)) needed.items.push_back(Node::of(std::string(name)));
    }
    if (shape.attribute->path == "services.*")
      for (const Extension& extension : extensions_)
        properties.set(extension.name, Node::of_mapping()).set("description", Node::of(extension.description));
    schema.set("properties", std::move(properties));
    if (!needed.items.empty()) schema.set("required", std::move(needed));
    if (shape.has(any_name)) return;
    schema.set("additionalProperties", Node::of_boolean(false));
    if (!shape.has(no_extensions)) schema.set("patternProperties", Node::of_mapping()).set("^x-", Node::of_mapping());
  }

  const std::vector<Extension>& extensions_;
  const std::function<std::string(std::string_view)>& describe_;
};

}  // namespace

Node json_schema(const std::vector<Extension>& extensions,
                 const std::function<std::string(std::string_view path)>& describe) {
  Node schema = Writer(extensions, describe).schema_of(compose_file());
  schema.set("$schema", Node::of("https://json-schema.org/draft/2020-12/schema"));
  schema.set("title", Node::of("Compose file"));
  return schema;
}

}  // namespace defang::compose
