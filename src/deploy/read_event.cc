#include "deploy/read_event.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "deploy/event_names.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::ordered_json;

/// What is thrown, like what the library throws, ends in `parse_event`.
struct Unreadable {};

template <class E, std::size_t N>
E value_of(const Names<E, N>& names, const Json& name) {
  const auto found = std::ranges::find(names, name.get<std::string>(), &std::pair<E, std::string_view>::second);
  if (found == names.end()) throw Unreadable();
  return found->first;
}

std::string text_of(const Json& json, const char* name) { return json.value(name, std::string()); }

std::size_t count_of(const Json& json, const char* name) { return json.at(name).get<std::size_t>(); }

std::chrono::milliseconds took(const Json& json) {
  return std::chrono::milliseconds(json.at("milliseconds").get<std::int64_t>());
}

Error read_error(const Json& json) {
  Error error{.code = json.at("code"), .message = json.at("message")};
  if (json.contains("context")) error.context = json.at("context").get<std::vector<std::string>>();
  error.request_id = text_of(json, "requestId");
  error.help = text_of(json, "help");
  if (json.contains("file"))
    error.origin = {std::make_shared<SourceFile>(json.at("file").get<std::string>(), ""), json.at("line"),
                    json.at("column"), 0};
  return error;
}

std::chrono::system_clock::time_point read_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, seconds = 0, milliseconds = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute, &seconds,
                  &milliseconds) != 7)
    throw Unreadable();
  using namespace std::chrono;
  return sys_days{std::chrono::year{year} / month / day} + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(seconds) + std::chrono::milliseconds(milliseconds);
}

using What = decltype(Event::what);
struct Type {
  std::string_view name;
  What (*read)(const Json& json);
};
constexpr auto kTypes = std::to_array<Type>({
    {"run-started",
     [](const Json& json) -> What {
       return RunStarted{json.at("project"),      json.at("stack"),    json.at("group"),
                         json.at("subscription"), json.at("location"), count_of(json, "nodes")};
     }},
    {"node-started",
     [](const Json& json) -> What {
       return NodeStarted{json.at("node"),
                          text_of(json, "service"),
                          value_of(kDoings, json.at("doing")),
                          json.at("resourceType"),
                          json.at("name"),
                          std::chrono::seconds(json.value("usualSeconds", std::int64_t{0}))};
     }},
    {"node-waiting", [](const Json& json) -> What { return NodeWaiting{json.at("node"), json.at("state")}; }},
    {"node-log", [](const Json& json) -> What { return NodeLog{json.at("node"), json.at("line")}; }},
    {"node-finished",
     [](const Json& json) -> What {
       return NodeFinished{json.at("node"), text_of(json, "service"), value_of(kNodeEnds, json.at("how")), took(json),
                           text_of(json, "detail")};
     }},
    {"node-failed",
     [](const Json& json) -> What {
       return NodeFailed{json.at("node"), text_of(json, "service"), read_error(json.at("error")), took(json)};
     }},
    {"node-skipped",
     [](const Json& json) -> What {
       return NodeSkipped{json.at("node"), text_of(json, "service"), json.at("becauseOf")};
     }},
    {"notice", [](const Json& json) -> What { return Notice{json.at("message")}; }},
    {"run-finished",
     [](const Json& json) -> What {
       return RunFinished{value_of(kRunEnds, json.at("how")), took(json),
                          count_of(json, "created"),          count_of(json, "updated"),
                          count_of(json, "unchanged"),        count_of(json, "removed"),
                          count_of(json, "failed"),           count_of(json, "skipped")};
     }},
});

}  // namespace

Result<Event> parse_event(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    const auto type = std::ranges::find(kTypes, json.at("type").get<std::string>(), &Type::name);
    if (json.at("v") != 1 || type == kTypes.end()) throw Unreadable();
    return Event{json.at("seq"), read_time(json.at("time")), type->read(json)};
  } catch (const Json::exception&) {
  } catch (const Unreadable&) {
  }
  return fail(Error::Kind::invalid, "event-invalid",
              "an event of the run cannot be read; another version of this program may have written it");
}

}  // namespace defang::deploy
