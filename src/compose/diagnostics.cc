#include "compose/diagnostics.h"

#include <fmt/format.h>

#include <array>

#include "compose/attributes.h"
#include "compose/interpolate.h"
#include "compose/limits.h"
#include "compose/scalars.h"
#include "support/text.h"

namespace defang::compose {
namespace {

using Severity = Diagnostic::Severity;

Diagnostic error(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return {Severity::error, "compose." + std::move(code), std::move(message), std::move(span), std::move(help), {}};
}
Diagnostic warning(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return {Severity::warning, "compose." + std::move(code), std::move(message), std::move(span), std::move(help), {}};
}
Diagnostic with(Diagnostic diagnostic, std::string message, const SourceSpan& span) {
  if (span) diagnostic.related.push_back({std::move(message), span});
  return diagnostic;
}

/// The value as the user wrote it; not what a variable brought.
std::string shown(const Node& node) {
  if (node.is_list()) return "a list";
  if (node.is_mapping()) return "a mapping";
  if (node.is_null()) return "nothing";
  if (node.from_variable) return "the value of a variable";
  std::string text = without_marks(node.is_text() || node.text.empty() ? reprint(node) : node.text);
  constexpr std::size_t kMost = 60;
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text.empty() ? "an empty text" : "`" + replace_all(text, "\n", "\\n") + "`";
}

std::string kind_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::boolean:
      return "a boolean";
    case Node::Kind::integer:
    case Node::Kind::number:
      return "a number";
    case Node::Kind::text:
      return "a text";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
  }
  return "";
}

std::string form_names(std::uint16_t forms) {
  struct Name {
    std::uint16_t form;
    std::string_view text;
  };
  constexpr auto kNames = std::to_array<Name>({{form_mapping, "a mapping"},
                                               {form_list, "a list"},
                                               {form_text, "a text"},
                                               {form_number, "a number"},
                                               {form_integer, "a whole number"},
                                               {form_boolean, "a boolean"}});
  std::vector<std::string> names;
  for (const Name& name : kNames)
    if ((forms & name.form) != 0 && !(name.form == form_integer && (forms & form_number) != 0))
      names.emplace_back(name.text);
  if (names.size() < 2) return join(names, "");
  const std::string last = names.back();
  names.pop_back();
  return join(names, ", ") + " or " + last;
}

std::string quoted_list(const std::vector<std::string>& names, std::string_view word) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back("`" + name + "`");
  if (quoted.size() < 2) return join(quoted, "");
  const std::string last = quoted.back();
  quoted.pop_back();
  return fmt::format("{} {} {}", join(quoted, ", "), word, last);
}

std::string meant(const std::string& name, const std::vector<std::string>& known) {
  const auto near = did_you_mean(name, known);
  return near ? fmt::format("did you mean `{}`?", *near) : "";
}

std::vector<std::string> keys_of(const Node& mapping) {
  std::vector<std::string> keys;
  for (const Node::Entry& entry : mapping.entries) keys.push_back(entry.key);
  return keys;
}

/// What was meant, or what there is instead.
std::string meant_or_known(const std::string& name, const Node& defined, std::string_view what) {
  constexpr std::size_t kMostCompared = 1000;  // for each mistake, of which there may be as many
  std::vector<std::string> known;
  if (defined.entries.size() <= kMostCompared) known = keys_of(defined);
  if (std::string help = meant(name, known); !help.empty()) return help;
  const std::string kind = what == "build secret" ? "secret" : std::string(what);
  std::erase(known, "default");  // the network that nobody declares
  constexpr std::size_t kMost = 8;
  if (known.empty() || known.size() > kMost)
    return fmt::format("declare it: `{0}s: {{{1}: ...}}`{2}", kind, name, kind == "service" ? "" : " at top level");
  return fmt::format("there {} {}; or declare it", known.size() == 1 ? "is" : "are", quoted_list(known, "and"));
}

}  // namespace

