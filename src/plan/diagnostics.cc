#include "plan/diagnostics.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::plan {
namespace {

using Severity = Diagnostic::Severity;

Diagnostic make(Severity severity, std::string code, std::string message, SourceSpan span, std::string help = "") {
  return {.severity = severity,
          .code = std::move(code),
          .message = std::move(message),
          .span = std::move(span),
          .help = std::move(help),
          .related = {}};
}

Diagnostic error(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::error, std::move(code), std::move(message), std::move(span), std::move(help));
}
Diagnostic warning(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::warning, std::move(code), std::move(message), std::move(span), std::move(help));
}
Diagnostic note(std::string code, std::string message, SourceSpan span, std::string help = "") {
  return make(Severity::note, std::move(code), std::move(message), std::move(span), std::move(help));
}

}  // namespace

Diagnostic unknown_attribute(const std::string& service, const compose::Attribute& attribute) {
  return error("azure.unsupported",
               fmt::format("service `{}` uses `{}`, which is not supported yet", service, attribute.path),
               attribute.span, "remove it");
}

Diagnostic unsupported_attribute(const std::string& service, const AttributeSupport& support, const SourceSpan& span) {
  using Verdict = AttributeSupport::Verdict;
  const auto text = fmt::format("service `{}` uses `{}`: {}", service, support.path, support.reason);
  switch (support.verdict) {
    case Verdict::refused:
      return error("azure.unsupported", text, span, "remove it, or run this service elsewhere");
    case Verdict::warned:
      return warning("azure.not-used", text, span);
    default:
      return note("azure.not-used", text, span);
  }
}

Diagnostic no_region(const std::string& location) {
  return error("azure.location", fmt::format("`{}` is not the name of an Azure region", location), {},
               "set AZURE_LOCATION to one, such as `westus3`");
}

Diagnostic no_services(const compose::Project& project) {
  return error("plan.no-services", fmt::format("project `{}` has no active service to deploy", project.name), {},
               "add one below `services`, or choose a profile");
}

Diagnostic no_image(const compose::Service& service) {
  return error("plan.no-image", fmt::format("service `{}` has neither `image` nor `build`", service.name), service.span,
               "name the image to run, or the folder to build");
}

Diagnostic image_from_config(const compose::Service& service) {
  return error("plan.image", fmt::format("the image of service `{}` is not known: `{}`", service.name, **service.image),
               service.image->span, "set the variable in `.env`; config is for the environment of containers only");
}

Diagnostic no_image_name(const std::string& service, const std::string& image, const SourceSpan& span) {
  return error("plan.image-name", fmt::format("`{}`, of service `{}`, can be no image's name", image, service), span,
               to_lower(image) != image
                   ? "repositories are named in lower case"
                   : "it looks like `nginx:1.27`, `ghcr.io/acme/web:1` or `nginx@sha256:...` (64 hexadecimal digits)");
}

Diagnostic image_and_build(const compose::Service& service) {
  return note("plan.image-and-build",
              fmt::format("service `{}` is built; the name `{}` is not used", service.name, **service.image),
              service.image->span);
}

Diagnostic bad_refresh_age(const compose::Service& service, const compose::Node& age) {
  return error(
      "plan.pull-policy",
      fmt::format("`pull_refresh_after` of service `{}` is `{}`, which is no duration", service.name, age.text),
      age.span, "it looks like `12h` or `1d`");
}

Diagnostic pulled_all_the_same(const compose::Service& service, const SourceSpan& span) {
  return note(
      "plan.pull-policy",
      fmt::format("service `{}` pulls its image all the same: Azure does wherever a replica starts; `never` keeps "
                  "the digest that was found first",
                  service.name),
      span);
}

Diagnostic no_such_runtime(const compose::Service& service, const compose::Node& runtime) {
  return error("azure.runtime",
               fmt::format("service `{}` wants the runtime `{}`, and Container Apps has one for all", service.name,
                           runtime.text),
               runtime.span,
               runtime.text == "nvidia" ? "`deploy.resources.reservations.devices` asks for a machine with a GPU"
                                        : "take `runtime` out if the image also runs as an ordinary Linux container");
}

