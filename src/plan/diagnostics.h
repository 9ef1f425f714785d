#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compose/project.h"
#include "plan/attributes.h"
#include "plan/plan.h"
#include "plan/split_settings.h"
#include "support/diagnostic.h"

/// What planning has to say about a project, one function a message.
namespace defang::plan {

Diagnostic unknown_attribute(const std::string& service, const compose::Attribute& attribute);
Diagnostic unsupported_attribute(const std::string& service, const AttributeSupport& support, const SourceSpan& span);

Diagnostic no_region(const std::string& location);
Diagnostic no_services(const compose::Project& project);
Diagnostic no_image(const compose::Service& service);
Diagnostic image_from_config(const compose::Service& service);
Diagnostic no_image_name(const std::string& service, const std::string& image, const SourceSpan& span);
Diagnostic image_and_build(const compose::Service& service);
Diagnostic bad_refresh_age(const compose::Service& service, const compose::Node& age);
Diagnostic pulled_all_the_same(const compose::Service& service, const SourceSpan& span);
Diagnostic no_such_runtime(const compose::Service& service, const compose::Node& runtime);
Diagnostic module_not_built(const compose::Service& service, const SourceSpan& span);
Diagnostic module_not_named(const compose::Service& service, bool has_shell_form, const SourceSpan& span);
Diagnostic runs_with_its_runtime(const compose::Service& service, const SourceSpan& span);
Diagnostic wrong_platform(const compose::Service& service, const Spanned<std::string>& platform);
Diagnostic platform_built_as_amd64(const compose::Service& service, const Spanned<std::string>& platform);
Diagnostic host_network(const compose::Service& service);
Diagnostic no_network(const compose::Service& service);
Diagnostic network_of_a_container(const compose::Service& service);
Diagnostic network_of_nobody(const compose::Service& service, const std::string& owner);
Diagnostic replica_too_large(const compose::Service& service);
Diagnostic renamed(const compose::Service& service, const std::string& name);
Diagnostic stateful_image(const compose::Service& service);

Diagnostic derived_image(const compose::Service& service, const SourceSpan& span);
Diagnostic image_setting_unknown(const compose::Service& service, std::string_view attribute,
                                 const Spanned<std::string>& setting);
Diagnostic runs_before_each_replica(const compose::Service& service, const SourceSpan& span);
Diagnostic remote_context(const compose::Service& service);
Diagnostic built_with_buildpacks(const compose::Service& service);
Diagnostic config_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                           const std::string& config);
Diagnostic store_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                          const std::string& store);
Diagnostic build_arg_without_value(const compose::Service& service, const compose::EnvironmentVariable& arg);

Diagnostic volume_is_external(const compose::Volume& volume, const std::string& name);
Diagnostic volume_driver_not_used(const std::string& name, const SourceSpan& span);
Diagnostic folder_becomes_share(const compose::Service& service, const compose::Mount& mount, const std::string& where,
                                bool is_in_project);
Diagnostic database_on_share(const compose::Service& service, const SourceSpan& span, const std::string& instead);
Diagnostic development_mount(const compose::Service& service, const compose::Mount& mount, const std::string& where);
Diagnostic host_place_mounted(const compose::Service& service, const compose::Mount& mount,
                              Diagnostic::Severity severity, std::string_view reason);
Diagnostic mount_path_illegal(const compose::Service& service, const compose::Mount& mount);
Diagnostic mount_type_unsupported(const compose::Service& service, const compose::Mount& mount);
Diagnostic volumes_from_unknown(const compose::Service& service, const Spanned<std::string>& from,
                                const std::string& name);
Diagnostic volumes_from_anonymous(const compose::Service& service, const Spanned<std::string>& from,
                                  const std::string& name, const std::string& path);

Diagnostic files_carried(const compose::Service& service, const compose::Mount& mount, const std::string& where);
Diagnostic file_missing(const compose::Service& service, const SourceSpan& span, const std::string& where);
Diagnostic file_elsewhere(const compose::Service& service, const compose::Mount& mount);
Diagnostic file_not_carried(const compose::Service& service, const SourceSpan& span, const std::string& where);
Diagnostic folder_too_large(const compose::Service& service, const compose::Mount& mount, const std::string& where,
                            std::size_t most);
Diagnostic file_source_unknown(const compose::Service& service, const compose::FileReference& use,
                               std::string_view kind);
Diagnostic secret_elsewhere(const compose::Service& service, const compose::FileReference& use);

