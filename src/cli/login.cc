#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/signed_out.h"
#include "cli/views/view.h"
#include "rest/device_login.h"

namespace defang::cli {
namespace {

std::filesystem::path file_of(const StackSettings& settings) {
  return rest::login_file([&](const std::string& name) -> std::optional<std::string> {
    const auto found = settings.environment.find(name);
    return found == settings.environment.end() ? std::nullopt : std::optional(found->second);
  });
}

Result<std::string> log_in(const StackSettings& settings, const Arguments& arguments, Context& context) {
  TRY_ASSIGN(const SignedOut cloud, reach_cloud(settings, nullptr, arguments, context));
  const plan::Stack& stack = settings.stack;
  std::string tenant = stack.tenant_id;
  if (tenant.empty() && !stack.subscription_id.empty())
    tenant = home_tenant(cloud, stack.subscription_id, context.stop);
  if (tenant.empty()) tenant = "organizations";  // the person's own
  const auto show = [&](const std::string& message) { context.err.write(message + "\n"); };
  TRY(rest::log_in({cloud.cloud.authority, tenant, cloud.cloud.audience}, file_of(settings), context.disk,
                   *cloud.pipeline, context.clock, show, context.stop));
  return tenant;
}

int end_with(const Arguments& arguments, Context& context, const char* key, const std::string& value,
             const std::string& text) {
  context.out.write(arguments.json ? nlohmann::ordered_json({{key, value}}).dump() + "\n" : text + "\n");
  return exit_done;
}

}  // namespace

int run_login(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const auto tenant = log_in(*settings, arguments, context);
  if (!tenant) {
    print(tenant.error(), arguments, context);
    return exit_code_of(tenant.error());
  }
  return end_with(arguments, context, "tenant", *tenant, "signed in; `defang whoami` says as whom");
}

int run_logout(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const auto file = file_of(*settings);
  if (const auto removed = context.disk.remove(file); !removed) {
    print(removed.error(), arguments, context);
    return exit_code_of(removed.error());
  }
  return end_with(arguments, context, "removed", file.string(), "signed out");
}

}  // namespace defang::cli
