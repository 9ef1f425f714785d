#include "cli/session.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/loading.h"
#include "cli/signed_out.h"
#include "compose/dotenv.h"
#include "rest/device_login.h"
#include "support/text.h"

namespace defang::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kLocalStack = "local";
/// A hundred seconds of Azure's in two of ours.
constexpr std::string_view kLocalTimeScale = "0.02";

bool is_stack_name(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

/// `.defang` of the project directory or of a folder above it.
std::optional<fs::path> find_stack_folder(const Arguments& arguments, const Disk& disk) {
  const auto working = disk.working_folder();
  if (!working) return std::nullopt;
  fs::path folder = *working;
  if (!arguments.project_directory.empty())
    folder /= arguments.project_directory;
  else if (!arguments.files.empty() && arguments.files.front() != "-")
    folder = (folder / arguments.files.front()).parent_path();
  for (folder = folder.lexically_normal();; folder = folder.parent_path()) {
    if (disk.is_folder(folder / ".defang")) return folder / ".defang";
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

/// The variables of `.defang/<name>` on top of `environment`.
bool add_stack_file(const std::string& name, const Arguments& arguments, Context& context,
                    std::map<std::string, std::string>& environment, Diagnostics& diagnostics) {
  const auto folder = find_stack_folder(arguments, context.disk);
  if (!folder || !context.disk.is_file(*folder / name)) return true;
  const std::string path = (*folder / name).string();
  const auto text = context.disk.read(path);
  if (!text) {
    diagnostics.error("stack.unreadable", text.error().message, {});
    return false;
  }
  const auto lookup = [&](std::string_view variable) -> std::optional<std::string> {
    const auto found = environment.find(std::string(variable));
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  const auto entries = compose::parse_env_file(*text, lookup);
  if (!entries) {
    const auto file = std::make_shared<SourceFile>(path, *text);
    diagnostics.error("stack.syntax", "the stack file cannot be read: " + entries.error().message,
                      {file, entries.error().line, 1, 0}, "one KEY=VALUE a line, such as AZURE_LOCATION=westus3");
    return false;
  }
  for (const auto& [key, value] : *entries) environment[key] = value;
  return true;
}

std::string value_of(const std::map<std::string, std::string>& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

/// The environment of the emulator, which is started if it does not run.
Result<std::map<std::string, std::string>> emulator_environment(const StackSettings& settings, Context& context) {
  const std::string state = emulator_state_folder(settings.environment).string();
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), context.program_path);
    arguments.insert(arguments.end(), {"--state", state});
    return context.processes.run({.arguments = std::move(arguments),
                                  .environment = {},
                                  .folder = {},
                                  .input = {},
                                  .on_output = {},
                                  .limit = std::chrono::minutes(2)},
                                 context.stop);
  };
  TRY_ASSIGN(auto status, run({"emulator", "status", "--json"}));
  if (status.exit_code != 0) {
    const auto scale = value_of(settings.environment, "DEFANG_EMULATOR_TIME_SCALE");
    TRY_ASSIGN(const auto started,
               run({"emulator", "start", "--time-scale", scale.empty() ? std::string(kLocalTimeScale) : scale}));
    if (started.exit_code != 0)
      return fail(Error::Kind::refused, "emulator-not-started",
                  fmt::format("the emulator does not start: {}", trim(started.error_output)));
    TRY_ASSIGN(status, run({"emulator", "status", "--json"}));
  }
  const Json document = Json::parse(status.output, nullptr, false);
  if (!document.is_object() || !document.contains("environment"))
    return fail(Error::Kind::invalid, "emulator-status", "the emulator's status cannot be understood");
  std::map<std::string, std::string> variables;
  for (const auto& [key, value] : document["environment"].items())
    if (value.is_string()) variables[key] = value.get<std::string>();
  return variables;
}

/// An empty variable is as good as none.
rest::Environment variables_of(const StackSettings& settings) {
  return [&environment = settings.environment](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
  };
}

rest::PipelineParts pipeline_parts(rest::HttpTransport& transport, const rest::WriteFence* fence,
                                   const Arguments& arguments, Context& context) {
  rest::PipelineParts parts{.transport = transport, .clock = context.clock, .random = context.random, .fence = fence};
  parts.user_agent = "defang/" DEFANG_VERSION;
  if (arguments.debug) parts.log = [&context](const std::string& line) { context.err.write(line + "\n"); };
  return parts;
}

/// What `az account set` chose; empty where the Azure CLI does not say.
std::string subscription_of_azure_cli(Context& context) {
  const Processes::Command command{.arguments = {"az", "account", "show", "--query", "id", "-o", "tsv"},
                                   .limit = std::chrono::seconds(90)};
  const auto ended = context.processes.run(command, context.stop);
  return ended && ended->exit_code == 0 ? std::string(trim(ended->output)) : "";
}

/// The subscription's tenant, from the environment or from the subscription itself.
Result<void> complete_stack(Session& session, Context& context) {
  plan::Stack& stack = session.settings.stack;
  if (stack.subscription_id.empty()) {
    TRY(session.tokens->get(session.cloud.audience, context.stop));  // now it is known who signs in
    if (session.credential->name() == "Azure CLI") stack.subscription_id = subscription_of_azure_cli(context);
  }
  if (stack.subscription_id.empty()) {
    // A token does not tell: a single subscription is taken.
    TRY_ASSIGN(const auto all, session.arm->list("/subscriptions", "2022-12-01", context.stop));
    if (all.size() != 1) {
      Error error{.kind = Error::Kind::refused, .code = "subscription-not-named"};
      error.message = all.empty() ? "the credential sees no subscription"
                                  : fmt::format("the credential sees {} subscriptions", all.size());
      error.help = "set AZURE_SUBSCRIPTION_ID, in the environment or in the stack file";
      return fail(std::move(error));
    }
    stack.subscription_id = all.front().value("subscriptionId", "");
  }
  if (stack.tenant_id.empty()) {
    TRY_ASSIGN(const auto subscription,
               session.arm->get(azure::ResourceId::subscription(stack.subscription_id), "2022-12-01", context.stop));
    if (!subscription) {
      Error error{.kind = Error::Kind::refused,
                  .code = "SubscriptionNotFound",
                  .message = fmt::format("subscription `{}` was not found", stack.subscription_id)};
      error.help = "check AZURE_SUBSCRIPTION_ID, and that you are signed in to its tenant";
      return fail(std::move(error));
    }
    stack.tenant_id = subscription->value("tenantId", "");
  }
  return {};
}

}  // namespace

fs::path emulator_state_folder(const std::map<std::string, std::string>& environment) {
  if (const auto folder = value_of(environment, "DEFANG_EMULATOR_STATE"); !folder.empty()) return fs::absolute(folder);
  if (const auto folder = value_of(environment, "XDG_STATE_HOME"); !folder.empty())
    return fs::path(folder) / "defang/emulator";
  return fs::path(value_of(environment, "HOME")) / ".local/state/defang/emulator";
}

deploy::AzureAccess Session::access(Context& context) {
  return {.arm = *arm,
          .pipeline = *pipeline,
          .unsigned_pipeline = *unsigned_pipeline,
          .fence = *fence,
          .tokens = *tokens,
          .cloud = cloud,
          .tenant = stack().tenant_id,
          .clock = context.clock,
          .random = context.random,
          .disk = context.disk,
          .processes = context.processes};
}

Result<Session::Principal> Session::principal(std::stop_token stop) const {
  TRY_ASSIGN(const auto token, tokens->get(cloud.audience, stop));
  const Json claims = Json::parse(rest::token_claims(token.value), nullptr, false);
  if (!claims.is_object()) return Principal{};
  return Principal{claims.value("oid", ""), claims.value("idtyp", "") == "app" ? "ServicePrincipal" : ""};
}

std::optional<StackSettings> find_stack(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  StackSettings settings;
  settings.environment = context.environment;
  std::string name = arguments.stack.empty() ? context.variable("DEFANG_STACK") : arguments.stack;
  if (name.empty()) name = "default";
  if (!is_stack_name(name)) {
    diagnostics.error("stack.name", fmt::format("`{}` is no name for a stack", name), {},
                      "lower-case letters and digits, a letter first: `prod`, `test1`");
    return std::nullopt;
  }
  if (!add_stack_file(name, arguments, context, settings.environment, diagnostics)) return std::nullopt;
  const std::string provider =
      arguments.provider.empty() ? value_of(settings.environment, "DEFANG_PROVIDER") : arguments.provider;
  if (!provider.empty() && !equals_ignoring_case(provider, "azure") && !equals_ignoring_case(provider, "auto")) {
    diagnostics.error("stack.provider", fmt::format("provider `{}` is not known", provider), {},
                      "`azure` is the only one");
    return std::nullopt;
  }
  settings.is_local = name == kLocalStack;
  settings.stack.name = name;
  settings.stack.subscription_id = value_of(settings.environment, "AZURE_SUBSCRIPTION_ID");
  settings.stack.tenant_id = value_of(settings.environment, "AZURE_TENANT_ID");
  // Azure normalises display names ("West US 3") itself, but our names are made of the location (ARM-130).
  if (const auto location = value_of(settings.environment, "AZURE_LOCATION"); !location.empty())
    settings.stack.location = to_lower(replace_all(location, " ", ""));
  if (const auto wanted = value_of(settings.environment, "DEFANG_MODE"); !wanted.empty()) {
    const auto mode = plan::parse_mode(wanted);
    if (!mode)
      diagnostics.error("stack.mode", "`" + wanted + "` is no mode of a stack", {},
                        "set DEFANG_MODE to affordable, balanced or high_availability");
    settings.stack.mode = mode.value_or(settings.stack.mode);
  }
  return settings;
}

std::optional<compose::Project> load_project(const Arguments& arguments, const StackSettings& settings,
                                             Context& context, Diagnostics& diagnostics) {
  compose::LoadOptions options = load_options(arguments, context);
  options.environment = settings.environment;
  options.stack = settings.stack.name;
  return compose::load(options, context.disk, diagnostics);
}

std::optional<std::string> project_name(const Arguments& arguments, const StackSettings& settings, Context& context,
                                        Diagnostics& diagnostics) {
  if (!arguments.project_name.empty()) return arguments.project_name;
  const auto project = load_project(arguments, settings, context, diagnostics);
  return project ? std::optional(project->name) : std::nullopt;
}

Result<Session> open_session(StackSettings settings, const Arguments& arguments, Context& context) {
  if (settings.is_local) {
    TRY_ASSIGN(const auto variables, emulator_environment(settings, context));
    for (const auto& [key, value] : variables) settings.environment[key] = value;
    settings.stack.subscription_id = value_of(settings.environment, "AZURE_SUBSCRIPTION_ID");
    settings.stack.tenant_id = value_of(settings.environment, "AZURE_TENANT_ID");
  }
  Session session;
  session.settings = std::move(settings);
  TRY_ASSIGN(SignedOut found, reach_cloud(session.settings, session.fence.get(), arguments, context));
  plan::Stack& stack = session.settings.stack;
  if (stack.tenant_id.empty() && !stack.subscription_id.empty()) {
    // Whoever is at home in several tenants must sign in at the subscription's.
    stack.tenant_id = home_tenant(found, stack.subscription_id, context.stop);
    session.settings.environment["AZURE_TENANT_ID"] = stack.tenant_id;
  }
  session.transport = std::move(found.transport);
  session.unsigned_pipeline = std::move(found.pipeline);
  session.cloud = std::move(found.cloud);
  const auto variable = variables_of(session.settings);
  const rest::CredentialWorld world{variable, context.disk, context.processes, context.clock};
  session.credential = rest::make_default_credential(world, session.cloud.authority, *session.unsigned_pipeline);
  session.tokens = std::make_unique<rest::TokenCache>(*session.credential, context.clock);
  auto parts = pipeline_parts(*session.transport, session.fence.get(), arguments, context);
  parts.answered = found.answered;
  parts.tokens = session.tokens.get();
  session.pipeline = rest::make_pipeline(parts);
  session.arm = rest::make_arm_client(session.cloud, *session.pipeline, context.clock);
  TRY(complete_stack(session, context));
  return session;
}

rest::TransportOptions transport_options(const StackSettings& settings) {
  const auto variable = variables_of(settings);
  const auto either = [&](const char* upper, const char* lower) {
    return variable(upper).value_or(variable(lower).value_or(""));
  };
  return {.ca_file = variable("SSL_CERT_FILE").value_or(""),
          .https_proxy = either("HTTPS_PROXY", "https_proxy"),
          .no_proxy = either("NO_PROXY", "no_proxy")};
}

Result<SignedOut> reach_cloud(const StackSettings& settings, const rest::WriteFence* fence, const Arguments& arguments,
                              Context& context) {
  const auto variable = variables_of(settings);
  SignedOut found;
  TRY_ASSIGN(found.transport, rest::make_beast_transport(transport_options(settings)));
  const auto parts = pipeline_parts(*found.transport, fence, arguments, context);
  found.answered = parts.answered;
  found.pipeline = rest::make_pipeline(parts);
  TRY_ASSIGN(found.cloud, rest::find_cloud(variable, *found.pipeline, context.stop));
  return found;
}

std::string home_tenant(const SignedOut& cloud, const std::string& subscription_id, std::stop_token stop) {
  const auto url =
      fmt::format("{}/subscriptions/{}?api-version=2022-12-01", cloud.cloud.resource_manager, subscription_id);
  const auto answer = cloud.pipeline->send({.url = url}, {}, stop);
  return answer && answer->status == 401 ? rest::challenged_tenant(answer->headers.get("WWW-Authenticate")) : "";
}

}  // namespace defang::cli
