#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/views/view.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

/// A claim of the token that Azure Resource Manager gets; who it is can be read by anybody who holds it.
std::string claim(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<Json> who(Session& session, Context& context) {
  TRY_ASSIGN(const auto token, session.tokens->get(session.cloud.audience, context.stop));
  const Json claims = Json::parse(rest::token_claims(token.value), nullptr, false);
  Json out = {{"provider", "azure"},
              {"cloud", session.cloud.name},
              {"credential", session.credential->name()},
              {"subscription", session.stack().subscription_id},
              {"tenant", session.stack().tenant_id},
              {"location", session.stack().location},
              {"stack", session.stack().name},
              {"objectId", claims.is_object() ? claim(claims, "oid") : ""}};
  if (claims.is_object() && !claim(claims, "upn").empty()) out["name"] = claim(claims, "upn");
  out["chain"] = Json::array();
  for (const auto& link : session.credential->links()) {
    out["chain"].push_back({{"credential", link.name}});
    if (!link.why_not.empty()) out["chain"].back()["whyNot"] = link.why_not;
  }
  return out;
}

}  // namespace

int run_whoami(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  auto document = session ? who(*session, context) : Result<Json>(std::unexpect, session.error());
  if (!document) {
    print(document.error(), arguments, context);
    return exit_code_of(document.error());
  }
  if (arguments.json) {
    context.out.write(document->dump() + "\n");
  } else {
    for (const auto& [key, value] : document->items())
      if (value.is_string() && !value.get<std::string>().empty())
        context.out.write(fmt::format("{:<13} {}\n", key, value.get<std::string>()));
    if (arguments.verbose) {
      for (const Json& link : (*document)["chain"])
        context.out.write(
            fmt::format("  {}: {}\n", link["credential"].get<std::string>(), link.value("whyNot", "signs in")));
    }
  }
  return exit_done;
}

}  // namespace defang::cli