Diagnostic cannot_read(const std::string& shown_path, const Error& world, const SourceSpan& asked_by) {
  const std::string why = world.code == "file-not-found"   ? "no such file"
                          : world.code == "file-is-folder" ? "it is a folder"
                                                           : world.message;
  return error("file", fmt::format("cannot read `{}`: {}", shown_path, why), asked_by,
               "check the path: it is relative to the folder of the file that names it, or with `-f` to where you are");
}

Diagnostic yaml_syntax(const std::string& problem, const std::string& context, const SourceSpan& span,
                       const SourceSpan& context_span) {
  std::string help;
  if (problem.contains("cannot start any token")) help = "indent with spaces, and quote texts that start with a symbol";
  if (problem.contains("mapping values are not allowed"))
    help = "quote a value that holds `: `, or check the indentation";
  if (help.empty()) help = "look for an open quote or bracket, or a lost indentation, here and above";
  if (problem.contains("UTF-8")) help = "save the file as UTF-8";
  const std::string where = context.empty() ? "" : context + ": ";
  return with(error("yaml-syntax", fmt::format("this is not YAML: {}{}", where, problem), span, help),
              "what has no end starts here", context_span);
}

Diagnostic not_a_character(const SourceSpan& span) {
  return error("yaml-syntax", "this text holds U+FDD0, which is not a character", span, "remove it");
}

Diagnostic not_base64(const SourceSpan& span) {
  return error("yaml-syntax", "what `!!binary` marks must be a text in base64", span, "remove the tag");
}

Diagnostic file_too_big(const std::string& shown_path, const SourceSpan& asked_by) {
  return error("limit", fmt::format("`{}` is too big to be read", shown_path), asked_by,
               fmt::format("a file may have {} MiB", kMostFileBytes >> 20));
}

Diagnostic too_deep(const SourceSpan& span) {
  return error("limit", "mappings and lists are nested too deep", span,
               fmt::format("{} levels are read", kDeepestNesting));
}

Diagnostic alias_of_itself(const std::string& name, const SourceSpan& span) {
  return error("yaml-alias", fmt::format("the alias `*{}` stands inside what it refers to", name), span,
               "set the anchor on something that does not hold the alias");
}

Diagnostic unknown_anchor(const std::string& name, const SourceSpan& span) {
  return error("yaml-alias", fmt::format("unknown anchor `{}`", name), span,
               "an anchor counts from its `&` to the end of its document; other files cannot see it");
}

Diagnostic too_many_aliases(const SourceSpan& span) {
  return error("limit", "aliases make this document grow beyond all reason", span,
               fmt::format("aliases may add {} values to a document", kMostAliasNodes));
}

Diagnostic document_too_big(const SourceSpan& span) {
  return error("limit", "this file holds more values than a project may have", span,
               fmt::format("{} are read, what has an anchor counting twice", kMostValues));
}

Diagnostic too_many_directives(const SourceSpan& span) {
  return error("limit", "this file has too many lines that begin with `%TAG`", span, "remove them: Compose needs none");
}

Diagnostic too_many_documents(const SourceSpan& span) {
  return error("limit", "these are too many documents", span,
               fmt::format("{} are merged, each begins with `---`", kMostDocuments));
}

Diagnostic key_not_a_text(const std::string& path, const Node& key, const SourceSpan& span) {
  const std::string place = path.empty() ? "at top level" : "in `" + path + "`";
  return error("key-not-a-text", fmt::format("the key {} {} is {}, not a text", shown(key), place, kind_of(key)), span,
               "put it in quotes");
}

Diagnostic duplicate_key(const std::string& key, const SourceSpan& span, const SourceSpan& first) {
  return with(error("duplicate-key", fmt::format("the key `{}` stands here a second time", key), span,
                    "remove one, or make one of both"),
              fmt::format("it stands first on line {}", first.line), first);
}

Diagnostic merge_key_needs_mapping(const SourceSpan& span) {
  return error("yaml-merge", "`<<` wants a mapping or a list of mappings", span,
               "refer to a mapping that has an anchor: `<<: *name`");
}

Diagnostic document_not_a_mapping(const SourceSpan& span) {
  return error("document", "a Compose file must be a mapping", span, "it starts with keys such as `services:`");
}

