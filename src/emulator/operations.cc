// Long-running operations: started by a write, ended by time or by the provider, polled at signed URLs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "emulator/core.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

const Shape* shape_of(const Json& operation) {
  return find_shape(text_at(operation, "type"), text_at(operation, "method"), true_at(operation, "exists"));
}

/// "containerappOperationStatuses" answers with a status, "containerappOperationResults" as a Location does.
std::string location_segment(std::string_view segment) {
  if (segment == "operations" || segment == "azureAsyncOperation") return "operationResults";
  if (segment == "operationsStatus") return "operationsResults";
  return replace_all(std::string(segment), "Statuses", "Results");
}

/// ARM signs its poll URLs; `c` is a certificate of some 2,600 characters (wire facts 1.4). Ours says who may poll:
/// nobody checks it, but a client that cannot carry it would fail on Azure as well.
std::string signature(const std::string& operation) {
  std::string certificate;
  for (int i = 0; certificate.size() < 2600; ++i)
    certificate += base64url(hmac_sha256(operation, fmt::format("c{}", i)));
  certificate.resize(2615);
  std::string sign;
  for (int i = 0; sign.size() < 342; ++i) sign += base64url(hmac_sha256(operation, fmt::format("s{}", i)));
  sign.resize(342);
  return fmt::format("&t=639000000000000000&c={}&s={}&h={}", certificate, sign, base64url(hmac_sha256(operation, "h")));
}

std::string poll_url(const Json& operation, const Shape& shape, const std::string& segment, const Request& request) {
  const std::string provider = std::string(shape.type.substr(0, shape.type.find('/')));
  const std::string api_version = request.query_value("api-version");
  const std::string id = text_at(operation, "id");
  // A deployment's operations stand below itself.
  if (shape.type == "Microsoft.Resources/deployments" && shape.headers == Shape::Headers::async_operation)
    return fmt::format("{}{}/{}/{}?api-version={}{}", request.base_url, text_at(operation, "resource"), segment, id,
                       api_version, signature(id));
  if (provider == "Microsoft.Resources")
    return fmt::format("{}/subscriptions/{}/{}/{}?api-version={}", request.base_url, text_at(operation, "subscription"),
                       segment, id, api_version);
  const std::string extra = shape.form == Shape::Status::container_apps ? "&azureAsyncOperation=true"
                            : shape.url == "asyncoperations"            ? "&monitor=true"
                                                                        : "";
  return fmt::format("{}/subscriptions/{}/providers/{}/locations/{}/{}/{}?api-version={}{}{}", request.base_url,
                     text_at(operation, "subscription"), provider, text_at(operation, "location"), segment, id,
                     api_version, extra, signature(id));
}

void add_retry_after(rest::Headers& headers, const Core& core, const Shape& shape) {
  if (shape.retry_after == 0) return;
  const auto exact = core.scaled_ms(shape.retry_after);
  headers.set("Retry-After", fmt::format("{}", (exact + 999) / 1000));
  if (exact % 1000 != 0) headers.set("retry-after-ms", fmt::format("{}", exact));
}

}  // namespace

void Core::start_operation(const std::string& operation, const Shape& shape, const Resource& resource,
                           double azure_seconds, bool held) {
  const auto path = parse_arm_id(resource.id);
  std::string location = resource.location();
  if (location.empty() || location == "global") {
    const Resource* group =
        path ? store_.find(fmt::format("/subscriptions/{}/resourceGroups/{}", path->subscription, path->group))
             : nullptr;
    location = group == nullptr ? "global" : group->location();
  }
  store_.edit_document("operations", operation) = {
      {"id", operation},
      {"resource", resource.id},
      {"subscription", path ? path->subscription : ""},
      {"location", location},
      {"type", shape.type},
      {"method", shape.method},
      {"exists", shape.when == Shape::When::update},
      {"started", now_text()},
      {"status", "running"},
  };
  if (!held) schedule("operation-ends", azure_seconds, {{"operation", operation}});
}

rest::Headers Core::operation_headers(const std::string& id, const Request& request) {
  rest::Headers headers;
  const Json* operation = store_.find_document("operations", id);
  const Shape* shape = operation == nullptr ? nullptr : shape_of(*operation);
  if (shape == nullptr || shape->headers == Shape::Headers::none) return headers;
  const std::string segment(shape->url);
  if (shape->headers != Shape::Headers::location)
    headers.set("Azure-AsyncOperation", poll_url(*operation, *shape, segment, request));
  if (shape->headers == Shape::Headers::location)
    headers.set("Location", poll_url(*operation, *shape, segment, request));
  if (shape->headers == Shape::Headers::both)
    headers.set("Location", poll_url(*operation, *shape, location_segment(segment), request));
  if (shape->form == Shape::Status::container_apps) headers.set("x-ms-async-operation-timeout", "PT15M");
  add_retry_after(headers, *this, *shape);
  return headers;
}

bool Core::operation_running(const std::string& id) {
  const Json* operation = store_.find_document("operations", id);
  return operation != nullptr && text_at(*operation, "status") == "running";
}