Diagnostic module_not_built(const compose::Service& service, const SourceSpan& span) {
  return error("azure.web-assembly",
               fmt::format("service `{}` is a WebAssembly program that is not built here, so its image cannot get the "
                           "runtime that it needs on Container Apps",
                           service.name),
               span, "build it: `FROM scratch`, `COPY app.wasm /`, `ENTRYPOINT [\"app.wasm\"]`");
}

Diagnostic module_not_named(const compose::Service& service, bool has_shell_form, const SourceSpan& span) {
  return error(
      "azure.web-assembly",
      fmt::format("service `{}` is a WebAssembly program, and its Dockerfile does not say which module to start",
                  service.name),
      span,
      has_shell_form ? "there is no shell for `ENTRYPOINT app.wasm`: write `ENTRYPOINT [\"app.wasm\"]`"
                     : "`ENTRYPOINT [\"app.wasm\"]` in its last stage does");
}

Diagnostic runs_with_its_runtime(const compose::Service& service, const SourceSpan& span) {
  return note(
      "azure.web-assembly",
      fmt::format("service `{}` is a WebAssembly program: its image gets WasmEdge, and runs as an ordinary Linux "
                  "container",
                  service.name),
      span);
}

Diagnostic wrong_platform(const compose::Service& service, const Spanned<std::string>& platform) {
  return error(
      "azure.platform",
      fmt::format("service `{}` wants `{}`, and Container Apps runs linux/amd64 only", service.name, *platform),
      platform.span, "use an image for linux/amd64");
}

Diagnostic platform_built_as_amd64(const compose::Service& service, const Spanned<std::string>& platform) {
  return note("azure.platform",
              fmt::format("service `{}` is built for linux/amd64 instead of `{}`: Container Apps runs nothing else",
                          service.name, *platform),
              platform.span);
}

Diagnostic host_network(const compose::Service& service) {
  return warning("azure.not-used",
                 fmt::format("service `{}` uses `network_mode: host`: on Azure it has a network of its own, where only "
                             "the ports that it names are reached",
                             service.name),
                 service.network_mode->span, "name its ports in `ports`");
}

Diagnostic no_network(const compose::Service& service) {
  return note(
      "azure.not-used",
      fmt::format("service `{}` uses `network_mode: none`: on Azure it reaches others all the same", service.name),
      service.network_mode->span);
}

Diagnostic network_of_a_container(const compose::Service& service) {
  return error("azure.unsupported",
               fmt::format("service `{}` uses `network_mode: {}`: containers of this machine are not on Azure",
                           service.name, **service.network_mode),
               service.network_mode->span, "name a service of this project: `service:...`");
}

Diagnostic network_of_nobody(const compose::Service& service, const std::string& owner) {
  return error("plan.network-mode",
               fmt::format("service `{}` uses `network_mode: {}`, and `{}` is no service that runs on", service.name,
                           **service.network_mode, owner),
               service.network_mode->span, "name a service that is active, not managed, and does not end by itself");
}

Diagnostic replica_too_large(const compose::Service& service) {
  return error("azure.cpus",
               fmt::format("service `{}` and those that share its network ask for more than 4 CPUs and 8 GiB together",
                           service.name),
               service.span, "ask for less, or let them reach each other by name");
}

Diagnostic renamed(const compose::Service& service, const std::string& name) {
  return note("azure.name",
              fmt::format("service `{}` is named `{}` on Azure; what other services say of it is rewritten",
                          service.name, name),
              service.span);
}

Diagnostic stateful_image(const compose::Service& service) {
  return warning("plan.stateful-image",
                 fmt::format("service `{}` keeps its data in the container: it is lost whenever the container is "
                             "replaced",
                             service.name),
                 service.image->span, "keep what matters in a managed service");
}

