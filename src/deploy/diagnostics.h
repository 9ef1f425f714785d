#pragma once

#include <filesystem>
#include <string>

#include "azure/resource_id.h"
#include "compose/dockerfile.h"
#include "compose/project.h"
#include "deploy/decide.h"
#include "plan/plan.h"
#include "rest/image_lookup.h"
#include "support/diagnostic.h"
#include "support/result.h"

/// The words of this room, one function a message.
namespace defang::deploy {

void report_missing_context(const std::string& service, const compose::Build& build, Diagnostics& diagnostics);
void report_missing_dockerfile(const std::string& service, const compose::Build& build,
                               const std::filesystem::path& path, Diagnostics& diagnostics);
void report_unreadable_dockerfile(const std::string& service, const compose::Build& build, const Error& error,
                                  Diagnostics& diagnostics);
void report_empty_dockerfile(const std::string& service, const compose::Build& build, Diagnostics& diagnostics);
void report_dockerfile_without_from(const std::string& service, const compose::Build& build, Diagnostics& diagnostics);
void report_missing_stage(const std::string& service, const compose::Build& build,
                          const compose::Dockerfile& dockerfile, Diagnostics& diagnostics);

/// A line of a service's Dockerfile, and the line of the Compose file that names it.
struct DockerfilePlace {
  std::string service;
  SourceSpan line;
  SourceSpan named_by;
};
void report_stage_without_image(const DockerfilePlace& place, const std::string& image, Diagnostics& diagnostics);
void report_missing_source(const DockerfilePlace& place, const std::string& source, const compose::Build& build,
                           Diagnostics& diagnostics);
void report_ignored_source(const DockerfilePlace& place, const std::string& source, Diagnostics& diagnostics);
void report_needs_buildkit(const DockerfilePlace& place, const std::string& what, Diagnostics& diagnostics);
void report_bad_ignore_file(const std::string& service, const compose::Build& build, const Error& error,
                            Diagnostics& diagnostics);

void report_missing_image(const plan::PulledImage& image, Diagnostics& diagnostics);
void report_closed_image(const plan::PulledImage& image, Diagnostics& diagnostics);
/// `digest`: that it keeps; empty: none is known.
void report_unpinned_image(const plan::PulledImage& image, const rest::FoundImage& found, const std::string& digest,
                           Diagnostics& diagnostics);

Error file_changed(const std::string& path);
Error somebody_elses(const azure::ResourceId& id, const std::string& project, const std::string& stack);
Error never_changes(const std::string& name, const FixedChange& change);
Error never_ready(const std::string& name, const std::string& state);
Error costs_too_much(const std::string& name, const std::string& service, const CostlyChange& change);
Error config_missing(const std::string& name, const SourceSpan& origin);
/// A role outside of the stack's group that is not needed any more.
std::string role_stays(const std::string& assignment, const Error& error);
Error login_missing(const std::string& server, const SourceSpan& origin);
Error vault_name_taken(const std::string& vault, const std::string& owner);
/// Container Registry Tasks pull as whom they are told; a run has no identity of its own.
std::string base_image_refused();
Error build_failed(const std::string& service, const std::string& run_id, const std::string& status,
                   const std::string& message);
/// Ours: the run was given no context for it.
Error context_not_packed(const std::string& service);
/// Ours: the graph names an output that its node does not have.
Error no_such_output(const std::string& node, const std::string& path);

}  // namespace defang::deploy
