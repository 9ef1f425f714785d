// `defang emulator dns ...`: what the emulator's name server holds.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "emulator/emulator.h"
#include "rest/http_transport.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<Json> ask(const std::string& method, const std::string& query, const std::string& body,
                 const Arguments& arguments, Context& context) {
  const std::filesystem::path folder = arguments.state_folder.empty()
                                           ? emulator_state_folder(context.environment)
                                           : std::filesystem::absolute(arguments.state_folder);
  TRY_ASSIGN(const auto running, emulator::describe(context.disk, folder));
  if (!running)
    return fail({.kind = Error::Kind::refused,
                 .code = "emulator-not-running",
                 .message = "no emulator runs",
                 .help = "start one with `defang emulator start`"});
  TRY_ASSIGN(const auto transport,
             rest::make_beast_transport(
                 {.ca_file = running->environment.at("SSL_CERT_FILE"), .https_proxy = {}, .no_proxy = {}}));
  rest::HttpRequest request{.method = method, .url = running->endpoint + "/emulator/dns" + query};
  request.body = body;
  TRY_ASSIGN(const auto answer, transport->send(request, context.stop));
  Json json = Json::parse(answer.body, nullptr, false);
  if (answer.status == 200 && json.is_object()) return json;
  const bool told = json.is_object() && json.contains("error");
  return fail(Error::Kind::refused, told ? json["error"].value("code", "") : "emulator-answer",
              told ? json["error"].value("message", "") : fmt::format("HTTP {}", answer.status));
}

/// `what`: of a change; empty: the records are the result.
int report(const Result<Json>& answer, std::string_view what, const Arguments& arguments, Context& context) {
  if (!answer) {
    print(answer.error(), arguments, context);
    return answer.error().code == "ZoneFileInvalid" ? exit_input_wrong : exit_code_of(answer.error());
  }
  if (arguments.json)
    context.out.write(Json{{"records", answer->at("records")}}.dump() + "\n");
  else if (what.empty())
    context.out.write(answer->value("zoneFile", ""));
  else if (!arguments.quiet)
    context.err.write(fmt::format("{} {}\n", what, answer->at("records").get<int>()));
  return exit_done;
}

int wrong_usage(std::string message, const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  diagnostics.error("usage", std::move(message), {});
  print(diagnostics, arguments, context);
  return exit_input_wrong;
}

}  // namespace

int run_emulator_dns_ls(const Arguments& arguments, Context& context) {
  return report(ask("GET", "", "", arguments, context), "", arguments, context);
}

int run_emulator_dns_add(const Arguments& arguments, Context& context) {
  if (arguments.words.size() > 1) return wrong_usage("one zone file is expected", arguments, context);
  const bool is_piped = arguments.words.empty() || arguments.words.front() == "-";
  const auto text =
      is_piped ? Result<std::string>(context.standard_input()) : context.disk.read(arguments.words.front());
  if (!text) {
    print(text.error(), arguments, context);
    return exit_input_wrong;
  }
  return report(ask("PUT", "", *text, arguments, context), "records held:", arguments, context);
}

int run_emulator_dns_rm(const Arguments& arguments, Context& context) {
  if (arguments.words.empty() || arguments.words.size() > 2)
    return wrong_usage("a name and perhaps a type are expected", arguments, context);
  const std::string query = "?name=" + percent_encode(arguments.words[0]) +
                            (arguments.words.size() == 2 ? "&type=" + percent_encode(arguments.words[1]) : "");
  return report(ask("DELETE", query, "", arguments, context), "records removed:", arguments, context);
}

}  // namespace defang::cli