Diagnostic derived_image(const compose::Service& service, const SourceSpan& span) {
  return note("azure.derived-image",
              fmt::format("service `{}` gets an image of its own on top of `{}`: Container Apps takes folder and user "
                          "from the image",
                          service.name, service.image->value),
              span);
}

Diagnostic image_setting_unknown(const compose::Service& service, std::string_view attribute,
                                 const Spanned<std::string>& setting) {
  return warning("azure.image-setting",
                 fmt::format("`{}` of service `{}` is `{}`, which cannot be written into its image: the image's own "
                             "applies",
                             attribute, service.name, setting.value),
                 setting.span, "say its value, and build from a Dockerfile");
}

Diagnostic runs_before_each_replica(const compose::Service& service, const SourceSpan& span) {
  return note("azure.init-container",
              fmt::format("`pre_start` of service `{}` runs before each replica starts: on every deployment of it, and "
                          "when Azure starts it again",
                          service.name),
              span, "let it do no harm when it runs twice");
}

Diagnostic remote_context(const compose::Service& service) {
  return error("azure.unsupported",
               fmt::format("service `{}` is built from `{}`, and remote contexts are not supported yet", service.name,
                           service.build->context.string()),
               service.build->context_span, "build from a folder");
}

Diagnostic built_with_buildpacks(const compose::Service& service) {
  return note("plan.buildpacks",
              fmt::format("service `{}` has no Dockerfile: it is built with Cloud Native Buildpacks", service.name),
              service.build->context_span, "write a Dockerfile to decide how it is built");
}

Diagnostic config_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                           const std::string& config) {
  return error("plan.config-in-build",
               fmt::format("build argument `{}` of service `{}` needs config `{}`, and builds see no config", arg.name,
                           service.name, config),
               arg.span, "set the variable in `.env`, or read it when the container runs");
}

Diagnostic store_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                          const std::string& store) {
  return warning(
      "build.managed-store",
      fmt::format("build argument `{}` of service `{}` names the managed `{}`, which no build reaches: it stays "
                  "as it is",
                  arg.name, service.name, store),
      arg.span, "let the program read the variable of its container when it starts");
}

Diagnostic build_arg_without_value(const compose::Service& service, const compose::EnvironmentVariable& arg) {
  return warning(
      "plan.build-arg",
      fmt::format("build argument `{}` of service `{}` has no value and is left out", arg.name, service.name),
      arg.span);
}

Diagnostic volume_is_external(const compose::Volume& volume, const std::string& name) {
  return warning("plan.external-volume",
                 fmt::format("volume `{}` is `external`: what it holds elsewhere is not carried to Azure", name),
                 volume.span, "it starts as an empty share; copy the data into it");
}

Diagnostic volume_driver_not_used(const std::string& name, const SourceSpan& span) {
  return note("azure.volume", fmt::format("volume `{}` becomes a share of Azure Files; its driver is not used", name),
              span);
}

Diagnostic folder_becomes_share(const compose::Service& service, const compose::Mount& mount, const std::string& where,
                                bool is_in_project) {
  const auto text =
      fmt::format("service `{}` keeps what it writes to `{}` on a share of Azure Files", service.name, mount.target);
  if (is_in_project) return note("azure.volume", text + fmt::format(", in place of folder `{}`", where), mount.span);
  return warning("azure.volume",
                 text + fmt::format(", which starts empty: `{}` on this machine is not carried to Azure", where),
                 mount.span, "name a volume instead, or put files that it needs into the project's folder");
}

Diagnostic database_on_share(const compose::Service& service, const SourceSpan& span, const std::string& instead) {
  return warning(
      "plan.database-on-share",
      fmt::format("service `{}` keeps a database on a network share (Azure Files over NFS): it is slow there, and "
                  "two revisions share it for a moment whenever the service changes, which can damage it",
                  service.name),
      span,
      instead.empty() ? "keep the database in a managed service" : fmt::format("use the managed service: {}", instead));
}

