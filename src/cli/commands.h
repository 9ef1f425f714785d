#pragma once

#include "cli/command.h"

/// One function a command, each in the file with its name.
namespace defang::cli {

int run_api(const Arguments& arguments, Context& context);
int run_compose_config(const Arguments& arguments, Context& context);
int run_compose_schema(const Arguments& arguments, Context& context);
int run_explain(const Arguments& arguments, Context& context);
int run_estimate(const Arguments& arguments, Context& context);
int run_export(const Arguments& arguments, Context& context);
int run_plan(const Arguments& arguments, Context& context);
int run_config_ls(const Arguments& arguments, Context& context);
int run_config_resolve(const Arguments& arguments, Context& context);
int run_registry_login(const Arguments& arguments, Context& context);
int run_registry_ls(const Arguments& arguments, Context& context);
int run_registry_logout(const Arguments& arguments, Context& context);
int run_config_rm(const Arguments& arguments, Context& context);
int run_config_set(const Arguments& arguments, Context& context);
int run_db(const Arguments& arguments, Context& context);
int run_down(const Arguments& arguments, Context& context);
int run_compose_ls(const Arguments& arguments, Context& context);
int run_restart(const Arguments& arguments, Context& context);
int run_start(const Arguments& arguments, Context& context);
int run_stop(const Arguments& arguments, Context& context);
int run_login(const Arguments& arguments, Context& context);
int run_logout(const Arguments& arguments, Context& context);
int run_logs(const Arguments& arguments, Context& context);
int run_ps(const Arguments& arguments, Context& context);
int run_up(const Arguments& arguments, Context& context);
int run_whoami(const Arguments& arguments, Context& context);
int run_version(const Arguments& arguments, Context& context);
int run_cert_generate(const Arguments& arguments, Context& context);
int run_cert_status(const Arguments& arguments, Context& context);
int run_cert_rm(const Arguments& arguments, Context& context);
int run_emulator_start(const Arguments& arguments, Context& context);
int run_emulator_stop(const Arguments& arguments, Context& context);
int run_emulator_status(const Arguments& arguments, Context& context);
int run_emulator_reset(const Arguments& arguments, Context& context);
int run_emulator_dns_ls(const Arguments& arguments, Context& context);
int run_emulator_dns_add(const Arguments& arguments, Context& context);
int run_emulator_dns_rm(const Arguments& arguments, Context& context);
int run_emulator_logs(const Arguments& arguments, Context& context);

}  // namespace defang::cli
