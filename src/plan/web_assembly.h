#pragma once

#include <string>

#include "plan/planning.h"

/// WebAssembly programs (`runtime: io.containerd.wasmedge.v1`, as Docker Desktop runs them). Container Apps has no such
/// runtime, so theirs comes along in the image: a last stage with WasmEdge, started with the module, all variables and
/// the whole file system.
namespace defang::plan {

/// By `runtime` or `platform`.
bool is_module(const compose::Project& project, const std::string& service);

/// Says what is wrong where the service wants a runtime that there is not, or is a module that cannot be started.
void check_runtime(Planning& plan, const compose::Service& service);

/// The stage that a module's image ends with; empty for other services.
std::string module_instructions(const Planning& plan, const compose::Service& service);

/// The program that `entrypoint` of a module has to begin with.
inline constexpr const char* kModuleLauncher = "/usr/local/bin/run-module";

}  // namespace defang::plan
