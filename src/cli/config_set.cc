#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "azure/resource_types.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "deploy/actions.h"
#include "deploy/engine.h"
#include "deploy/survey.h"
#include "deploy/vault_secrets.h"
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

/// NAME=VALUE..., NAME - (standard input), or names with --random or --env. Values are never repeated in a message.
std::vector<Setting> settings_of(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  std::vector<Setting> out;
  const auto wrong = [&](std::string message, std::string help) {
    diagnostics.error("config.usage", std::move(message), {}, std::move(help));
  };
  auto words = arguments.words;
  const bool from_pipe = words.size() == 2 && words.back() == "-";
  if (from_pipe) words.pop_back();
  if (words.empty())
    wrong("no config is named", "`defang config set NAME=VALUE`, or pipe the value into `defang config set NAME -`");
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (!is_config_name(name)) {
      wrong(fmt::format("`{}` is no name for a config", name),
            "letters, digits and underscores, 64 at most, no digit first");
    } else if (equals != std::string::npos) {
      if (arguments.random || arguments.env)
        wrong(fmt::format("`{}` has a value already", name), "give either a value, --random or --env");
      else
        out.push_back({name, Secret(word.substr(equals + 1))});
    } else if (arguments.random) {
      out.push_back({name, random_value(context.random)});
    } else if (arguments.env) {
      if (!context.environment.contains(name))
        wrong(fmt::format("the environment has no variable `{}`", name), "export it first, or give NAME=VALUE");
      else
        out.push_back({name, Secret(context.variable(name))});
    } else if (from_pipe || (words.size() == 1 && !context.input_is_terminal)) {
      out.push_back({name, Secret(without_line_end(context.standard_input()))});
    } else {
      wrong(fmt::format("`{}` has no value", name),
            "`defang config set NAME=VALUE`, or pipe the value into `defang config set NAME -`");
    }
  }
  return out;
}

/// The project's name is all that config needs of the Compose file.
struct Place {
  std::string project;
  Session session;
  azure::ResourceId vault;
};

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

azure::ResourceId vault_id(const std::string& project, const plan::Stack& stack) {
  return azure::ResourceId::resource(stack.subscription_id, plan::resource_group_name(project, stack),
                                     "Microsoft.KeyVault/vaults", plan::vault_name(project, stack));
}

/// Makes group and vault as the plan has them, where they do not exist yet.
Result<void> ensure_vault(Place& place, const Arguments& arguments, Context& context) {
  const plan::Stack& stack = place.session.stack();
  TRY_ASSIGN(const auto live,
             place.session.arm->get(place.vault, version_of("Microsoft.KeyVault/vaults"), context.stop));
  if (live) return {};
  const std::string group = plan::resource_group_name(place.project, stack);
  TRY_ASSIGN(const auto principal, place.session.principal(context.stop));
  const auto say = [&](const std::string& text) { context.err.write("  " + text + "\n"); };
  TRY(deploy::register_providers(*place.session.arm, context.clock, stack.subscription_id, {"Microsoft.KeyVault"}, say,
                                 context.stop));
  TRY_ASSIGN(const auto facts,
             deploy::survey(*place.session.arm, stack, group, place.vault.last_name(), principal.id, context.stop));
  const auto access = place.session.access(context);
  const auto actions = deploy::make_actions(access);
  deploy::EngineOptions options;
  options.scope = {.project = place.project,
                   .stack = stack.name,
                   .subscription = stack.subscription_id,
                   .group = group,
                   .location = stack.location};
  const auto show = [&](const deploy::Event& event) {
    if (arguments.verbose && !arguments.json) make_human_view(arguments, context)(event);
  };
  auto result = deploy::run(plan::build_config_graph(place.project, stack, facts), *place.session.arm, *actions,
                            context.clock, show, options, context.stop);
  if (!result.failures.empty()) return fail(std::move(result.failures.front().error));
  if (result.finished.how == deploy::RunFinished::How::stopped) return stopped();
  return {};
}

/// Runs `work` in the place that the arguments name, and turns what it says into an exit code.
template <class Work>
int in_place(const Arguments& arguments, Context& context, Diagnostics& diagnostics, Work&& work) {
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  Result<void> done;
  if (session) {
    const auto vault = vault_id(*project, session->stack());
    Place place{*project, std::move(*session), vault};
    done = work(place);
  } else {
    done = std::unexpected(session.error());
  }
  if (done) return exit_done;
  print(done.error(), arguments, context);
  return exit_code_of(done.error());
}

}  // namespace

int run_config_set(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto settings = settings_of(arguments, context, diagnostics);
  return in_place(arguments, context, diagnostics, [&](Place& place) -> Result<void> {
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
  return in_place(arguments, context, diagnostics, [&](Place& place) -> Result<void> {
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

int run_config_rm(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  if (arguments.words.empty())
    diagnostics.error("config.usage", "no config is named", {},
                      "`defang config rm NAME...`; `defang config ls` lists them");
  return in_place(arguments, context, diagnostics, [&](Place& place) -> Result<void> {
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
