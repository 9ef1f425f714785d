#include "emulator/deployments/expression.h"

#include <fmt/format.h>

#include "emulator/deployments/functions.h"
#include "emulator/deployments/syntax.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

std::unexpected<Error> wrong(std::string message) { return fail(template_error(std::move(message))); }

std::unexpected<Error> misplaced(const std::string& function) {
  return wrong(
      fmt::format("The template function '{}' is not expected at this location. Please see "
                  "https://aka.ms/arm-functions for usage details.",
                  function));
}

class Evaluation {
 public:
  explicit Evaluation(const Surroundings& in) : in_(in) {}

  Result<Json> of(const Expression& expression) {
    Json value;
    if (expression.is_call()) {
      TRY_ASSIGN(value, called(expression));
    } else {
      value = std::get<Json>(expression.what);
    }
    for (const auto& access : expression.accesses) {
      TRY_ASSIGN(const auto key, of(access));
      TRY_ASSIGN(value, member(value, key));
    }
    return value;
  }

 private:
  static Result<Json> member(const Json& value, const Json& key) {
    if (value.is_array() && key.is_number_integer()) {
      const auto index = key.get<std::int64_t>();
      if (index < 0 || index >= static_cast<std::int64_t>(value.size()))
        return wrong(fmt::format("The language expression property array index '{}' is out of bounds.", index));
      return value[static_cast<std::size_t>(index)];
    }
    if (!key.is_string())
      return wrong(fmt::format("The language expression property '{}' can't be evaluated.", dump(key)));
    const std::string name = key.get<std::string>();
    if (const Json* found = find_member(value, name)) return *found;
    std::vector<std::string> names;
    if (value.is_object())
      for (const auto& [there, ignored] : value.items()) names.push_back(there);
    return wrong(fmt::format("The language expression property '{}' doesn't exist, available properties are '{}'.",
                             name, join(names, ", ")));
  }

  Result<Json> called(const Expression& call) {
    const std::string name = to_lower(call.function());
    if (name == "if") return chosen(call);  // only the branch that is taken is evaluated
    std::vector<Json> arguments;
    for (const auto& argument : call.arguments) {
      TRY_ASSIGN(auto value, of(argument));
      arguments.push_back(std::move(value));
    }
    if (const auto* function = find_template_function(name)) {
      if (arguments.size() < function->least || arguments.size() > function->most)
        return wrong(
            fmt::format("Unable to evaluate template language function '{}': function does not take '{}' arguments.",
                        function->name, arguments.size()));
      return function->call(arguments, in_);
    }
    if (name == "parameters" || name == "variables") return named(name, arguments);
    if (name == "reference") return referred(arguments);
    if (name == "providers") return provider(arguments);
    if (name.starts_with("list")) return listed(call.function(), arguments);
    if (is_lacking_function(name))
      return fail(Error::Kind::refused, "EmulatorNotImplemented",
                  fmt::format("The emulator does not implement the template function {}.", call.function()));
    return wrong(fmt::format("The template function '{}' is not valid.", call.function()));
  }

  Result<Json> chosen(const Expression& call) {
    if (call.arguments.size() != 3) return wrong("The template function 'if' takes three arguments.");
    TRY_ASSIGN(const auto condition, of(call.arguments[0]));
    if (!condition.is_boolean()) return wrong("The template function 'if' expects a boolean first.");
    return of(call.arguments[condition.get<bool>() ? 1 : 2]);
  }

  Result<Json> named(const std::string& function, const std::vector<Json>& arguments) {
    const auto& look_up = function == "parameters" ? in_.parameter : in_.variable;
    if (arguments.size() != 1 || !arguments[0].is_string())
      return wrong(fmt::format("The template function '{}' expects one name.", function));
    if (!look_up) return misplaced(function);
    return look_up(arguments[0].get<std::string>());
  }

  static std::string text_of(const std::vector<Json>& arguments, std::size_t at) {
    return arguments.size() > at && arguments[at].is_string() ? arguments[at].get<std::string>() : "";
  }

  Result<Json> referred(const std::vector<Json>& arguments) {
    if (!in_.reference) return misplaced("reference");
    if (arguments.empty() || arguments.size() > 3 || !arguments[0].is_string())
      return wrong("The template function 'reference' expects the name or id of a resource.");
    return in_.reference(text_of(arguments, 0), text_of(arguments, 1),
                         equals_ignoring_case(text_of(arguments, 2), "full"));
  }

