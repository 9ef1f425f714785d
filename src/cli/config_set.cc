#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "azure/resource_types.h"
#include "cli/commands.h"
#include "cli/missing_config.h"
#include "cli/session.h"
#include "cli/stack_vault.h"
#include "cli/views/view.h"
#include "compose/dotenv.h"
#include "deploy/actions.h"
#include "deploy/engine.h"
#include "deploy/survey.h"
#include "deploy/vault_secrets.h"
#include "plan/variables.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The name rule of config, as the existing tool has it: a variable of 64 characters at most.
bool is_config_name(std::string_view name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view kAll = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !name.empty() && name.size() <= 64 && kLetters.contains(name.front()) &&
         name.find_first_not_of(kAll) == std::string_view::npos;
}

/// 32 random bytes without the characters that URLs and shells mind.
Secret random_value(Random& random) {
  std::string text = base64(random.bytes(32));
  std::erase_if(text, [](char c) { return c == '+' || c == '/' || c == '='; });
  return Secret(std::move(text));
}

/// What ends a value that came through a pipe.
std::string without_line_end(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

struct Setting {
  std::string name;
  Secret value;
};

/// What the command line asks to set. Values are never repeated in a message.
class Settings {
 public:
  Settings(const Arguments& arguments, Context& context, Diagnostics& diagnostics)
      : arguments_(arguments), context_(context), diagnostics_(diagnostics) {}

  std::vector<Setting> read() {
    if (!arguments_.env_file.empty()) {
      add_env_file();
    } else if (arguments_.words.empty()) {
      wrong("no config is named", "`defang config set NAME=VALUE`, or pipe the value into `defang config set NAME`");
    } else if (arguments_.words.size() == 2 && is_config_name(arguments_.words[0]) && takes_a_value() &&
               !arguments_.words[1].contains('=')) {
      add_from(arguments_.words[0], arguments_.words[1]);
    } else {
      for (const auto& word : arguments_.words) add(word);
    }
    return std::move(settings_);
  }

 private:
  bool takes_a_value() const { return !arguments_.random && !arguments_.env; }
  void wrong(std::string message, std::string help) {
    diagnostics_.error("config.usage", std::move(message), {}, std::move(help));
  }

  void add(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (!is_config_name(name)) {
      wrong(fmt::format("`{}` is no name for a config", name),
            "letters, digits and underscores, 64 at most, no digit first");
    } else if (equals != std::string::npos && !takes_a_value()) {
      wrong(fmt::format("`{}` has a value already", name), "give either a value, --random or --env");
    } else if (equals != std::string::npos) {
      settings_.push_back({name, Secret(word.substr(equals + 1))});
    } else if (arguments_.random) {
      settings_.push_back({name, random_value(context_.random)});
    } else if (arguments_.env && !context_.environment.contains(name)) {
      wrong(fmt::format("the environment has no variable `{}`", name), "export it first, or give NAME=VALUE");
    } else if (arguments_.env) {
      settings_.push_back({name, Secret(context_.variable(name))});
    } else if (arguments_.words.size() > 1) {
      wrong(fmt::format("`{}` has no value", name),
            "give each as NAME=VALUE, or `--env` to take them from the environment");
    } else if (!context_.input_is_terminal) {
      settings_.push_back({name, Secret(without_line_end(context_.standard_input()))});
    } else if (arguments_.non_interactive) {
      wrong(fmt::format("`{}` has no value", name), "give NAME=VALUE, or pipe the value into this command");
    } else if (auto typed = context_.ask(fmt::format("value of `{}` (not shown): ", name), Context::Echo::hidden)) {
      settings_.push_back({name, Secret(std::move(*typed))});
    } else {
      wrong(fmt::format("`{}` has no value", name), "type one, or give NAME=VALUE");
    }
  }

  /// The second word is a file, or `-` for standard input.
  void add_from(const std::string& name, const std::string& file) {
    auto text = file == "-" ? Result<std::string>(context_.standard_input()) : context_.disk.read(file);
    if (!text)
      return wrong(fmt::format("the value of `{}`: {}", name, text.error().message),
                   "after a name comes a file, or `-` for standard input; to give the value itself, write NAME=VALUE");
    settings_.push_back({name, Secret(without_line_end(std::move(*text)))});
  }

  /// All that the file holds, or those that are named.
  void add_env_file() {
    const auto text = context_.disk.read(arguments_.env_file);
    if (!text) return wrong(text.error().message, "`--env-file` takes a file of NAME=VALUE lines");
    const auto entries = compose::parse_env_file(*text, [](std::string_view) { return std::nullopt; });
    if (!entries) {
      const auto file = std::make_shared<SourceFile>(arguments_.env_file, "");  // its lines hold secrets
      diagnostics_.error("config.env-file", entries.error().message, {file, entries.error().line, 1, 0},
                         "one NAME=VALUE a line");
      return;
    }
    auto wanted = arguments_.words;
    for (const auto& [name, value] : *entries) {
      if (!arguments_.words.empty() && std::erase(wanted, name) == 0) continue;
      if (is_config_name(name))
        settings_.push_back({name, Secret(value)});
      else
        wrong(fmt::format("`{}` is no name for a config", name),
              "letters, digits and underscores, 64 at most, no digit first");
    }
    for (const auto& name : wanted)
      wrong(fmt::format("`{}` has no variable `{}`", arguments_.env_file, name), "add it there");
  }

  const Arguments& arguments_;
  Context& context_;
  Diagnostics& diagnostics_;
  std::vector<Setting> settings_;
};

}  // namespace

