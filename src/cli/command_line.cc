#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "support/text.h"

namespace defang::cli {
namespace {

constexpr std::string_view kDescription = "Runs an unmodified Docker Compose project on your own Azure subscription.";

const Option kGlobalOptions[] = {
    {"-s,--stack", &Arguments::stack, "NAME",
     "stack: a named instance of the project; `local` is the emulator (DEFANG_STACK)"},
    {"-P,--provider", &Arguments::provider, "ID", "cloud provider; `azure` is the only one (DEFANG_PROVIDER)"},
    {"-p,--project-name", &Arguments::project_name, "NAME", "project name (COMPOSE_PROJECT_NAME)"},
    {"-f,--file", &Arguments::files, "PATH", "Compose file; may be repeated; `-` is standard input (COMPOSE_FILE)"},
    {"-C,--cwd", &Arguments::folder, "DIR", "change to this folder first"},
    {"--json", &Arguments::json, "", "results as JSON on standard output, progress as JSON lines"},
    {"-q,--quiet", &Arguments::quiet, "", "say only what went wrong, and results; of `compose config`: only check"},
    {"-v,--verbose", &Arguments::verbose, "", "say more"},
    {"--debug", &Arguments::debug, "", "log requests, redacted, on standard error"},
    {"--non-interactive", &Arguments::non_interactive, "", "never ask"},
    {"--color", &Arguments::color, "WHEN", "never, auto or always", {"never", "auto", "always"}},
};

/// Commands of `docker compose` that there are not here, and what does the same.
struct Instead {
  std::string_view command, help;
};
constexpr auto kInstead = std::to_array<Instead>({
    {"build", "`defang compose up` builds what has changed; `up --build` builds everything again"},
    {"cp", "a volume, config or secret of the Compose file brings files into a container"},
    {"create", "`defang plan` shows what `up` would create"},
    {"events", "`defang attach` shows a run again; `defang logs -f` what the containers write"},
    {"exec", "`az containerapp exec` opens a shell in a container; `defang db` one of a managed store"},
    {"images", "`defang plan` shows the image of each service, and the digest behind its tag"},
    {"kill", "`defang compose stop` ends a service, `defang compose restart` its containers"},
    {"pause", "`defang compose stop` ends a service until `defang compose start`"},
    {"port", "`defang ps` shows where services answer"},
    {"pull", "Azure pulls images itself; `defang compose up --pull always` looks up what their tags mean now"},
    {"push", "images are pushed as they are built, by `defang compose up`"},
    {"run", "a service with `restart: \"no\"` and without ports is a job, which `defang compose up` runs"},
    {"scale", "say `deploy.replicas`, or `x-defang-autoscaling`, in the Compose file"},
    {"stats", "`defang ps` shows what runs; the portal has each app's metrics"},
    {"top", "`defang ps` shows what runs"},
    {"unpause", "`defang compose start` starts what was stopped"},
    {"wait", "`defang compose up` ends when everything runs, and jobs have ended"},
    {"watch", "`defang compose up` builds and replaces what has changed"},
});

/// Everything that CLI11 writes into while it parses, one row an option.
void add_option(CLI::App& app, const Option& option, Arguments& arguments) {
  CLI::Option* added = std::visit(
      [&](auto member) -> CLI::Option* {
        using Member = std::remove_reference_t<decltype(arguments.*member)>;
        if constexpr (std::is_same_v<Member, bool>) {
          return app.add_flag(std::string(option.flags), arguments.*member, std::string(option.help));
        } else if constexpr (std::is_same_v<Member, std::vector<std::string>>) {
          return app.add_option(std::string(option.flags), arguments.*member, std::string(option.help))
              ->expected(1)
              ->allow_extra_args(false)  // `-f a b`: b is a word of its own
              ->take_all();
        } else {
          return app.add_option(std::string(option.flags), arguments.*member, std::string(option.help));
        }
      },
      option.target);
  if (!option.value.empty()) added->type_name(std::string(option.value));
  if (!option.choices.empty())
    added->check(CLI::IsMember(std::vector<std::string>(option.choices.begin(), option.choices.end())));
}

CLI::App* child_of(CLI::App& app, const std::string& name) {
  for (CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    if (child->get_name() == name) return child;
  return nullptr;
}

/// Finds or makes the chain of subcommands that a path such as "config set" names.
CLI::App* app_at(CLI::App& root, std::string_view path, const std::string& summary) {
  CLI::App* at = &root;
  const auto parts = split(path, ' ');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    CLI::App* next = child_of(*at, parts[i]);
    if (next == nullptr) next = at->add_subcommand(parts[i], i + 1 == parts.size() ? summary : "")->fallthrough();
    if (i + 1 == parts.size() && !summary.empty()) next->description(summary);
    at = next;
  }
  return at;
}

/// The names of all that may follow the words given so far, for "did you mean".
std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  return names;
}

/// Whether an option of every command is spelled so, and takes the next word as its value.
bool takes_next_word(const std::string& word) {
  return std::ranges::any_of(kGlobalOptions, [&](const Option& option) {
    const auto spellings = split(option.flags, ',');
    return !option.value.empty() && std::ranges::find(spellings, word) != spellings.end();
  });
}

/// What is meant by a command that only Docker has: the first word, or the one after `compose`.
const Instead* find_instead(const std::vector<std::string>& words) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (takes_next_word(words[at])) {
      ++at;
    } else if (!words[at].starts_with('-') && words[at] != "compose") {
      const auto found = std::ranges::find(kInstead, std::string_view(words[at]), &Instead::command);
      return found == kInstead.end() ? nullptr : &*found;
    }
  }
  return nullptr;
}

