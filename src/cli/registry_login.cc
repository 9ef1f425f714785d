#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/stack_vault.h"
#include "cli/views/view.h"
#include "deploy/vault_secrets.h"
#include "plan/plan.h"
#include "rest/registry_sign_in.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestTag = 256;  // ARM-56: of a tag's value

struct Login {
  std::string server, user;
  Secret password;
};

/// `docker login` without a server means Docker Hub.
std::string server_of(const Arguments& arguments) {
  return arguments.words.empty() ? plan::registry_of("busybox") : plan::registry_server(arguments.words.front());
}

void wrong(Diagnostics& diagnostics, std::string message, std::string help) {
  diagnostics.error("registry.usage", std::move(message), {}, std::move(help));
}

/// What the command line and the user say. A password is never an argument: other users of the machine see those.
std::optional<Login> read_login(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  Login login{.server = server_of(arguments), .user = arguments.username, .password = {}};
  const bool asks = context.input_is_terminal && !arguments.non_interactive;
  if (arguments.words.size() > 1 || login.server.find_first_of(" @") != std::string::npos || login.server.empty()) {
    wrong(diagnostics, "one registry is wanted, by the name that images have it by",
          "`defang registry login ghcr.io`; without a name it is Docker Hub");
    return std::nullopt;
  }
  if (login.user.empty() && asks && !arguments.password_stdin)
    login.user = context.ask(fmt::format("user at `{}`: ", login.server), Context::Echo::shown).value_or("");
  if (login.user.size() > kLongestTag) {
    wrong(diagnostics, fmt::format("the user's name has more than {} characters", kLongestTag),
          "Azure keeps it as a tag, which is no longer");
    return std::nullopt;
  }
  if (login.user.empty()) {
    wrong(diagnostics, "no user is named", fmt::format("`defang registry login {} -u USER`", login.server));
    return std::nullopt;
  }
  std::string password;
  if (arguments.password_stdin || !asks)
    password = context.standard_input();
  else if (auto typed = context.ask(fmt::format("password of `{}` (not shown): ", login.user), Context::Echo::hidden))
    password = std::move(*typed);
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  if (password.empty()) {
    wrong(diagnostics, fmt::format("there is no password for `{}`", login.user),
          fmt::format("pipe it in: `... | defang registry login {} -u {} --password-stdin`", login.server, login.user));
    return std::nullopt;
  }
  login.password = Secret(std::move(password));
  return login;
}

/// What cannot be asked is kept unchecked: the registry may answer Azure, and not this machine.
Result<void> check(const Login& login, StackVault& place, Context& context) {
  const auto access = place.session.access(context);
  const auto known =
      rest::check_sign_in(login.server, login.user, login.password, access.unsigned_pipeline, context.stop);
  if (known) return {};
  if (known.error().kind != Error::Kind::unreachable) return known;
  context.err.write(fmt::format("not checked: {}\n", known.error().message));
  return {};
}

}  // namespace

int run_registry_login(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto login = read_login(arguments, context, diagnostics);
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    TRY(check(*login, place, context));
    TRY(ensure_vault(place, arguments, context));
    auto written = deploy::write_secret(
        *place.session.arm, place.vault, plan::registry_secret_name(login->server), login->password,
        {{std::string(deploy::kRegistryTag), login->server}, {std::string(deploy::kRegistryUserTag), login->user}},
        context.stop);
    if (!written) return fail(std::move(written.error().during("keeping the password")));
    if (arguments.json)
      context.out.write(Json{{"server", login->server}, {"user", login->user}}.dump() + "\n");
    else
      context.err.write(fmt::format("images of `{}` are pulled as `{}` from the next `defang compose up` on\n",
                                    login->server, login->user));
    return {};
  });
}

int run_registry_ls(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    TRY_ASSIGN(const auto secrets, deploy::list_secrets(*place.session.arm, place.vault, context.stop));
    Json registries = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& secret : secrets) {
      if (secret.registry.empty()) continue;
      registries.push_back({{"server", secret.registry}, {"user", secret.registry_user}});
      rows.push_back({secret.registry, secret.registry_user});
    }
    if (arguments.json)
      context.out.write(Json{{"registries", registries}}.dump() + "\n");
    else if (!rows.empty())
      context.out.write(table({"registry", "user"}, rows));
    return {};
  });
}

int run_registry_logout(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto server = server_of(arguments);
  return in_vault(arguments, context, diagnostics, [&](StackVault& place) -> Result<void> {
    TRY_ASSIGN(const auto secrets, deploy::list_secrets(*place.session.arm, place.vault, context.stop));
    const auto found = std::ranges::find(secrets, server, &deploy::VaultSecret::registry);
    if (found == secrets.end()) {
      context.err.write(fmt::format("the stack is not signed in to `{}`\n", server));
      return {};
    }
    return deploy::remove_secret(*place.session.arm, place.vault, *found, context.stop);
  });
}

}  // namespace defang::cli
