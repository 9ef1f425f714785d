#include "rest/resource_graph.h"

#include "rest/azure_error.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

constexpr const char* kPath = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01";
constexpr int kRowsAtOnce = 1000;  // the most, by the same reference

}  // namespace

Result<std::vector<Json>> query_resources(ArmClient& arm, const std::string& query,
                                          const std::vector<std::string>& subscriptions, std::stop_token stop) {
  std::vector<Json> rows;
  for (std::string page;;) {
    Json options = {{"resultFormat", "objectArray"}, {"$top", kRowsAtOnce}};
    if (!page.empty()) options["$skipToken"] = page;
    Json body = {{"query", query}, {"options", std::move(options)}};
    if (!subscriptions.empty()) body["subscriptions"] = subscriptions;
    TRY_ASSIGN(const auto answer, arm.raw("POST", kPath, body.dump(), stop));
    if (answer.status != 200) return fail(error_of(answer).during("asking Azure Resource Graph"));
    const Json json = Json::parse(answer.body, nullptr, false);
    if (!json.is_object() || !json.contains("data") || !json["data"].is_array())
      return fail(Error::Kind::invalid, "no-rows", "the answer of Azure Resource Graph holds no rows");
    rows.insert(rows.end(), json["data"].begin(), json["data"].end());
    page = json.contains("$skipToken") && json["$skipToken"].is_string() ? json["$skipToken"].get<std::string>() : "";
    if (page.empty()) return rows;
  }
}

}  // namespace defang::rest