Diagnostic development_mount(const compose::Service& service, const compose::Mount& mount, const std::string& where) {
  return note("plan.development-mount",
              fmt::format("service `{}` mounts its source `{}` for development: on Azure it runs what its image holds",
                          service.name, where),
              mount.span);
}

Diagnostic host_place_mounted(const compose::Service& service, const compose::Mount& mount,
                              Diagnostic::Severity severity, std::string_view reason) {
  const auto text = fmt::format("service `{}` mounts `{}` of its machine: {}", service.name, mount.source, reason);
  if (severity == Severity::error)
    return error("azure.unsupported", text, mount.span, "remove it from `volumes`, or run this service elsewhere");
  return make(severity, "azure.not-used", text, mount.span);
}

Diagnostic mount_path_illegal(const compose::Service& service, const compose::Mount& mount) {
  return error(
      "azure.mount-path",
      fmt::format("service `{}` mounts at `{}`, and Container Apps allows no `:` there", service.name, mount.target),
      mount.span, "mount it elsewhere");
}

Diagnostic mount_type_unsupported(const compose::Service& service, const compose::Mount& mount) {
  return error("azure.unsupported",
               fmt::format("service `{}` uses `volumes`: Container Apps has no mounts of type `{}` (`{}` at `{}`)",
                           service.name, mount.type, mount.source, mount.target),
               mount.span, mount.type == "image" ? "copy the files with `COPY --from` in a Dockerfile" : "");
}

Diagnostic volumes_from_unknown(const compose::Service& service, const Spanned<std::string>& from,
                                const std::string& name) {
  return error(
      "plan.volumes-from",
      fmt::format("service `{}` takes volumes from `{}`, which is not among the active services", service.name, name),
      from.span, "name the volumes themselves");
}

Diagnostic volumes_from_anonymous(const compose::Service& service, const Spanned<std::string>& from,
                                  const std::string& name, const std::string& path) {
  return warning("azure.volume",
                 fmt::format("service `{}` does not share `{}` of `{}`: a volume without a name stays in its replica",
                             service.name, path, name),
                 from.span, "give the volume a name");
}

Diagnostic files_carried(const compose::Service& service, const compose::Mount& mount, const std::string& where) {
  return note("azure.files",
              fmt::format("`{}` goes to `{}` of service `{}` by way of the vault{}", where, mount.target, service.name,
                          mount.read_only ? "" : ", and cannot be written there"),
              mount.span);
}

Diagnostic file_missing(const compose::Service& service, const SourceSpan& span, const std::string& where) {
  return error("plan.file-missing",
               fmt::format("service `{}` wants file `{}`, which does not exist", service.name, where), span,
               "create it, or correct its path");
}

Diagnostic file_elsewhere(const compose::Service& service, const compose::Mount& mount) {
  return error(
      "azure.unsupported",
      fmt::format("service `{}` mounts `{}`, which is outside of the project's folder", service.name, mount.source),
      mount.span, "put the file into the project's folder");
}

Diagnostic file_not_carried(const compose::Service& service, const SourceSpan& span, const std::string& where) {
  return error("azure.file",
               fmt::format("service `{}` wants file `{}`, and only texts of at most 24 KiB get to containers without "
                           "being in their image",
                           service.name, where),
               span, "copy it in a Dockerfile");
}

Diagnostic folder_too_large(const compose::Service& service, const compose::Mount& mount, const std::string& where,
                            std::size_t most) {
  return error("azure.file",
               fmt::format("service `{}` mounts folder `{}` with more than {} files", service.name, where, most),
               mount.span, "copy it in a Dockerfile; name a volume if the service is to write there");
}

Diagnostic file_source_unknown(const compose::Service& service, const compose::FileReference& use,
                               std::string_view kind) {
  return error("plan.secret",
               fmt::format("service `{}` uses {} `{}`, which is not defined", service.name, kind, use.source), use.span,
               fmt::format("add `{}s: {{{}: {{external: true}}}}` at the top level", kind, use.source));
}