Diagnostic no_compose_file(const std::string& folder) {
  return error("no-file", fmt::format("no configuration file found in `{}` or any folder above it", folder), {},
               "name one with `-f`, or create `compose.yaml`");
}

Diagnostic several_compose_files(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> names;
  for (const std::filesystem::path& file : files) names.push_back(file.filename().string());
  return warning(
      "several-files",
      fmt::format("found {} in `{}`; using `{}`", quoted_list(names, "and"), files[0].parent_path().string(), names[0]),
      {}, "remove the others, or choose with `-f`");
}

Diagnostic empty_compose_file(const std::string& shown_path) {
  return error("empty-file", fmt::format("empty compose file `{}`", shown_path), {},
               "it begins with `services:`, and below it the services by name");
}

Diagnostic invalid_project_name(const std::string& name) {
  return error("project-name", fmt::format("invalid project name `{}`", name), {},
               "use lower-case letters, digits, `-` and `_`, and start with a letter or digit");
}

Diagnostic empty_project_name(const std::string& folder) {
  return error("project-name", fmt::format("the project has no name, and the folder `{}` gives none", folder), {},
               "add a top-level `name:`, or use `--project-name`");
}

Diagnostic env_file_not_found(const std::string& shown_path) {
  return error("env-file", fmt::format("couldn't find the env file `{}`", shown_path), {},
               "check `--env-file` and COMPOSE_ENV_FILES; they are relative to the working directory");
}

Diagnostic quote_without_partner(const std::string& message, const SourceSpan& span) {
  return warning("env-file-quote", message, span, "put the whole value in quotes, or none of it");
}

Diagnostic bad_env_file(const std::string& message, const SourceSpan& span) {
  return error("env-file", message, span, "write one KEY=VALUE a line; quote values that span lines");
}

Diagnostic unsupported_env_file_format(const std::string& path, const Node& format) {
  return error("env-file", fmt::format("`{}.env_file`: unsupported format {}", path, shown(format)), format.span,
               "leave `format` out");
}

Diagnostic version_is_obsolete(const SourceSpan& span) {
  return warning("obsolete-version", "the attribute `version` is obsolete and ignored", span, "remove it");
}

Diagnostic required_variable(const std::string& path, const std::string& name, const std::string& message,
                             const SourceSpan& span) {
  const std::string says = message.empty() ? "" : ": " + message;
  return error("required-variable", fmt::format("`{}`: required variable `{}` is missing a value{}", path, name, says),
               span, fmt::format("set it in `.env`: {}=...", name));
}

Diagnostic malformed_interpolation(const std::string& path, const std::string& text, const SourceSpan& span) {
  Node node = Node::of(text);
  return error("interpolation", fmt::format("`{}`: invalid interpolation format in {}", path, shown(node)), span,
               "write ${NAME} with its closing brace, or `$$` for a `$` that is meant as it stands");
}

Diagnostic variables_too_long(const std::string& path, const SourceSpan& span) {
  return error("limit", fmt::format("`{}`: variables make this text, or the document, too long", path), span,
               fmt::format("a text may have {} MiB, all of a document {} MiB, and defaults {} levels",
                           kMostTextBytes >> 20, kMostFilledBytes >> 20, kDeepestDefault));
}

Diagnostic variable_not_set(const std::string& name, const SourceSpan& span) {
  return warning("variable-not-set", fmt::format("the variable `{}` is not set; it becomes an empty text", name), span,
                 fmt::format("set it in `.env`, or give a default: ${{{}:-...}}", name));
}

Diagnostic variable_only_in_shell(const std::string& name, const SourceSpan& span) {
  return warning("variable-ignored", fmt::format("the environment variable `{}` is ignored", name), span,
                 "add it to `.env`, or it is taken from config when deploying");
}

Diagnostic cannot_convert(const std::string& path, const std::string& wanted, const Node& node) {
  if (has_marks(node.text))
    return error("type", fmt::format("`{}` must be {}, but {} has no value", path, wanted, shown(node)), node.span,
                 "set the variable in `.env`; config cannot be used here");
  return error("type", fmt::format("`{}` must be {}, not {}", path, wanted, shown(node)), node.span,
               fmt::format("write {}", wanted));
}

