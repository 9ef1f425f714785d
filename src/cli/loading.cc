#include "cli/loading.h"

#include <algorithm>

namespace defang::cli {

compose::LoadOptions load_options(const Arguments& arguments, Context& context) {
  compose::LoadOptions options;
  options.loader = arguments.loader == "compose" ? compose::LoadOptions::Loader::compose  //
                                                 : compose::LoadOptions::Loader::defang;
  options.files = arguments.files;
  options.env_files = arguments.env_files;
  options.profiles = arguments.profiles;
  options.all_profiles = arguments.list_profiles;  // the list is of all
  if (!arguments.project_name.empty()) options.project_name = arguments.project_name;
  if (!arguments.project_directory.empty()) options.project_directory = arguments.project_directory;
  options.environment = context.environment;
  options.stack = arguments.stack;
  if (!arguments.provider.empty()) options.provider = arguments.provider;
  if (std::ranges::find(options.files, "-") != options.files.end()) options.standard_input = context.standard_input();
  options.interpolate = !arguments.no_interpolate;
  options.check_consistency = !arguments.no_consistency;
  return options;
}

}  // namespace defang::cli