Diagnostic secret_elsewhere(const compose::Service& service, const compose::FileReference& use) {
  return error("azure.unsupported",
               fmt::format("service `{}` wants `{}` at `{}`: /run/secrets has no folders on Azure", service.name,
                           use.source, use.target),
               use.span, "remove the folder from `target`");
}

Diagnostic provider_unknown(const compose::Service& service) {
  return error("azure.unsupported",
               fmt::format("service `{}` uses `provider: {{type: {}}}`: programs of this machine make nothing on Azure",
                           service.name, **service.provider_type),
               service.provider_type->span, "only `type: model` is known here; run the service elsewhere");
}

Diagnostic store_replaces_image(const compose::Service& service, std::string_view extension) {
  return warning(
      "plan.managed-image",
      fmt::format("service `{}` says `{}`, and what its image adds to that is not there", service.name, extension),
      service.image ? service.image->span : service.span);
}

Diagnostic store_ignores_volume(const compose::Service& service, const compose::Mount& mount) {
  return note(
      "plan.managed-volume",
      fmt::format("service `{}` is managed and keeps its data itself: `{}` is not used", service.name, mount.source),
      mount.span);
}

Diagnostic store_address_rewritten(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                   const std::string& store) {
  return note(
      "azure.store-address",
      fmt::format("`{}` of service `{}` leads to the managed `{}`: its host, port, TLS and credentials are put in",
                  variable.name, service.name, store),
      variable.span);
}

Diagnostic store_setting_replaced(const compose::Service& service, const compose::EnvironmentVariable& variable) {
  return note("azure.store-address",
              fmt::format("`{}` of service `{}` becomes that of the managed service", variable.name, service.name),
              variable.span);
}

Diagnostic store_address_impossible(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                    const std::string& store, const std::string& fault) {
  return error("azure.store-address-impossible",
               fmt::format("`{}` of service `{}` cannot lead to the managed `{}`: {}", variable.name, service.name,
                           store, fault),
               variable.span, "change the variable, or let the service run as a container without its `x-defang-*`");
}

Diagnostic split_address_incomplete(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                    const SplitFault& fault) {
  return error(
      "azure.split-address",
      fmt::format("`{}` of service `{}` names the managed `{}`, and no variable beside it says {}", variable.name,
                  service.name, fault.host, fault.missing),
      variable.span,
      fmt::format("write the variable that the program reads, such as `{}`: its value is filled in; or give the "
                  "program a whole URL",
                  fault.example));
}

Diagnostic key_in_command(const compose::Service& service, const SourceSpan& span) {
  return error(
      "plan.key-in-command",
      fmt::format("the command of service `{}` would hold the key of a managed service, for every reader to see",
                  service.name),
      span, "put the address into `environment`, and let the command read it there");
}

Diagnostic postgres_version_gone(const compose::Service& service) {
  return error("azure.postgres-version", fmt::format("Azure has no PostgreSQL of the version of `{}`", **service.image),
               service.image->span, "use a version from 11 to 18");
}

Diagnostic postgres_login_refused(const compose::Service& service, const std::string& login, const std::string& fault) {
  return error("azure.postgres-login", fmt::format("user `{}` of service `{}` {}", login, service.name, fault),
               service.span, "choose another `POSTGRES_USER`");
}

Diagnostic postgres_password_missing(const compose::Service& service) {
  return error("azure.postgres-password",
               fmt::format("service `{}` is managed PostgreSQL and has no `POSTGRES_PASSWORD`", service.name),
               service.span, "add `POSTGRES_PASSWORD:` without a value, and run `defang config set POSTGRES_PASSWORD`");
}

Diagnostic postgres_password_refused(const compose::Service& service, const SourceSpan& span,
                                     const std::string& fault) {
  return error("azure.postgres-password",
               fmt::format("Azure refuses the password of service `{}`: it {}", service.name, fault), span,
               "leave its value out, and run `defang config set --random POSTGRES_PASSWORD`");
}