Diagnostic old_boolean(const std::string& path, const Node& node, bool value) {
  return warning("old-boolean", fmt::format("`{}`: {} is no boolean in YAML 1.2", path, shown(node)), node.span,
                 fmt::format("use `{}`", value));
}

Diagnostic include_not_a_list(const SourceSpan& span) {
  return error("include", "`include` must be a list", span, "write `include: [other.yaml]`");
}

Diagnostic include_without_path(const SourceSpan& span) {
  return error("include", "`include` needs a `path`", span, "add `path:`, the file to include");
}

Diagnostic include_cycle(const std::vector<std::string>& chain, const SourceSpan& span) {
  return error("include", "include cycle detected: " + join(chain, " -> "), span, "remove one of these `include`");
}

Diagnostic too_many_includes(const SourceSpan& span) {
  return error(
      "limit", "files include each other too often, or too deep", span,
      fmt::format("a project may have {} includes, {} of them within each other", kMostIncludes, kDeepestIncludes));
}

Diagnostic project_too_big(const SourceSpan& span) {
  return error(
      "limit", "with this the project has too many values", span,
      fmt::format("{} are loaded, counted each time they are included, extended, or stand for a port of a range",
                  kMostValues));
}

Diagnostic too_many_mistakes(std::size_t count) {
  return {Severity::note, "compose.limit", fmt::format("{} more mistakes are not shown", count), {}, "", {}};
}

Diagnostic extends_too_long(const std::string& name, const SourceSpan& span) {
  return error("limit", fmt::format("`services.{}` extends too long a chain of services", name), span,
               fmt::format("a chain may have {} services", kLongestExtends));
}

Diagnostic service_not_a_mapping(const std::string& name, const SourceSpan& span) {
  return error("type", fmt::format("`services.{}` must be a mapping", name), span,
               "write its attributes below it, indented further");
}

Diagnostic extends_without_service(const std::string& name, const SourceSpan& span) {
  return error("extends", fmt::format("`services.{}.extends` does not name a `service`", name), span, "add `service:`");
}

Diagnostic extended_service_not_found(const std::string& name, const Node& base, const std::string& file,
                                      const std::string& base_file, const Node& services) {
  const std::string place = base_file.empty() ? file : base_file;
  return error("extends",
               fmt::format("cannot extend service `{}`: service {} not found in `{}`", name, shown(base), place),
               base.span, meant_or_known(base.text, services, "service"));
}

Diagnostic circular_extends(const std::vector<std::pair<std::string, SourceSpan>>& chain, const std::string& name,
                            const std::string& file) {
  std::vector<std::string> names;
  for (const auto& [service, span] : chain) names.push_back(service);
  names.push_back(name);
  Diagnostic diagnostic =
      error("extends", fmt::format("circular reference of `extends` in `{}`: {}", file, join(names, " -> ")),
            chain[0].second, "remove one of these `extends`");
  for (std::size_t i = 1; i < chain.size(); ++i)
    diagnostic = with(std::move(diagnostic), fmt::format("`{}` extends", chain[i].first), chain[i].second);
  return diagnostic;
}

Diagnostic cannot_override(const std::string& path, const Node& earlier, const Node& later) {
  return with(
      error("merge", fmt::format("cannot override `{}`: it is {}, and {} here", path, kind_of(earlier), kind_of(later)),
            later.span, fmt::format("write {} in both, or replace the earlier with `!override`", kind_of(earlier))),
      "it was given here", earlier.span);
}

Diagnostic unknown_key(const std::string& path, const std::string& key, const SourceSpan& span,
                       const std::vector<std::string>& known, const std::string& place_below) {
  std::string help = meant(key, known);
  if (!path.empty() && help.empty() && !place_below.empty()) help = fmt::format("its place is `{}`", place_below);
  if (!path.empty() && help.empty()) help = "remove it; a key of your own starts with `x-`";
  if (path.empty() && help.empty()) help = "services belong under `services:`; a key of your own starts with `x-`";
  const std::string place = path.empty() ? "at top level" : "in `" + path + "`";
  return error("unknown-key", fmt::format("unknown key `{}` {}", key, place), span, help);
}