int run_config_set(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto settings = Settings(arguments, context, diagnostics).read();
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    TRY(ensure_vault(place, arguments, context));
    TRY_ASSIGN(const auto present, deploy::list_secrets(*place.session.arm, place.vault, context.stop));
    Json done = Json::array();
    for (const auto& setting : settings) {
      const bool is_set =
          std::ranges::any_of(present, [&](const auto& secret) { return secret.config == setting.name; });
      if (arguments.if_not_set && is_set) continue;
      auto written =
          deploy::write_secret(*place.session.arm, place.vault, plan::config_secret_name(setting.name), setting.value,
                               {{std::string(deploy::kConfigTag), setting.name}}, context.stop);
      if (!written) return fail(std::move(written.error().during(fmt::format("setting config `{}`", setting.name))));
      done.push_back(setting.name);
    }
    if (arguments.json)
      context.out.write(Json{{"set", done}}.dump() + "\n");
    else
      context.err.write(
          fmt::format("{} of {} set; `defang compose up` brings them to the services\n", done.size(), settings.size()));
    return {};
  });
}

int run_config_ls(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    auto secrets = deploy::list_secrets(*place.session.arm, place.vault, context.stop);
    if (!secrets && secrets.error().http_status == 404) secrets = std::vector<deploy::VaultSecret>{};
    if (!secrets) return std::unexpected(std::move(secrets).error());
    Json names = Json::array();
    for (const auto& secret : *secrets)
      if (!secret.config.empty()) names.push_back(secret.config);
    if (arguments.json) {
      context.out.write(Json{{"config", names}}.dump() + "\n");
    } else {
      for (const auto& name : names) context.out.write(name.get<std::string>() + "\n");
    }
    return {};
  });
}

