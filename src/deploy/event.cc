#include "deploy/event.h"

#include <nlohmann/json.hpp>

#include "deploy/event_names.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Error& error) {
  Json out = {{"code", error.code}, {"message", error.message}};
  if (!error.context.empty()) out["context"] = error.context;
  if (!error.request_id.empty()) out["requestId"] = error.request_id;
  if (!error.help.empty()) out["help"] = error.help;
  if (error.origin) {
    out["file"] = error.origin.file->path;
    out["line"] = error.origin.line;
    out["column"] = error.origin.column;
  }
  return out;
}

void add_service(Json& out, const std::string& service) {
  if (!service.empty()) out["service"] = service;
}

/// The members that an event has beside those of all: `type` and what happened.
struct Members {
  Json operator()(const RunStarted& event) const {
    return {{"type", "run-started"}, {"project", event.project},           {"stack", event.stack},
            {"group", event.group},  {"subscription", event.subscription}, {"location", event.location},
            {"nodes", event.nodes}};
  }
  Json operator()(const NodeStarted& event) const {
    Json out = {{"type", "node-started"},
                {"node", event.node},
                {"doing", name_of(kDoings, event.doing)},
                {"resourceType", event.type},
                {"name", event.name}};
    if (event.usual.count() > 0) out["usualSeconds"] = event.usual.count();
    add_service(out, event.service);
    return out;
  }
  Json operator()(const NodeWaiting& event) const {
    return {{"type", "node-waiting"}, {"node", event.node}, {"state", event.state}};
  }
  Json operator()(const NodeLog& event) const {
    return {{"type", "node-log"}, {"node", event.node}, {"line", event.line}};
  }
  Json operator()(const NodeFinished& event) const {
    Json out = {{"type", "node-finished"},
                {"node", event.node},
                {"how", name_of(kNodeEnds, event.how)},
                {"milliseconds", event.took.count()}};
    add_service(out, event.service);
    if (!event.detail.empty()) out["detail"] = event.detail;
    return out;
  }
  Json operator()(const NodeFailed& event) const {
    Json out = {{"type", "node-failed"},
                {"node", event.node},
                {"error", to_json(event.error)},
                {"milliseconds", event.took.count()}};
    add_service(out, event.service);
    return out;
  }
  Json operator()(const NodeSkipped& event) const {
    Json out = {{"type", "node-skipped"}, {"node", event.node}, {"becauseOf", event.because_of}};
    add_service(out, event.service);
    return out;
  }
  Json operator()(const Notice& event) const { return {{"type", "notice"}, {"message", event.message}}; }
  Json operator()(const RunFinished& event) const {
    return {{"type", "run-finished"},
            {"how", name_of(kRunEnds, event.how)},
            {"milliseconds", event.took.count()},
            {"created", event.created},
            {"updated", event.updated},
            {"unchanged", event.unchanged},
            {"removed", event.removed},
            {"failed", event.failed},
            {"skipped", event.skipped}};
  }
};

}  // namespace

std::string to_json_line(const Event& event) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch()).count();
  Json out = {{"v", 1}, {"seq", event.seq}, {"time", to_iso8601(since_epoch)}};
  out.update(std::visit(Members{}, event.what));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace defang::deploy