Diagnostic missing_key(const std::string& path, const std::string& key, const SourceSpan& span) {
  return error("missing-key", fmt::format("`{}` is missing `{}`", path, key), span, fmt::format("add `{}:`", key));
}

Diagnostic wrong_type(const std::string& path, std::uint16_t forms, const Node& node, const SourceSpan& span) {
  std::string help;
  const bool is_scalar = !node.is_list() && !node.is_mapping() && !node.is_null();
  if (is_scalar && (forms & form_text) != 0) help = fmt::format("put it in quotes: \"{}\"", node.text);
  if (is_scalar && (forms & form_text) == 0 && (forms & form_list) != 0)
    help = fmt::format("write a list: [\"{}\"]", node.text);
  if (is_scalar && (forms & (form_text | form_list)) == 0 && (forms & form_mapping) != 0)
    help = "write `key: value` pairs below it, indented further";
  if (node.is_mapping() && (forms & form_text) != 0 && path.ends_with(']'))
    help = "write `KEY=VALUE`, or drop the `-` before every entry";
  if (node.is_mapping() && help.empty() && (forms & form_list) != 0) help = "begin each item with `- `";
  if (node.is_mapping() && help.empty() && (forms & form_text) != 0)
    help = "a text may follow on one line, or below `|`";
  if (node.is_list() && (forms & form_mapping) != 0) help = "write `key: value` pairs, without `- `";
  if (node.is_list() && help.empty() && (forms & form_text) != 0) help = "write one text";
  if (node.is_null()) help = "give it a value, or remove the key";
  if (node.is_null() && !path.contains('.') && (forms & form_mapping) != 0)
    help = "indent what belongs to it further than the key itself";
  if (node.from_variable) help.clear();
  const std::string place = path.empty() ? "the document" : "`" + path + "`";
  return error("type", fmt::format("{} must be {}, not {}", place, form_names(forms), kind_of(node)), span, help);
}

Diagnostic not_one_of(const std::string& path, const Node& node, const std::vector<std::string>& values) {
  std::string help = node.from_variable ? "" : meant(node.text, values);
  if (help.empty()) help = "choose one of these";
  return error("value", fmt::format("`{}` must be {}, not {}", path, quoted_list(values, "or"), shown(node)), node.span,
               help);
}

Diagnostic bad_name(const std::string& path, const std::string& name, const SourceSpan& span) {
  return error("name", fmt::format("`{}` cannot be a name in `{}`", name, path), span,
               "use letters, digits, `.`, `_` and `-`");
}

Diagnostic bad_container_name(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: {} cannot name a container", path, shown(node)), node.span,
               "use two or more letters, digits, `.`, `_` and `-`");
}

Diagnostic bad_pull_policy(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: unknown policy {}", path, shown(node)), node.span,
               "use always, never, build, missing, refresh, daily, weekly or every_<duration>");
}

Diagnostic repeated_item(const std::string& path, const Node& node, const SourceSpan& first) {
  return with(error("repeated-item", fmt::format("`{}` has {} twice", path, shown(node)), node.span, "remove one"),
              "first here", first);
}

Diagnostic not_a_finite_number(const std::string& path, const SourceSpan& span) {
  return error("value", fmt::format("`{}` must be a finite number", path), span,
               "write it in digits, or in quotes as a text");
}

Diagnostic bad_port(const std::string& path, const Node& node, const std::string& why) {
  return error("port", fmt::format("`{}`: {} {}", path, shown(node), why), node.span,
               "write [HOST_IP:][PUBLISHED:]TARGET[/PROTOCOL], for example \"8080:80\"");
}

Diagnostic port_with_fraction(const std::string& path, const Node& node) {
  return error("port", fmt::format("`{}`: {} is no port", path, shown(node)), node.span,
               "a port is a whole number up to 65535");
}

