#pragma once

#include <string>
#include <vector>

#include "compose/project.h"
#include "plan/attributes.h"
#include "support/diagnostic.h"

/// What planning has to say about a project, one function a message.
namespace defang::plan {

Diagnostic unknown_attribute(const std::string& service, const compose::Attribute& attribute);
Diagnostic unsupported_attribute(const std::string& service, const AttributeSupport& support, const SourceSpan& span);

Diagnostic no_region(const std::string& location);
Diagnostic no_services(const compose::Project& project);
Diagnostic no_image(const compose::Service& service);
Diagnostic image_from_config(const compose::Service& service);
Diagnostic image_and_build(const compose::Service& service);
Diagnostic wrong_platform(const compose::Service& service, const Spanned<std::string>& platform);
Diagnostic platform_built_as_amd64(const compose::Service& service, const Spanned<std::string>& platform);
Diagnostic renamed(const compose::Service& service, const std::string& name);
Diagnostic stateful_image(const compose::Service& service);

Diagnostic remote_context(const compose::Service& service);
Diagnostic built_with_buildpacks(const compose::Service& service);
Diagnostic config_in_build(const compose::Service& service, const compose::EnvironmentVariable& arg,
                           const std::string& config);
Diagnostic build_arg_without_value(const compose::Service& service, const compose::EnvironmentVariable& arg);

Diagnostic volume_unsupported(const compose::Service& service, const compose::Mount& mount);
Diagnostic secret_unknown(const compose::Service& service, const compose::FileReference& use);
Diagnostic secret_from_file(const compose::Service& service, const compose::FileReference& use);
Diagnostic secret_elsewhere(const compose::Service& service, const compose::FileReference& use);

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

Diagnostic job_with_ports(const compose::Service& service);
Diagnostic dependency_unknown(const compose::Service& service, const compose::Dependency& dependency);
Diagnostic dependency_completes_never(const compose::Service& service, const compose::Dependency& dependency);
Diagnostic dependency_cycle(const std::vector<std::string>& cycle, const SourceSpan& span);
Diagnostic public_port_twice(int port, const std::string& first, const std::string& second, const SourceSpan& span);
Diagnostic domain_unsupported(const compose::Service& service);

}  // namespace defang::plan