Diagnostic mysql_version_gone(const compose::Service& service) {
  return error("azure.mysql-version", fmt::format("Azure has no MySQL of the version of `{}`", **service.image),
               service.image->span, "use 5.7, 8.0 or 8.4");
}

Diagnostic mysql_for_mariadb(const compose::Service& service) {
  return warning("azure.mysql-version",
                 fmt::format("service `{}` is MariaDB, and becomes MySQL 8.0: Azure has no MariaDB", service.name),
                 service.image->span, "try the program with `mysql:8.0` first; what only MariaDB has is not there");
}

Diagnostic mysql_user_missing(const compose::Service& service) {
  return error(
      "azure.mysql-login",
      fmt::format("service `{}` has no user but `root`, and Azure's servers have none of that name", service.name),
      service.span, "set MYSQL_USER and MYSQL_PASSWORD, and let the programs sign in so");
}

Diagnostic mysql_login_refused(const compose::Service& service, const compose::EnvironmentVariable& user,
                               const std::string& fault) {
  return error(
      "azure.mysql-login",
      fmt::format("the user of service `{}` cannot be the administrator of a server: the name {}", service.name, fault),
      user.span, "write another name, as a value and not as config");
}

Diagnostic bucket_name_wrong(const compose::Service& service, const std::string& bucket, const std::string& fault) {
  return error(
      "azure.bucket",
      fmt::format("`{}` of service `{}` is no name for a container of blobs: it {}", bucket, service.name, fault),
      service.span, "use small letters, digits and dashes: `x-defang-object-storage: {buckets: [photos]}`");
}

Diagnostic objects_twice(const compose::Service& service, const std::string& first, const compose::Dependency& second) {
  return error(
      "azure.object-storage",
      fmt::format("service `{}` depends on two stores of objects, `{}` and `{}`, and one set of AZURE_STORAGE_* "
                  "variables leads to one",
                  service.name, first, second.service),
      second.span, "make one store with two buckets");
}

Diagnostic redis_databases_mix(const compose::Service& service) {
  return error("azure.redis-database",
               fmt::format("services use several database numbers of `{}`, and Azure Managed Redis has number 0 only",
                           service.name),
               service.span, "give each number a Redis service of its own, or keep keys apart by prefixes");
}

Diagnostic redis_eviction_unknown(const compose::Service& service, const std::string& policy) {
  return error("azure.redis-eviction",
               fmt::format("`--maxmemory-policy {}` of service `{}` is no policy of Redis", policy, service.name),
               service.command->span,
               "use noeviction, or allkeys- or volatile- with lru, lfu, random; volatile-ttl is another");
}

Diagnostic store_option_wrong(const compose::Service& service, std::string_view option, const SourceSpan& span) {
  return error("azure.store-option",
               fmt::format("`{}` of service `{}` is neither true nor false", option, service.name), span,
               "write `true` or `false`, without quotes");
}

Diagnostic postgres_extension_wrong(const compose::Service& service, const std::string& extension,
                                    const SourceSpan& span) {
  return error("azure.postgres-extension",
               fmt::format("`{}` of service `{}` is no name of an extension", extension, service.name), span,
               "list names as CREATE EXTENSION takes them: `extensions: [vector, pg_trgm]`");
}

Diagnostic postgres_preload_unsupported(const compose::Service& service, const std::string& extension) {
  return error(
      "azure.postgres-extension",
      fmt::format("the image of service `{}` brings `{}`, which the server must load when it starts: that is not "
                  "built yet",
                  service.name, extension),
      service.image->span, "use a plain image of PostgreSQL, or run this one as a container");
}

Diagnostic model_chosen(const std::string& service, const std::string& name, const std::string& model,
                        const std::string& reason, const SourceSpan& span) {
  return note(
      "azure.model",
      fmt::format("service `{}` talks to model `{}` under the name `{}`: chosen {}", service, model, name, reason),
      span);
}