Diagnostic port_without_target(const std::string& path, const SourceSpan& span) {
  return error("port", fmt::format("`{}`: this port is missing its `target`", path), span,
               "add `target:`, the port on which the container listens");
}

Diagnostic bad_host_ip(const std::string& path, const Node& node) {
  return error("port", fmt::format("`{}.host_ip`: {} is no IP address", path, shown(node)), node.span,
               "write an address of this machine, such as \"127.0.0.1\"");
}

Diagnostic bad_mount(const std::string& path, const Node& node, const std::string& why) {
  return error("volume", fmt::format("`{}`: {} {}", path, shown(node), why), node.span,
               "write [SOURCE:]TARGET[:OPTIONS], for example \"data:/var/lib/data:ro\"");
}

Diagnostic mount_without_target(const std::string& path, const SourceSpan& span) {
  return error("volume", fmt::format("`{}`: this mount is missing its `target`", path), span,
               "add `target:`, the path in the container");
}

Diagnostic bind_without_source(const std::string& path, const SourceSpan& span) {
  return error("volume", fmt::format("`{}`: a mount of type \"bind\" needs a `source`", path), span,
               "add `source:`, the path on this machine");
}

Diagnostic bad_device(const std::string& path, const Node& node) {
  return error("device", fmt::format("`{}`: {} has too many colons", path, shown(node)), node.span,
               "write SOURCE[:TARGET[:PERMISSIONS]], or the long form");
}

Diagnostic bad_device_count(const std::string& path, const Node& node) {
  return error("device", fmt::format("`{}` must be `all` or a number, not {}", path, shown(node)), node.span,
               "write a number, or `all`");
}

Diagnostic count_and_device_ids(const std::string& path, const SourceSpan& count, const SourceSpan& ids) {
  return with(
      error("device", fmt::format("`{}`: `count` and `device_ids` exclude each other", path), ids, "remove one"),
      "`count` is given here", count);
}

Diagnostic empty_watch_path(const std::string& path, const SourceSpan& span) {
  return error("value", fmt::format("`{}.path` can't be blank", path), span, "name the folder or file to watch");
}

Diagnostic context_without_path(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: {} names no context", path, shown(node)), node.span,
               "write `name=path`, for example `shared=../shared`");
}

Diagnostic empty_env_file(const std::string& path, const SourceSpan& span) {
  return error("env-file", fmt::format("`{}.env_file`: the path is empty", path), span, "name a file, or remove it");
}

Diagnostic bad_ssh_key(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: {} is no ssh key", path, shown(node)), node.span,
               "write `default` or ID=PATH");
}

Diagnostic bad_duration(const std::string& path, const Node& node) {
  const bool is_number = !node.from_variable && to_number(node.text).has_value();
  return error("duration", fmt::format("`{}`: {} is no duration", path, shown(node)), node.span,
               is_number ? fmt::format("add a unit: \"{}s\"", node.text) : "write for example \"1m30s\" or \"500ms\"");
}

Diagnostic bad_size(const std::string& path, const Node& node) {
  return error("size", fmt::format("`{}`: {} is no size", path, shown(node)), node.span,
               "write a number and b, k, m or g, for example \"512m\"");
}

Diagnostic size_with_fraction(const std::string& path, const Node& node) {
  return warning("size", fmt::format("`{}`: {} is ignored, as bytes come whole", path, shown(node)), node.span,
                 "add a unit, for example \"1.5g\"");
}

Diagnostic bad_command_line(const std::string& path, const Node& node) {
  return error("command", fmt::format("`{}`: invalid command line", path), node.span,
               "close every quote, put parentheses in quotes, or write the command as a list");
}

Diagnostic trailing_space_in_name(const std::string& path, const Node& node) {
  const std::string name = node.text.substr(0, node.text.find('='));
  return error("value", fmt::format("`{}`: the name `{}` is declared with a trailing space", path, trim(name)),
               node.span, "remove the space before `=`");
}