namespace {

struct Variable {
  std::string service, name, source, value;  // the value as the Compose file has it, `${X}` where config goes
  std::string becomes;                       // on Azure, where that is something else
  std::vector<std::string> config;
  bool is_set = true;
};

Variable variable_of(const std::string& service, const compose::EnvironmentVariable& variable,
                     const std::set<std::string>& known) {
  Variable out{service, variable.name, "compose", "", "", {}, true};
  if (!variable.value) out.config.push_back(variable.name);
  bool has_text = false;
  for (const auto& piece : variable.value.value_or(std::vector<compose::TextPiece>{})) {
    out.value += piece.is_config ? "${" + piece.text + "}" : piece.text;
    has_text |= !piece.is_config;
    if (piece.is_config) out.config.push_back(piece.text);
  }
  if (!out.config.empty()) out.source = has_text ? "mixed" : "config";
  out.value = plan::redacted(out.name, std::move(out.value));
  out.is_set = std::ranges::all_of(out.config, [&](const auto& name) { return known.contains(name); });
  return out;
}

/// What the project says of its variables, beside what the plan makes of them: addresses of managed services and of
/// siblings, and variables that nobody wrote.
std::vector<Variable> variables_of(const compose::Project& project, const plan::Stack& stack, Context& context,
                                   const std::set<std::string>& known) {
  std::vector<Variable> variables;
  for (const auto& [service, definition] : project.services)
    for (const auto& one : definition.environment) variables.push_back(variable_of(service, one, known));
  plan::Facts facts;
  plan::look_at_disk(project, context.disk, facts);
  Diagnostics unheard;  // `plan` tells them
  for (auto& planned : plan::variables_of(plan::build_graph(project, stack, facts, unheard), project)) {
    const auto found = std::ranges::find_if(variables, [&](const Variable& variable) {
      return variable.service == planned.service && variable.name == planned.name;
    });
    if (found == variables.end())
      variables.push_back({planned.service, planned.name, "managed", "", std::move(planned.value), {}, true});
    else if (found->source == "config" ? planned.value != "${" + found->config.front() + "}"
                                       : planned.value != found->value)
      found->becomes = std::move(planned.value);
  }
  std::ranges::stable_sort(variables, {}, &Variable::service);
  return variables;
}

Json row_of(const Variable& variable) {
  Json row = {{"service", variable.service}, {"name", variable.name}, {"source", variable.source}};
  if (variable.source == "compose" || variable.source == "mixed") row["value"] = variable.value;
  if (!variable.becomes.empty()) row["becomes"] = variable.becomes;
  if (!variable.config.empty()) row.update({{"config", variable.config}, {"set", variable.is_set}});
  return row;
}

std::vector<std::string> words_of(const Variable& variable) {
  const auto value = variable.source == "config" ? (variable.is_set ? "(set)" : "(not set)") : variable.value;
  return {variable.service, variable.name, variable.source, value, variable.becomes};
}

}  // namespace

int run_config_resolve(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    const auto project = load_project(arguments, place.session.settings, context, diagnostics);
    if (!project) return {};
    auto secrets = deploy::list_secrets(*place.session.arm, place.vault, context.stop);
    if (!secrets && secrets.error().http_status != 404) return std::unexpected(std::move(secrets).error());
    std::set<std::string> known;
    if (secrets)
      for (const auto& secret : *secrets) known.insert(secret.config);
    Json document = {{"variables", Json::array()}};
    std::vector<std::vector<std::string>> rows;
    for (const auto& variable : variables_of(*project, place.session.stack(), context, known)) {
      document["variables"].push_back(row_of(variable));
      rows.push_back(words_of(variable));
    }
    if (arguments.json) {
      context.out.write(document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    } else if (!rows.empty()) {
      context.out.write(table({"service", "variable", "source", "value", "on azure"}, rows));
      report_missing_config(*project, known, diagnostics);
    }
    return {};
  });
}

int run_config_rm(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  if (arguments.words.empty())
    diagnostics.error("config.usage", "no config is named", {},
                      "`defang config rm NAME...`; `defang config ls` lists them");
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    TRY_ASSIGN(const auto present, deploy::list_secrets(*place.session.arm, place.vault, context.stop));
    for (const auto& name : arguments.words) {
      const auto found = std::ranges::find(present, name, &deploy::VaultSecret::config);
      if (found == present.end())
        context.err.write(fmt::format("config `{}` is not set\n", name));
      else
        TRY(deploy::remove_secret(*place.session.arm, place.vault, *found, context.stop));
    }
    return {};
  });
}

}  // namespace defang::cli
