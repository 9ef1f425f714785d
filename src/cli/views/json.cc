#include "cli/views/view.h"

namespace defang::cli {

deploy::EventSink make_json_view(Context& context) {
  return [&context](const deploy::Event& event) { context.out.write(deploy::to_json_line(event) + "\n"); };
}

deploy::EventSink make_view(const Arguments& arguments, Context& context) {
  return arguments.json ? make_json_view(context) : make_human_view(arguments, context);
}

}  // namespace defang::cli
