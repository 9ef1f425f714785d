#include "cli/commands.h"

#include "cli/detached.h"

namespace defang::cli {
namespace {

const Option kPull{
    "--pull",
    &Arguments::pull,
    "POLICY",
    "look up what the tags of images mean: always, missing (where it is not known yet; so does never), or "
    "as `pull_policy` says: policy (default)",
    {"always", "missing", "never", "policy"}};
const Option kLoadOptions[] = {
    {"--env-file", &Arguments::env_files, "PATH", "variables for interpolation; may be repeated (COMPOSE_ENV_FILES)"},
    {"--profile", &Arguments::profiles, "NAME", "activate a profile; may be repeated"},
    {"--project-directory", &Arguments::project_directory, "DIR", "what relative paths are relative to"},
};
const Option kConfigOptions[] = {
    {"--format", &Arguments::format, "FORMAT", "yaml (default) or json", {"yaml", "json"}},
    {"--loader", &Arguments::loader, "NAME", "load as this program or as docker compose", {"defang", "compose"}},
    {"--no-interpolate", &Arguments::no_interpolate, "", "leave variables as they stand"},
    {"--no-consistency", &Arguments::no_consistency, "", "do not check what services refer to (--loader compose)"},
    {"-o,--output", &Arguments::output, "FILE", "write to a file"},
    {"--services", &Arguments::list_services, "", "print the names of the services, one a line"},
    {"--images", &Arguments::list_images, "", "print the images"},
    {"--profiles", &Arguments::list_profiles, "", "print the names of the profiles"},
    {"--variables", &Arguments::list_variables, "", "print the variables that the files name, and their defaults"},
    {"--networks", &Arguments::list_networks, "", "print the names of the networks"},
    {"--volumes", &Arguments::list_volumes, "", "print the names of the volumes"},
    {"--models", &Arguments::list_models, "", "print the names of the models"},
    {"--hash", &Arguments::hash, "SERVICES", "print a digest of what each service says; `*` for all"},
};
const Option kPlanOptions[] = {
    {"--offline", &Arguments::offline, "", "ask nobody: no credentials and no network are needed"},
    {"--format",
     &Arguments::format,
     "FORMAT",
     "text (default), json, arm (a deployment template), bicep, dot or svg",
     {"text", "json", "arm", "bicep", "dot", "svg"}},
    {"--delete-data", &Arguments::delete_data_of, "SERVICE", "show what `up --delete-data SERVICE` deletes"},
    kPull,
};
const Option kLsOptions[] = {
    {"--all-subscriptions", &Arguments::all_subscriptions, "",
     "of every subscription that you may see; a change of the last minute may not show yet"},
};
const Option kOfflineOptions[] = {
    {"--offline", &Arguments::offline, "", "ask nobody: no credentials and no network are needed"},
};
const Option kExportOptions[] = {
    {"--dir", &Arguments::export_folder, "DIR", "folder to write to; it is made where it is missing"},
};

const Option kUpOptions[] = {
    {"--build", &Arguments::build, "", "build images even when nothing of their sources has changed"},
    {"--force", &Arguments::force, "", "build and write everything again, changed or not"},
    kPull,
    {"--delete-data", &Arguments::delete_data_of, "SERVICE",
     "the data of SERVICE may go: its store is deleted if the project does not use it any more, and changed even if "
     "that "
     "empties it; may be repeated"},
    {"-d,--detach", &Arguments::detach, "", "let Azure carry it out while this machine is away (DEFANG_CD=job)"},
    {"-y,--yes", &Arguments::yes, "", "set domains up in DNS zones of the subscription without asking"},
};
const Option kDownOptions[] = {
    {"--remove", &Arguments::remove, "", "delete the stack's config, too"},
    {"--delete-data", &Arguments::delete_data, "", "delete volumes and databases, too, with all that is in them"},
    {"-y,--yes", &Arguments::yes, "", "do not ask for confirmation"},
    {"--no-wait", &Arguments::no_wait, "", "return as soon as Azure has taken the order"},
    {"-d,--detach", &Arguments::detach, "", "let the stack's job carry it out while this machine is away"},
};
const Option kLogsOptions[] = {
    {"-f,--follow", &Arguments::follow, "", "go on until interrupted"},
    {"--type", &Arguments::format, "TYPES", "run (default), build, system or all; several with commas between them"},
    {"--since", &Arguments::since, "TIME", "only lines from this time on: `10m`, or 2026-01-31T12:00:00Z"},
    {"-n,--tail", &Arguments::tail, "N", "lines of the past from each container (default 100; with --since all)"},
};
const Option kDbOptions[] = {
    {"--url", &Arguments::url, "", "print how the store is reached instead, all but the password"},
    {"--image", &Arguments::image, "IMAGE", "image that holds the client (DEFANG_DB_IMAGE)"},
};
const Option kConfigSetOptions[] = {
    {"--random", &Arguments::random, "", "32 random bytes as text"},
    {"-e,--env", &Arguments::env, "", "take the values from the environment"},
    {"--env-file", &Arguments::env_file, "PATH", "take all values of this file, or those that are named"},
    {"--if-not-set", &Arguments::if_not_set, "", "leave what is set as it is"},
};

const Option kRegistryLoginOptions[] = {
    {"-u,--username", &Arguments::username, "USER", "whom the registry knows"},
    {"--password-stdin", &Arguments::password_stdin, "", "read the password from standard input"},
};

const Option kCertGenerateOptions[] = {
    {"-y,--yes", &Arguments::yes, "", "write records to DNS zones of the subscription without asking"},
    {"--wait-timeout", &Arguments::wait_timeout_seconds, "SECONDS", "wait so long for the records (default 1800)"},
};
const Option kCertRmOptions[] = {
    {"-y,--yes", &Arguments::yes, "", "do not ask for confirmation"},
};

const Option kApiOptions[] = {
    {"--input", &Arguments::input, "FILE", "the request's body, as JSON; `-` is standard input"},
};

const Option kEmulatorState[] = {
    {"--state", &Arguments::state_folder, "DIR",
     "state folder (DEFANG_EMULATOR_STATE; default: $XDG_STATE_HOME/defang/emulator)"},
};
const Option kEmulatorOptions[] = {
    {"--port", &Arguments::port, "N", "port of the endpoint; 0: any free one, kept across restarts"},
    {"--time-scale", &Arguments::time_scale, "X", "0.01 makes 100 seconds of Azure last one"},
    {"--engine", &Arguments::engine, "NAME", "what runs containers", {"auto", "podman", "bundle", "none"}},
    {"--faults", &Arguments::faults, "FILE", "what goes wrong, and when (docs/emulator.md)"},
    {"--seed", &Arguments::seed, "N", "makes ids and keys the same in every run"},
    {"--request-log", &Arguments::request_log, "FILE", "write every request and answer there, as JSON lines"},
    {"--role",
     &Arguments::role,
     "ROLE",
     "of the default principal (default: owner)",
     {"owner", "contributor", "reader"}},
    {"--fresh-subscription", &Arguments::fresh_subscription, "", "no resource provider is registered yet"},
    {"--base-images", &Arguments::base_images, "DIR", "images that stand in for public ones"},
    {"--dns-port", &Arguments::dns_port, "N", "port of its name server; 0: any free one, kept across restarts"},
    {"--zone-file", &Arguments::zone_file, "FILE", "records that the name server holds (docs/custom-domains.md)"},
    {"--foreground", &Arguments::foreground, "", "stay in the foreground"},
};
const Option kEmulatorStatusOptions[] = {
    {"--env", &Arguments::shell_exports, "", "print the environment for clients as shell exports"},
};

}  // namespace

const std::vector<Command>& commands() {
  // One row a command, in the order of `defang --help`.
  static const std::vector<Command> kCommands = {
      {"compose config",
       {},
       "Print the project as it is loaded",
       {kLoadOptions, kConfigOptions},
       "",
       run_compose_config},
      {"compose schema", {}, "Print the JSON Schema of Compose files, for editors", {}, "", run_compose_schema},
      {"compose plan",
       {"plan", "compose preview", "preview"},
       "Show what `up` would create, and why",
       {kLoadOptions, kPlanOptions},
       "",
       run_plan},
      {"compose estimate",
       {"estimate"},
       "Show what the project costs a month while nobody uses it, by Azure's price list",
       {kLoadOptions},
       "",
       run_estimate},
      {"export",
       {},
       "Write the plan as a deployment template, in JSON and in Bicep, to be used without this program",
       {kLoadOptions, kOfflineOptions, kExportOptions},
       "",
       run_export},
      {"explain",
       {},
       "Say why a service or a resource of the plan is as it is",
       {kLoadOptions, kOfflineOptions},
       "[SERVICE|RESOURCE]",
       run_explain},
      {"compose up", {"up", "deploy"}, "Deploy the project", {kLoadOptions, kUpOptions}, "[SERVICE...]", run_up},
      {"attach", {}, "Show a run that goes on in Azure to its end, or one of the past", {}, "[RUN]", run_attach},
      {"cd ls", {"cd list"}, "List the runs of the stack", {}, "", run_cd_ls},
      {"cd logs", {}, "Show what a run has told so far, or all of one of the past", {}, "[RUN]", run_cd_logs},
      {"cd outputs", {}, "Show where the stack's services answer", {}, "", run_cd_outputs},
      {"cd cancel", {}, "Stop a run that goes on in Azure", {}, "RUN", run_cd_cancel},
      {"cd install",
       {},
       "Make the job that carries runs out, with what it lives in",
       {kLoadOptions},
       "",
       run_cd_install},
      {"cd teardown", {}, "Remove the job that carries runs out; services stay", {}, "", run_cd_teardown},
      {"compose down", {"down", "compose rm"}, "Delete what `up` created", {kLoadOptions, kDownOptions}, "", run_down},
      {"compose ps", {"ps"}, "Show what runs, and where it answers", {kLoadOptions}, "", run_ps},
      {"compose logs",
       {"logs"},
       "Show what the services' containers write",
       {kLoadOptions, kLogsOptions},
       "[SERVICE...]",
       run_logs},
      {"db",
       {},
       "Open psql, mysql, redis-cli or mongosh for a managed store, inside the stack's own network",
       {kLoadOptions, kDbOptions},
       "SERVICE [-- ARGUMENT...]",
       run_db},
      {"compose ls", {}, "List the stacks of the subscription", {kLsOptions}, "", run_compose_ls},
      {"compose stop",
       {},
       "Stop services; what is stopped costs nothing but its share of the environment",
       {kLoadOptions},
       "[SERVICE...]",
       run_stop},
      {"compose start", {}, "Start services that were stopped", {kLoadOptions}, "[SERVICE...]", run_start},
      {"compose restart", {}, "Restart the containers of services", {kLoadOptions}, "[SERVICE...]", run_restart},
      {"config set",
       {},
       "Set config values in the stack's vault",
       {kConfigSetOptions},
       "[NAME=VALUE... | NAME [FILE]]",
       run_config_set},
      {"config resolve",
       {},
       "Show where each variable's value comes from; values of config are not shown",
       {kLoadOptions},
       "",
       run_config_resolve},
      {"config ls", {"config list"}, "List the names of config that is set", {}, "", run_config_ls},
      {"config rm", {}, "Take config out of use", {}, "[NAME...]", run_config_rm},
      {"registry login",
       {},
       "Let the stack pull images of a private registry; its password is kept in the stack's vault",
       {kRegistryLoginOptions},
       "[SERVER]",
       run_registry_login},
      {"registry ls", {"registry list"}, "List the registries that the stack is signed in to", {}, "", run_registry_ls},
      {"registry logout", {}, "Forget a registry's password", {}, "[SERVER]", run_registry_logout},
      {"cert generate",
       {"cert gen"},
       "Give the project's domains their certificates",
       {kLoadOptions, kCertGenerateOptions},
       "[HOST...]",
       run_cert_generate},
      {"cert status",
       {"cert ls"},
       "Show the domains, their certificates and their records",
       {kLoadOptions},
       "[HOST...]",
       run_cert_status},
      {"cert rm",
       {},
       "Take domains off, with their certificates",
       {kLoadOptions, kCertRmOptions},
       "HOST...",
       run_cert_rm},
      {"login", {}, "Sign in to Azure with a browser, on this machine or another", {}, "", run_login},
      {"logout", {}, "Forget what `defang login` kept", {}, "", run_logout},
      {"whoami", {}, "Say who is signed in, and where", {}, "", run_whoami},
      {"api",
       {},
       "Call Azure Resource Manager; `{subscriptionId}` in the path is filled in",
       {kApiOptions},
       "METHOD PATH",
       run_api},
      {"emulator start", {}, "Start Azure on this machine", {kEmulatorState, kEmulatorOptions}, "", run_emulator_start},
      {"emulator stop", {}, "Stop it; its state is kept", {kEmulatorState}, "", run_emulator_stop},
      {"emulator status",
       {},
       "Say whether it runs, and what clients need to know",
       {kEmulatorState, kEmulatorStatusOptions},
       "",
       run_emulator_status},
      {"emulator dns ls",
       {"emulator dns"},
       "Print the records that its name server holds",
       {kEmulatorState},
       "",
       run_emulator_dns_ls},
      {"emulator dns add",
       {},
       "Hold the records of a zone file, `-` for standard input",
       {kEmulatorState},
       "FILE",
       run_emulator_dns_add},
      {"emulator dns rm",
       {},
       "Hold no records of a name any more",
       {kEmulatorState},
       "NAME [TYPE]",
       run_emulator_dns_rm},
      {"emulator reset", {}, "Stop it and delete its state", {kEmulatorState}, "", run_emulator_reset},
      {"emulator logs", {}, "Print its log", {kEmulatorState}, "", run_emulator_logs},
      {"run-job", {}, "", {}, "RUN", run_run_job},
      {"version", {}, "Print the version", {}, "", run_version},
  };
  return kCommands;
}

}  // namespace defang::cli