const CLI::App* deepest_parsed(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? &app : deepest_parsed(*parsed.back());
}

}  // namespace

std::variant<Invocation, Answer> parse(const std::vector<std::string>& words) {
  if (const auto* instead = find_instead(words))
    return Answer{
        fmt::format("error: there is no `{}` on Azure [usage]\n  help: {}\n", instead->command, instead->help),
        exit_input_wrong};
  CLI::App root{std::string(kDescription), "defang"};
  root.require_subcommand(0, 1);
  root.failure_message(CLI::FailureMessage::simple);
  Invocation invocation;
  for (const auto& option : kGlobalOptions) add_option(root, option, invocation.arguments);
  bool version = false;
  root.add_flag("--version", version, "print the version");

  std::map<const CLI::App*, const Command*> by_app;
  for (const auto& command : commands()) {
    std::vector<std::string_view> paths{command.path};
    paths.insert(paths.end(), command.also.begin(), command.also.end());
    for (const auto& path : paths) {
      CLI::App* app = app_at(root, path, std::string(command.summary));
      if (command.summary.empty()) app->group("");  // not for people
      by_app[app] = &command;
      for (const auto& options : command.options)
        for (const auto& option : options) add_option(*app, option, invocation.arguments);
      if (!command.words.empty())
        app->add_option(std::string(command.words), invocation.arguments.words, "")->type_name("")->expected(0, -1);
    }
  }

  // CLI11 takes the words in reverse order. What follows `--` are words, whatever they look like.
  const auto mark = std::ranges::find(words, "--");
  std::vector<std::string> reversed(words.begin(), mark);
  std::ranges::reverse(reversed);
  try {
    root.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return Answer{deepest_parsed(root)->help(), exit_done};
  } catch (const CLI::ParseError& error) {
    const CLI::App* at = deepest_parsed(root);
    std::string text = fmt::format("error: {} [usage]\n", error.what());
    for (const auto& word : words) {
      if (word.starts_with('-')) continue;
      if (const auto near = did_you_mean(word, subcommand_names(*at)))
        text += fmt::format("  help: did you mean `{}`?\n", *near);
    }
    text += fmt::format("  help: run `{} --help`\n", at == &root ? "defang" : "defang " + at->get_name());
    return Answer{std::move(text), exit_input_wrong};
  }
  if (version) return Answer{"defang " DEFANG_VERSION "\n", exit_done};
  const CLI::App* at = deepest_parsed(root);
  const auto found = by_app.find(at);
  if (found == by_app.end()) return Answer{at->help(), at == &root ? exit_done : exit_input_wrong};
  invocation.command = found->second;
  if (mark != words.end()) {
    if (invocation.command->words.empty())
      return Answer{fmt::format("error: `{}` takes no words, so no `--` [usage]\n", invocation.command->path),
                    exit_input_wrong};
    invocation.arguments.words.insert(invocation.arguments.words.end(), mark + 1, words.end());
  }
  return invocation;
}

}  // namespace defang::cli