Diagnostic bad_file_mode(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: {} is no file mode", path, shown(node)), node.span,
               "write it in octal, for example \"0440\"");
}

Diagnostic host_without_address(const std::string& path, const Node& node) {
  return error("value", fmt::format("`{}`: {} is missing an IP address", path, shown(node)), node.span,
               "write \"host=address\"");
}

Diagnostic bad_host_name(const std::string& path, const std::string& host, const SourceSpan& span) {
  return error("value", fmt::format("`{}`: `{}` is no host name", path, host), span, "write \"host=address\"");
}

Diagnostic external_name_is_old(const std::string& path, const SourceSpan& span) {
  return warning("external-name", fmt::format("`{}`: `external.name` is deprecated", path), span,
                 "write `external: true` and `name:` beside it");
}

Diagnostic external_name_conflict(const std::string& path, const SourceSpan& name, const SourceSpan& external_name) {
  return with(error("external-name", fmt::format("`{}`: `name` and `external.name` conflict", path), external_name,
                    "use only `name`"),
              "`name` is given here", name);
}

Diagnostic conflict_with_external(const std::string& path, const std::string& key, const SourceSpan& span,
                                  const SourceSpan& external) {
  return with(error("external", fmt::format("`{}`: `{}` conflicts with `external`", path, key), span,
                    "what is external is described elsewhere; only `name` may be given"),
              "declared external here", external);
}

Diagnostic several_sources(const std::string& path, const std::vector<std::string>& sources, const SourceSpan& first,
                           const SourceSpan& second) {
  return with(error("source", fmt::format("`{}`: {} exclude each other", path, quoted_list(sources, "and")), second,
                    "keep the one that holds the content"),
              "the other is given here", first);
}

Diagnostic no_source(const std::string& path, const std::vector<std::string>& sources, const SourceSpan& span) {
  return error("source", fmt::format("`{}` needs one of {}", path, quoted_list(sources, "and")), span,
               "say where its content comes from, or `external: true`");
}

Diagnostic service_without_image(const std::string& service, const SourceSpan& span) {
  return error("no-image", fmt::format("service `{}` has neither an image nor a build context", service), span,
               "add `image:` or `build:`");
}

Diagnostic dockerfile_twice(const std::string& service, const SourceSpan& file, const SourceSpan& inline_file) {
  return with(
      error("build", fmt::format("service `{}`: `dockerfile` and `dockerfile_inline` exclude each other", service),
            inline_file, "remove one"),
      "`dockerfile` is given here", file);
}

Diagnostic context_not_buildable(const std::string& service, const Node::Entry& context) {
  return error("build",
               fmt::format("service `{}`: additional context `{}` needs a service that is built, but {} is not",
                           service, context.key, shown(context.value)),
               context.value.span, "name a service that has `build:`");
}

Diagnostic platform_not_built(const std::string& service, const Node& platform, const SourceSpan& platforms) {
  return with(error("platform",
                    fmt::format("service `{}` wants platform {}, which `build.platforms` does not have", service,
                                shown(platform)),
                    platform.span, "add it there, or leave `platform` out"),
              "`build.platforms` is given here", platforms);
}

Diagnostic network_mode_and_networks(const std::string& service, const SourceSpan& mode, const SourceSpan& networks) {
  return with(error("network", fmt::format("service `{}`: `network_mode` and `networks` exclude each other", service),
                    networks, "remove one"),
              "`network_mode` is given here", mode);
}

Diagnostic undefined_reference(const std::string& service, const std::string& what, const std::string& name,
                               const SourceSpan& span, const Node& defined) {
  return error("undefined", fmt::format("service `{}` refers to undefined {} `{}`", service, what, name), span,
               meant_or_known(name, defined, what));
}

Diagnostic undefined_source(const std::string& service, const std::string& what, const Node& source,
                            const Node& defined) {
  return error("undefined", fmt::format("service `{}` refers to undefined {} {}", service, what, shown(source)),
               source.span, meant_or_known(source.text, defined, what));
}

