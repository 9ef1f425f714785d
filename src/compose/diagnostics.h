#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "compose/node.h"
#include "compose/project.h"
#include "support/diagnostic.h"
#include "support/result.h"

/// Every message of the room, one function each, so that they speak with one voice. They name attributes by their
/// dotted path. A value that a variable brought is never shown, as it may be a secret.
namespace defang::compose {

// reading
Diagnostic cannot_read(const std::string& shown_path, const Error& error, const SourceSpan& asked_by);
Diagnostic yaml_syntax(const std::string& problem, const std::string& context, const SourceSpan& span,
                       const SourceSpan& context_span);
Diagnostic not_a_character(const SourceSpan& span);
Diagnostic not_base64(const SourceSpan& span);
Diagnostic file_too_big(const std::string& shown_path, const SourceSpan& asked_by);
Diagnostic too_deep(const SourceSpan& span);
Diagnostic alias_of_itself(const std::string& name, const SourceSpan& span);
Diagnostic unknown_anchor(const std::string& name, const SourceSpan& span);
Diagnostic too_many_aliases(const SourceSpan& span);
Diagnostic document_too_big(const SourceSpan& span);
Diagnostic too_many_directives(const SourceSpan& span);
Diagnostic too_many_documents(const SourceSpan& span);
Diagnostic key_not_a_text(const std::string& path, const Node& key, const SourceSpan& span);
Diagnostic duplicate_key(const std::string& key, const SourceSpan& span, const SourceSpan& first);
Diagnostic merge_key_needs_mapping(const SourceSpan& span);
Diagnostic document_not_a_mapping(const SourceSpan& span);

// finding files, names
Diagnostic no_compose_file(const std::string& folder);
Diagnostic several_compose_files(const std::vector<std::filesystem::path>& files);
Diagnostic empty_compose_file(const std::string& shown_path);
Diagnostic invalid_project_name(const std::string& name);
Diagnostic empty_project_name(const std::string& folder);
Diagnostic env_file_not_found(const std::string& shown_path);
Diagnostic quote_without_partner(const std::string& message, const SourceSpan& span);
Diagnostic bad_env_file(const std::string& message, const SourceSpan& span);
Diagnostic unsupported_env_file_format(const std::string& path, const Node& format);
Diagnostic version_is_obsolete(const SourceSpan& span);

// variables
Diagnostic required_variable(const std::string& path, const std::string& name, const std::string& message,
                             const SourceSpan& span);
Diagnostic malformed_interpolation(const std::string& path, const std::string& text, const SourceSpan& span);
Diagnostic variables_too_long(const std::string& path, const SourceSpan& span);
Diagnostic variable_not_set(const std::string& name, const SourceSpan& span);
Diagnostic variable_only_in_shell(const std::string& name, const SourceSpan& span);
Diagnostic cannot_convert(const std::string& path, const std::string& wanted, const Node& node);
Diagnostic old_boolean(const std::string& path, const Node& node, bool value);

// include, extends, merging
Diagnostic include_not_a_list(const SourceSpan& span);
Diagnostic include_without_path(const SourceSpan& span);
Diagnostic include_cycle(const std::vector<std::string>& chain, const SourceSpan& span);
Diagnostic too_many_includes(const SourceSpan& span);
Diagnostic project_too_big(const SourceSpan& span);
Diagnostic too_many_mistakes(std::size_t count);
Diagnostic extends_too_long(const std::string& name, const SourceSpan& span);
Diagnostic service_not_a_mapping(const std::string& name, const SourceSpan& span);
Diagnostic extends_without_service(const std::string& name, const SourceSpan& span);
Diagnostic extended_service_not_found(const std::string& name, const Node& base, const std::string& file,
                                      const std::string& base_file, const Node& services);
Diagnostic circular_extends(const std::vector<std::pair<std::string, SourceSpan>>& chain, const std::string& name,
                            const std::string& file);
Diagnostic cannot_override(const std::string& path, const Node& earlier, const Node& later);

// structure
Diagnostic unknown_key(const std::string& path, const std::string& key, const SourceSpan& span,
                       const std::vector<std::string>& known, const std::string& place_below);
Diagnostic missing_key(const std::string& path, const std::string& key, const SourceSpan& span);
Diagnostic wrong_type(const std::string& path, std::uint16_t accepted_forms, const Node& node, const SourceSpan& span);
Diagnostic not_one_of(const std::string& path, const Node& node, const std::vector<std::string>& values);
Diagnostic bad_name(const std::string& path, const std::string& name, const SourceSpan& span);
Diagnostic bad_container_name(const std::string& path, const Node& node);
Diagnostic bad_pull_policy(const std::string& path, const Node& node);
Diagnostic repeated_item(const std::string& path, const Node& node, const SourceSpan& first);
Diagnostic not_a_finite_number(const std::string& path, const SourceSpan& span);

// values
Diagnostic bad_port(const std::string& path, const Node& node, const std::string& why);
Diagnostic port_with_fraction(const std::string& path, const Node& node);
Diagnostic port_without_target(const std::string& path, const SourceSpan& span);
Diagnostic bad_host_ip(const std::string& path, const Node& node);
Diagnostic bad_mount(const std::string& path, const Node& node, const std::string& why);
Diagnostic mount_without_target(const std::string& path, const SourceSpan& span);
Diagnostic bind_without_source(const std::string& path, const SourceSpan& span);
Diagnostic bad_device(const std::string& path, const Node& node);
Diagnostic bad_device_count(const std::string& path, const Node& node);
Diagnostic count_and_device_ids(const std::string& path, const SourceSpan& count, const SourceSpan& ids);
Diagnostic empty_watch_path(const std::string& path, const SourceSpan& span);
Diagnostic context_without_path(const std::string& path, const Node& node);
Diagnostic empty_env_file(const std::string& path, const SourceSpan& span);
Diagnostic bad_ssh_key(const std::string& path, const Node& node);
Diagnostic bad_duration(const std::string& path, const Node& node);
Diagnostic bad_size(const std::string& path, const Node& node);
Diagnostic size_with_fraction(const std::string& path, const Node& node);
Diagnostic bad_command_line(const std::string& path, const Node& node);
Diagnostic trailing_space_in_name(const std::string& path, const Node& node);
Diagnostic bad_file_mode(const std::string& path, const Node& node);
Diagnostic host_without_address(const std::string& path, const Node& node);
Diagnostic bad_host_name(const std::string& path, const std::string& host, const SourceSpan& span);
Diagnostic external_name_is_old(const std::string& path, const SourceSpan& span);
Diagnostic external_name_conflict(const std::string& path, const SourceSpan& name, const SourceSpan& external_name);
Diagnostic conflict_with_external(const std::string& path, const std::string& key, const SourceSpan& span,
                                  const SourceSpan& external);
Diagnostic several_sources(const std::string& path, const std::vector<std::string>& sources, const SourceSpan& first,
                           const SourceSpan& second);
Diagnostic no_source(const std::string& path, const std::vector<std::string>& sources, const SourceSpan& span);

// consistency
Diagnostic service_without_image(const std::string& service, const SourceSpan& span);
Diagnostic dockerfile_twice(const std::string& service, const SourceSpan& file, const SourceSpan& inline_file);
Diagnostic context_not_buildable(const std::string& service, const Node::Entry& context);
Diagnostic platform_not_built(const std::string& service, const Node& platform, const SourceSpan& platforms);
Diagnostic network_mode_and_networks(const std::string& service, const SourceSpan& mode, const SourceSpan& networks);
Diagnostic undefined_reference(const std::string& service, const std::string& what, const std::string& name,
                               const SourceSpan& span, const Node& defined);
Diagnostic undefined_source(const std::string& service, const std::string& what, const Node& source,
                            const Node& defined);
Diagnostic undefined_dependency(const std::string& service, const std::string& name, bool is_disabled,
                                const SourceSpan& span, const Node& services);
Diagnostic bad_health_test(const std::string& service, const Node& first);
Diagnostic distinct_values(const std::string& service, const std::string& one, const std::string& other,
                           const SourceSpan& one_span, const SourceSpan& other_span);
Diagnostic negative_number(const std::string& path, const SourceSpan& span);
Diagnostic container_name_with_copies(const std::string& service, const std::string& attribute, const SourceSpan& name,
                                      const SourceSpan& copies);
Diagnostic watch_without_target(const std::string& service, const SourceSpan& span);
Diagnostic mounted_twice(const std::string& service, const std::string& target, const SourceSpan& span,
                         const SourceSpan& first);
Diagnostic secret_in_environment(const std::string& service, const std::string& variable, const SourceSpan& span);
Diagnostic context_outside(const std::string& service, const std::string& context, const SourceSpan& span);
Diagnostic context_is_everything(const std::string& service, const std::string& context, const SourceSpan& span);
Diagnostic latest_tag(const std::string& service, const SourceSpan& span);
Diagnostic published_port_differs(const std::string& service, const Port& port);
Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span);

}  // namespace defang::compose