Diagnostic model_not_offered(const std::string& service, const std::string& wanted, const std::string& location,
                             const std::string& offered, const SourceSpan& span) {
  return error(
      "azure.model-not-offered",
      fmt::format("service `{}` wants model `{}`, and {} has neither it nor one that could stand in for it; {}",
                  service, wanted, location, offered),
      span, "name one of these, ask for quota (`az cognitiveservices usage list`), or choose another region");
}

Diagnostic model_name_from_config(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                  const std::string& deployment) {
  return warning(
      "azure.model-name",
      fmt::format("`{}` of service `{}` names the model, and comes from config: nobody here knows its value",
                  variable.name, service.name),
      variable.span,
      fmt::format("set it to the name of the deployment: `defang config set {}={}`", variable.name, deployment));
}

Diagnostic sibling_address_rewritten(const std::string& service, const std::string& where, const std::string& from,
                                     const std::string& to, const SourceSpan& span) {
  return note(
      "azure.address",
      fmt::format("`{}` in {} of service `{}` becomes `{}`: that is its address on Azure", from, where, service, to),
      span);
}

Diagnostic sibling_port_is_published(const std::string& service, const std::string& sibling, int published, int target,
                                     const SourceSpan& span) {
  return warning("plan.published-port",
                 fmt::format("service `{}` reaches for port {} of `{}`, which is the published one: its container "
                             "listens on {}",
                             service, published, sibling, target),
                 span, fmt::format("write `{}:{}`", sibling, target));
}

Diagnostic sibling_on_http_port(const std::string& service, const std::string& sibling, int port,
                                const SourceSpan& span) {
  return note("azure.address",
              fmt::format("service `{}` names `{}`, which answers at `http://{}` on Azure, not on port {}", service,
                          sibling, sibling, port),
              span, "give the port `mode: host` if siblings need it on its own number");
}

Diagnostic sibling_has_no_address(const std::string& service, const std::string& sibling, const SourceSpan& span) {
  return warning("azure.no-address",
                 fmt::format("service `{}` reaches for `{}`, which runs once to its end and has no address on Azure",
                             service, sibling),
                 span);
}

Diagnostic hidden_address_without_port(const std::string& service, const std::string& sibling, const SourceSpan& span) {
  return note(
      "azure.hidden-address",
      fmt::format("service `{}` depends on `{}`, which names no port: if it reaches for it, it will not get there",
                  service, sibling),
      span, fmt::format("name the port in `expose` of `{}`; without need for one, ignore this", sibling));
}

Diagnostic hidden_http_address(const std::string& service, const std::string& sibling, const std::string& app, int port,
                               const SourceSpan& span) {
  return note(
      "azure.hidden-address",
      fmt::format("service `{}` depends on `{}`: if its image reaches for `{}:{}`, that is `http://{}` on Azure",
                  service, sibling, sibling, port, app),
      span, "`mode: host` keeps a port on its own number, for siblings only");
}

Diagnostic schedule_wrong(const compose::Service& service, const SourceSpan& span) {
  return error("plan.schedule",
               fmt::format("`x-defang-schedule` of service `{}` is no cron expression of five fields", service.name),
               span, "write minute, hour, day, month and weekday, such as `\"0 3 * * *\"`; the clock is UTC");
}

Diagnostic job_with_ports(const compose::Service& service) {
  return note("azure.restart",
              fmt::format("service `{}` has ports, so it is restarted when it ends, in spite of `restart: \"no\"`",
                          service.name),
              service.restart ? service.restart->span : service.span);
}

Diagnostic dependency_unknown(const compose::Service& service, const compose::Dependency& dependency) {
  return error("plan.dependency",
               fmt::format("service `{}` depends on `{}`, which is not among the active services", service.name,
                           dependency.service),
               dependency.span, "remove it, or say `required: false`");
}

Diagnostic dependency_completes_never(const compose::Service& service, const compose::Dependency& dependency) {
  return error("plan.dependency",
               fmt::format("service `{}` waits for `{}` to complete, but that has ports and never ends on Azure",
                           service.name, dependency.service),
               dependency.span, "wait for `service_healthy`, or remove its ports");
}

Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span) {
  return error("plan.cycle", fmt::format("services wait for each other: {}", join(cycle, " -> ")), span,
               "remove one of these `depends_on`");
}