Diagnostic undefined_dependency(const std::string& service, const std::string& name, bool is_disabled,
                                const SourceSpan& span, const Node& services) {
  if (is_disabled)
    return error("undefined",
                 fmt::format("service `{}` depends on service `{}`, which no active profile selects", service, name),
                 span, "activate its profile, or add `required: false`");
  return error("undefined", fmt::format("service `{}` depends on undefined service `{}`", service, name), span,
               meant_or_known(name, services, "service"));
}

Diagnostic bad_health_test(const std::string& service, const Node& first) {
  return error(
      "healthcheck",
      fmt::format("service `{}`: `healthcheck.test` must start with \"CMD\", \"CMD-SHELL\" or \"NONE\", not {}",
                  service, shown(first)),
      first.span, "put \"CMD\" first, or write the command as one text for a shell");
}

Diagnostic distinct_values(const std::string& service, const std::string& one, const std::string& other,
                           const SourceSpan& one_span, const SourceSpan& other_span) {
  return with(error("distinct-values", fmt::format("service `{}`: `{}` and `{}` differ", service, one, other), one_span,
                    "they mean the same: remove one"),
              fmt::format("`{}` is given here", other), other_span);
}

Diagnostic negative_number(const std::string& path, const SourceSpan& span) {
  return error("value", fmt::format("`{}` must be greater than or equal to 0", path), span, "0 is the least");
}

Diagnostic container_name_with_copies(const std::string& service, const std::string& attribute, const SourceSpan& name,
                                      const SourceSpan& copies) {
  return with(error("container-name",
                    fmt::format("service `{}`: `container_name` is for one container, but `{}` asks for several",
                                service, attribute),
                    name, "remove `container_name`"),
              fmt::format("`{}` is given here", attribute), copies);
}

Diagnostic watch_without_target(const std::string& service, const SourceSpan& span) {
  return error("missing-key", fmt::format("`services.{}.develop.watch` needs a `target` for this action", service),
               span, "add `target:`, the path in the container");
}

Diagnostic mounted_twice(const std::string& service, const std::string& target, const SourceSpan& span,
                         const SourceSpan& first) {
  return with(
      error("volume", fmt::format("service `{}` mounts two things at `{}`", service, target), span, "remove one"),
      "the other is given here", first);
}

Diagnostic secret_in_environment(const std::string& service, const std::string& variable, const SourceSpan& span) {
  // Without the line, which holds the secret.
  SourceSpan place = span;
  if (place) place.file = std::make_shared<SourceFile>(place.file->path, "");
  return warning("secret-in-environment",
                 fmt::format("service `{}`: the value of `{}` looks like a secret, and everybody who reads the "
                             "deployment can read it",
                             service, variable),
                 place, fmt::format("leave the value out (`{0}:`) and set it with `defang config set {0}`", variable));
}

Diagnostic context_outside(const std::string& service, const std::string& context, const SourceSpan& span) {
  return warning(
      "context-outside",
      fmt::format("service `{}` is built from `{}`, outside of the project: all of it is uploaded", service, context),
      span, "name what is not needed in its .dockerignore, or move the project up to there");
}

Diagnostic context_is_everything(const std::string& service, const std::string& context, const SourceSpan& span) {
  return error("context-everything",
               fmt::format("service `{}` is built from `{}`, which holds your home folder", service, context), span,
               "name the folder that the image needs");
}

Diagnostic latest_tag(const std::string& service, const SourceSpan& span) {
  return warning(
      "latest-tag",
      fmt::format("service `{}`: the tag `latest` is another image tomorrow, and nothing tells when", service), span,
      "name a version");
}

Diagnostic published_port_differs(const std::string& service, const Port& port) {
  return warning(
      "published-port",
      fmt::format("service `{}` publishes port {} as {}, and on Azure nothing answers on {}", service, port.target,
                  port.published, port.published),
      port.span,
      fmt::format("a public web service is opened with https:// and no port; other services use port {}", port.target));
}

Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span) {
  return error("dependency-cycle", "dependency cycle detected: " + join(cycle, " -> "), span,
               "remove one of these `depends_on`");
}

}  // namespace defang::compose
