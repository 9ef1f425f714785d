// `defang api METHOD PATH`: one call to Azure Resource Manager as whoever is signed in, pages and long-running
// operations followed.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/commands.h"
#include "cli/session.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kMethods = {"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"};

Error usage(std::string message, std::string help = "") {
  return {.kind = Error::Kind::invalid, .code = "usage", .message = std::move(message), .help = std::move(help)};
}

struct Request {
  std::string method, path, body;
};

Result<std::string> body_of(const Arguments& arguments, Context& context) {
  if (arguments.input.empty()) return std::string();
  if (arguments.input == "-") return context.standard_input();
  return context.disk.read(arguments.input);
}

Result<Request> request_of(const Arguments& arguments, Context& context) {
  if (arguments.words.size() != 2)
    return fail(usage("`defang api` takes a method and a path",
                      "as in `defang api GET '/subscriptions?api-version=2022-12-01'`"));
  Request request{to_upper(arguments.words[0]), arguments.words[1], ""};
  if (std::ranges::find(kMethods, request.method) == kMethods.end()) {
    const auto meant = did_you_mean(request.method, kMethods);
    return fail(usage(fmt::format("`{}` is no method", arguments.words[0]),
                      meant ? fmt::format("did you mean `{}`?", *meant) : "it is one of " + join(kMethods, ", ")));
  }
  TRY_ASSIGN(request.body, body_of(arguments, context));
  if (!request.body.empty() && !Json::accept(request.body))
    return fail(usage(fmt::format("what `--input {}` names is no JSON", arguments.input)));
  return request;
}

/// All pages of a list as one answer.
Result<std::string> all_pages(Session& session, std::string text, std::stop_token stop) {
  Json whole = Json::parse(text, nullptr, false);
  const auto link = [](const Json& page) {
    const auto found = page.is_object() ? page.find("nextLink") : page.end();
    return found != page.end() && found->is_string() ? found->get<std::string>() : "";
  };
  std::string next = link(whole);
  if (next.empty() || !whole.contains("value") || !whole["value"].is_array()) return text;
  for (std::set<std::string> seen; !next.empty() && seen.insert(next).second;) {
    TRY_ASSIGN(const auto response, session.arm->raw("GET", next, "", stop));
    if (response.status >= 400) return fail(rest::error_of(response));
    const Json page = Json::parse(response.body, nullptr, false);
    if (!page.is_object() || !page.contains("value")) break;
    for (const Json& item : page["value"]) whole["value"].push_back(item);
    next = link(page);
  }
  whole.erase("nextLink");
  return whole.dump();
}

/// What Azure answered at the end of it all.
Result<std::string> call(Session& session, const Request& request, Context& context) {
  const std::string path = replace_all(request.path, "{subscriptionId}", session.stack().subscription_id);
  const std::string url = path.starts_with('/') ? session.cloud.resource_manager + path : path;
  if (!rest::is_resource_manager(session.cloud, url)) {
    return fail(usage(fmt::format("`{}` is no path of {}", request.path, session.cloud.resource_manager),
                      "a path begins with `/`; tokens for Resource Manager go nowhere else"));
  }
  TRY_ASSIGN(auto answer, session.arm->raw(request.method, url, request.body, context.stop));
  if (answer.status >= 400) return fail(rest::error_of(answer));
  if (request.method == "GET") return all_pages(session, std::move(answer.body), context.stop);
  if (request.method == "HEAD") return std::string();
  const auto fetch = [&](const std::string& at) { return session.arm->raw("GET", at, "", context.stop); };
  TRY_ASSIGN(const auto finished,
             rest::wait_for({request.method, url, std::move(answer)}, fetch, {}, context.clock, context.stop));
  if (finished.how.body_is_resource || (request.method != "PUT" && request.method != "PATCH"))
    return finished.response.body;
  TRY_ASSIGN(const auto resource, fetch(url));
  if (resource.status >= 400) return fail(rest::error_of(resource));
  return resource.body;
}

int failed(const Error& error, const Arguments& arguments, Context& context) {
  print(error, arguments, context);
  return error.code == "usage" ? exit_input_wrong : exit_code_of(error);
}

}  // namespace

int run_api(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const auto request = request_of(arguments, context);
  if (!request) return failed(request.error(), arguments, context);
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) return failed(session.error(), arguments, context);
  const auto answer = call(*session, *request, context);
  if (!answer) return failed(answer.error(), arguments, context);
  const Json body = Json::parse(*answer, nullptr, false);
  if (!answer->empty()) context.out.write((body.is_discarded() ? *answer : body.dump(2)) + "\n");
  return exit_done;
}

}  // namespace defang::cli