  Result<Json> listed(const std::string& function, const std::vector<Json>& arguments) {
    if (!in_.list) return misplaced(function);
    if (arguments.size() < 2 || !arguments[0].is_string())
      return wrong(fmt::format("The template function '{}' expects a resource and an API version.", function));
    return in_.list(function, text_of(arguments, 0), text_of(arguments, 1),
                    arguments.size() > 2 ? arguments[2] : Json());
  }

  Result<Json> provider(const std::vector<Json>& arguments) {
    if (!in_.provider) return misplaced("providers");
    return in_.provider(text_of(arguments, 0), text_of(arguments, 1));
  }

  const Surroundings& in_;
};

std::string_view inside(std::string_view text) { return text.substr(1, text.size() - 2); }

/// "[[x]" means "[x]"; everything else that is no expression means itself.
std::string literal(const std::string& text) {
  return text.starts_with("[[") && text.ends_with(']') ? text.substr(1) : text;
}

Result<Json> evaluated_text(const std::string& text, const Surroundings& in) {
  if (!is_expression(text)) return Json(literal(text));
  TRY_ASSIGN(const auto expression, parse_expression(inside(text)));
  return Evaluation(in).of(expression);
}

/// {"copy": [{"name": "list", "count": 3, "input": ...}]}: a list "list" of that many inputs. "Property iteration".
Result<void> add_property_loops(const Json& loops, Json& into, const Surroundings& in) {
  constexpr std::int64_t kMost = 800;
  for (const auto& loop : loops) {
    const std::string name = text_at(loop, "name");
    const Json* input = find_member(loop, "input");
    TRY_ASSIGN(const auto count, evaluated(loop.value("count", Json()), in));
    if (name.empty() || input == nullptr || !count.is_number_integer() || count.get<std::int64_t>() < 0 ||
        count.get<std::int64_t>() > kMost)
      return wrong("The copy loop needs a name, a count from 0 to 800 and an input.");
    Json list = Json::array();
    for (std::int64_t i = 0; i < count.get<std::int64_t>(); ++i) {
      Surroundings inner = in;
      inner.loop = to_lower(name);
      inner.loops[inner.loop] = i;
      TRY_ASSIGN(auto element, evaluated(*input, inner));
      list.push_back(std::move(element));
    }
    into[name] = std::move(list);
  }
  return {};
}

bool is_property_loops(const std::string& key, const Json& value) {
  return equals_ignoring_case(key, "copy") && value.is_array() && !value.empty() && value[0].is_object() &&
         find_member(value[0], "input") != nullptr;
}

void collect_names(const Expression& expression, const Surroundings& in, std::set<std::string>& names) {
  if (expression.is_call() && !expression.arguments.empty()) {
    const std::string name = to_lower(expression.function());
    if (name == "reference" || name.starts_with("list")) {
      const auto resource = Evaluation(in).of(expression.arguments[0]);
      if (resource && resource->is_string() && !resource->get_ref<const std::string&>().starts_with('/'))
        names.insert(to_lower(resource->get<std::string>()));
    }
  }
  for (const auto& argument : expression.arguments) collect_names(argument, in, names);
  for (const auto& access : expression.accesses) collect_names(access, in, names);
}

void collect_names(const Json& value, const Surroundings& in, std::set<std::string>& names) {
  if (value.is_string() && is_expression(value.get_ref<const std::string&>())) {
    if (const auto expression = parse_expression(inside(value.get_ref<const std::string&>())))
      collect_names(*expression, in, names);
  } else if (value.is_structured()) {
    for (const auto& [key, member] : value.items()) collect_names(member, in, names);
  }
}

}  // namespace

bool is_expression(std::string_view text) {
  return text.size() >= 2 && text.starts_with('[') && text.ends_with(']') && !text.starts_with("[[");
}

Result<Json> evaluated(const Json& value, const Surroundings& in) {
  if (value.is_string()) return evaluated_text(value.get_ref<const std::string&>(), in);
  if (value.is_array()) {
    Json list = Json::array();
    for (const auto& element : value) {
      TRY_ASSIGN(auto one, evaluated(element, in));
      list.push_back(std::move(one));
    }
    return list;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  for (const auto& [key, member] : value.items()) {
    if (is_property_loops(key, member)) {
      TRY(add_property_loops(member, object, in));
      continue;
    }
    TRY_ASSIGN(const auto name, evaluated_text(key, in));
    if (!name.is_string()) return wrong(fmt::format("The name of a property, '{}', gives no text.", key));
    TRY_ASSIGN(object[name.get<std::string>()], evaluated(member, in));
  }
  return object;
}

std::set<std::string> names_referred_to(const Json& value, const Surroundings& in) {
  std::set<std::string> names;
  collect_names(value, in, names);
  return names;
}

}  // namespace defang::emulator