Diagnostic registry_gives_no_role(const compose::Service& service, const std::string& server,
                                  const SharedRegistry& registry, const std::string& principal_id,
                                  const SourceSpan& span) {
  const auto role = azure::name_of(pull_role(registry));
  // The identity that would have the role is there after the first deployment only.
  const auto by_hand = principal_id.empty() ? std::string()
                                            : fmt::format(
                                                  ", or runs `az role assignment create --assignee-object-id {} "
                                                  "--assignee-principal-type ServicePrincipal "
                                                  "--role \"{}\" --scope {}`",
                                                  principal_id, role, registry.id);
  return error(
      "azure.registry-role",
      fmt::format("service `{}` pulls from `{}`, where the stack has no right to: you may not give it the role "
                  "{}, since Microsoft.Authorization/roleAssignments/write is missing on `{}`",
                  service.name, server, role, registry.id),
      span,
      fmt::format("sign in with `defang registry login {}`; or somebody who may assign roles there deploys this "
                  "stack once{}",
                  server, by_hand));
}

Diagnostic registry_elsewhere(const compose::Service& service, const std::string& server, const SourceSpan& span) {
  return note(
      "azure.registry-elsewhere",
      fmt::format("service `{}` pulls from `{}`, which is no registry that you can see in this subscription: it "
                  "is pulled without signing in",
                  service.name, server),
      span,
      fmt::format("that works where everybody may pull; otherwise sign in with `defang registry login {}`", server));
}

Diagnostic base_image_needs_login(const compose::Service& service, const std::string& server) {
  return warning("azure.registry-in-build",
                 fmt::format("the image of service `{}` is built on one of `{}`, which lets no build pull without "
                             "signing in: a build has no identity",
                             service.name, server),
                 service.image->span, fmt::format("sign in with `defang registry login {}`", server));
}

Diagnostic public_port_twice(int port, const std::string& first, const std::string& second, const SourceSpan& span) {
  return error("azure.public-port",
               fmt::format("services `{}` and `{}` both want public TCP port {}, which an environment has once", first,
                           second, port),
               span, "let one of them use another port");
}

Diagnostic domain_wildcard(const CustomDomain& domain) {
  return error(
      "azure.domain",
      fmt::format("service `{}` cannot answer at `{}`: Container Apps has no certificates for wildcards",
                  domain.service, domain.host),
      domain.span,
      "name each host, the first in `domainname` and others in `aliases` of a network; for any number of hosts "
      "put Azure Front Door in front of the app's own address");
}

Diagnostic domain_wrong(const CustomDomain& domain, std::string_view why) {
  return error("azure.domain",
               fmt::format("`{}` cannot be the domain of service `{}`: {}", domain.host, domain.service, why),
               domain.span, "give a name of yours, such as `www.example.com`");
}

Diagnostic domain_private(const CustomDomain& domain) {
  return note("azure.domain",
              fmt::format("service `{}` has the domain `{}`, which is for siblings only: nobody can own such a name",
                          domain.service, domain.host),
              domain.span);
}

Diagnostic domain_twice(const CustomDomain& domain, const std::string& first) {
  return error(
      "azure.domain",
      fmt::format("`{}` is the domain of service `{}` and of service `{}`", domain.host, first, domain.service),
      domain.span, "a name leads to one service");
}

Diagnostic domain_without_http(const CustomDomain& domain, const std::string& owner) {
  return warning(
      "azure.domain",
      fmt::format("service `{}` does not answer at `{}`: it has no public HTTP port", domain.service, domain.host),
      domain.span,
      owner.empty()
          ? "publish the port that it serves HTTP on: `ports: [\"80:80\"]`"
          : fmt::format("it shares the network of service `{}`: that one has the ports, give it the domain", owner));
}

}  // namespace defang::plan
