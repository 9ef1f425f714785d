#include "rest/retail_prices.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/url.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& row, const char* name) {
  return row.contains(name) && row[name].is_string() ? row[name].get<std::string>() : "";
}
double number_of(const Json& row, const char* name) {
  return row.contains(name) && row[name].is_number() ? row[name].get<double>() : 0;
}

}  // namespace

Result<std::vector<PriceRow>> read_prices(const Cloud& cloud, Pipeline& unsigned_pipeline, const std::string& service,
                                          const std::string& region, std::stop_token stop) {
  if (cloud.prices.empty())
    return fail(Error{.kind = Error::Kind::invalid,
                      .code = "no-price-list",
                      .message = fmt::format("there is no public price list of the cloud {}", cloud.name)});
  std::string url = with_query(cloud.prices + "/api/retail/prices", "api-version", "2023-01-01-preview");
  url = with_query(std::move(url), "currencyCode", "'USD'");  // CO-4: other currencies have gaps
  // CO-2: the field is `type` in the answer and `priceType` here.
  url = with_query(
      std::move(url), "$filter",
      fmt::format("serviceName eq '{}' and armRegionName eq '{}' and priceType eq 'Consumption'", service, region));
  std::vector<PriceRow> rows;
  while (!url.empty()) {
    TRY_ASSIGN(const auto answer,
               unsigned_pipeline.send({.url = url, .headers = {{"Accept", "application/json"}}}, {}, stop));
    if (answer.status != 200) return fail(error_of(answer).during("reading Azure's price list"));
    const Json body = Json::parse(answer.body, nullptr, false);
    if (!body.is_object() || !body.contains("Items") || !body["Items"].is_array())
      return fail(Error::Kind::invalid, "no-prices", "the answer of Azure's price list holds no items");
    for (const Json& item : body["Items"])
      if (item.is_object())
        rows.push_back({.product = text_of(item, "productName"),
                        .sku = text_of(item, "skuName"),
                        .meter = text_of(item, "meterName"),
                        .unit = text_of(item, "unitOfMeasure"),
                        .from_units = number_of(item, "tierMinimumUnits"),
                        .price = number_of(item, "retailPrice")});
    url = sendable(text_of(body, "NextPageLink"));
    // The link names the port, which the address of the list does not.
    const auto next = Url::parse(url), list = Url::parse(cloud.prices);
    if (!url.empty() && (!next || !list || next->origin() != list->origin()))
      return fail(Error::Kind::invalid, "foreign-link", "the price list's next page is at another address");
  }
  return rows;
}

}  // namespace defang::rest