void Core::finish_operation(const std::string& id, const std::optional<Failure>& failure) {
  const Lock guard(*this);
  if (!operation_running(id)) return;
  Json& operation = store_.edit_document("operations", id);
  operation["status"] = failure ? "Failed" : "Succeeded";
  operation["ended"] = now_text();
  if (failure)
    operation["error"] = {{"code", failure->code}, {"message", failure->message}, {"status", failure->status}};
  const std::string resource_id = text_at(operation, "resource");
  const std::string method = text_at(operation, "method");
  const Shape* shape = shape_of(operation);
  const Resource* resource = operation.contains("fails") ? nullptr : store_.find(resource_id);
  if (resource == nullptr || shape == nullptr) return;
  if (method == "DELETE") {
    if (!failure) remove_resource(resource_id);
    return;
  }
  // A later write has its own operation, which speaks for the resource.
  if (text_at(resource->hidden, "operation") != id) return;
  Resource& changed = store_.edit(resource_id);
  const TypeBehaviour* type = find_type(changed.type);
  if (type != nullptr && !type->no_state) changed.properties()["provisioningState"] = failure ? "Failed" : "Succeeded";
  if (!failure && type != nullptr && type->finished) type->finished(*this, changed);
}

void Core::end_operation(const std::string& id) {
  const Lock guard(*this);
  if (!operation_running(id)) return;
  const Json operation = *store_.find_document("operations", id);
  const Resource* resource = store_.find(text_at(operation, "resource"));
  const TypeBehaviour* type = resource == nullptr ? nullptr : find_type(resource->type);
  const bool writes = text_at(operation, "method") != "DELETE" && type != nullptr && type->fails;
  const std::string why = writes ? type->fails(*this, *resource) : "";
  if (why.empty()) return finish_operation(id, std::nullopt);
  finish_operation(id, Failure{.code = "EmulatorServerFailed", .message = why});
}

namespace {

/// "2026-01-01 00:00:00Z"
std::string dated(const std::string& iso8601) { return iso8601.substr(0, 10) + " " + iso8601.substr(11, 8) + "Z"; }

Json status_body(const Json& operation, const Shape& shape, bool running) {
  const std::string status = running ? std::string(shape.running) : text_at(operation, "status");
  Json body = Json::object();
  switch (shape.form) {
    case Shape::Status::container_apps:
      body = {{"id", fmt::format("/subscriptions/{}/providers/Microsoft.App/locations/{}/{}/{}",
                                 text_at(operation, "subscription"), text_at(operation, "location"), shape.url,
                                 text_at(operation, "id"))},
              {"name", text_at(operation, "id")},
              {"status", status},
              {"startTime", text_at(operation, "started")}};
      break;
    case Shape::Status::named:
      body = {{"name", text_at(operation, "id")}, {"status", status}, {"startTime", text_at(operation, "started")}};
      break;
    case Shape::Status::dated:
      body = {{"createdDateTime", dated(text_at(operation, "started"))},
              {"lastActionDateTime", dated(text_at(operation, "started"))},
              {"status", status}};
      break;
    case Shape::Status::resource:
    case Shape::Status::plain:
      body = {{"status", status}};
      break;
  }
  if (const Json* error = find_member(operation, "error")) {
    body["error"] = {{"code", text_at(*error, "code")}, {"message", text_at(*error, "message")}};
    for (const char* member : {"target", "details"})
      if (const Json* more = find_member(*error, member)) body["error"][member] = *more;
  }
  return body;
}

}  // namespace

std::optional<Answer> Core::answer_poll(const Request& request) {
  if (request.method != "GET" || request.segments.size() < 4) return std::nullopt;
  const Json* operation = store_.find_document("operations", request.segments.back());
  if (operation == nullptr) return std::nullopt;
  const Shape* shape = shape_of(*operation);
  if (shape == nullptr) return std::nullopt;
  const bool running = text_at(*operation, "status") == "running";
  const std::string& segment = request.segments[request.segments.size() - 2];
  const bool by_status = shape->headers != Shape::Headers::location && equals_ignoring_case(segment, shape->url);
  if (by_status) {
    const Resource* resource = store_.find(text_at(*operation, "resource"));
    if (shape->form == Shape::Status::resource && resource != nullptr)
      return json_answer(200, show(*resource, View::get));
    Answer answer = json_answer(running ? shape->running_status : 200, status_body(*operation, *shape, running));
    if (running) add_retry_after(answer.headers, *this, *shape);
    return answer;
  }
  if (running) {
    Answer answer = shape->form == Shape::Status::dated ? json_answer(202, status_body(*operation, *shape, running))
                                                        : empty_answer(202);
    answer.headers.set("Location", poll_url(*operation, *shape, segment, request));
    add_retry_after(answer.headers, *this, *shape);
    return answer;
  }
  if (const Json* error = find_member(*operation, "error")) {
    return arm_error(static_cast<int>(integer_at(*error, "status", 400)), text_at(*error, "code"),
                     text_at(*error, "message"));
  }
  if (shape->form == Shape::Status::dated) return json_answer(200, status_body(*operation, *shape, running));
  if (shape->end == Shape::End::gone_204) return empty_answer(204);
  const Resource* resource = store_.find(text_at(*operation, "resource"));
  if (shape->end == Shape::End::empty_200 || resource == nullptr) return empty_answer(200);
  return json_answer(200, show(*resource, View::get));
}

}  // namespace defang::emulator