Diagnostic provider_unknown(const compose::Service& service);
Diagnostic store_replaces_image(const compose::Service& service, std::string_view extension);
Diagnostic store_ignores_volume(const compose::Service& service, const compose::Mount& mount);
Diagnostic store_address_rewritten(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                   const std::string& store);
Diagnostic store_setting_replaced(const compose::Service& service, const compose::EnvironmentVariable& variable);
Diagnostic store_address_impossible(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                    const std::string& store, const std::string& fault);
Diagnostic split_address_incomplete(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                    const SplitFault& fault);
Diagnostic key_in_command(const compose::Service& service, const SourceSpan& span);
Diagnostic postgres_version_gone(const compose::Service& service);
Diagnostic postgres_login_refused(const compose::Service& service, const std::string& login, const std::string& fault);
Diagnostic postgres_password_missing(const compose::Service& service);
Diagnostic postgres_password_refused(const compose::Service& service, const SourceSpan& span, const std::string& fault);
Diagnostic mysql_version_gone(const compose::Service& service);
Diagnostic mysql_for_mariadb(const compose::Service& service);
Diagnostic mysql_user_missing(const compose::Service& service);
Diagnostic mysql_login_refused(const compose::Service& service, const compose::EnvironmentVariable& user,
                               const std::string& fault);
Diagnostic bucket_name_wrong(const compose::Service& service, const std::string& bucket, const std::string& fault);
Diagnostic objects_twice(const compose::Service& service, const std::string& first, const compose::Dependency& second);
Diagnostic redis_databases_mix(const compose::Service& service);
Diagnostic redis_eviction_unknown(const compose::Service& service, const std::string& policy);
Diagnostic store_option_wrong(const compose::Service& service, std::string_view option, const SourceSpan& span);
Diagnostic postgres_extension_wrong(const compose::Service& service, const std::string& extension,
                                    const SourceSpan& span);
Diagnostic postgres_preload_unsupported(const compose::Service& service, const std::string& extension);
Diagnostic model_chosen(const std::string& service, const std::string& name, const std::string& model,
                        const std::string& reason, const SourceSpan& span);
Diagnostic model_not_offered(const std::string& service, const std::string& wanted, const std::string& location,
                             const std::string& offered, const SourceSpan& span);
Diagnostic model_name_from_config(const compose::Service& service, const compose::EnvironmentVariable& variable,
                                  const std::string& deployment);

Diagnostic registry_gives_no_role(const compose::Service& service, const std::string& server,
                                  const SharedRegistry& registry, const std::string& principal_id,
                                  const SourceSpan& span);
Diagnostic registry_elsewhere(const compose::Service& service, const std::string& server, const SourceSpan& span);
Diagnostic base_image_needs_login(const compose::Service& service, const std::string& server);

Diagnostic sibling_address_rewritten(const std::string& service, const std::string& where, const std::string& from,
                                     const std::string& to, const SourceSpan& span);
Diagnostic sibling_port_is_published(const std::string& service, const std::string& sibling, int published, int target,
                                     const SourceSpan& span);
Diagnostic sibling_on_http_port(const std::string& service, const std::string& sibling, int port,
                                const SourceSpan& span);
Diagnostic sibling_has_no_address(const std::string& service, const std::string& sibling, const SourceSpan& span);

Diagnostic hidden_address_without_port(const std::string& service, const std::string& sibling, const SourceSpan& span);
Diagnostic hidden_http_address(const std::string& service, const std::string& sibling, const std::string& app, int port,
                               const SourceSpan& span);

Diagnostic schedule_wrong(const compose::Service& service, const SourceSpan& span);
Diagnostic job_with_ports(const compose::Service& service);
Diagnostic dependency_unknown(const compose::Service& service, const compose::Dependency& dependency);
Diagnostic dependency_completes_never(const compose::Service& service, const compose::Dependency& dependency);
Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span);
Diagnostic public_port_twice(int port, const std::string& first, const std::string& second, const SourceSpan& span);
Diagnostic domain_wildcard(const CustomDomain& domain);
Diagnostic domain_wrong(const CustomDomain& domain, std::string_view why);
Diagnostic domain_private(const CustomDomain& domain);
Diagnostic domain_twice(const CustomDomain& domain, const std::string& first);
/// `owner`: the service whose network it shares, if it does.
Diagnostic domain_without_http(const CustomDomain& domain, const std::string& owner);

}  // namespace defang::plan
