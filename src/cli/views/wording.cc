#include "cli/views/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::cli {
namespace {

using Doing = deploy::NodeStarted::Doing;

struct DoingRow {
  Doing doing;
  std::string_view now, done;
};
constexpr auto kResourceWords = std::to_array<DoingRow>({
    {Doing::create, "creating", "created"},
    {Doing::update, "updating", "updated"},
    {Doing::adopt, "going on with", "finished"},
    {Doing::run, "running", "done"},
    {Doing::remove, "removing", "removed"},
});

struct ActionRow {
  std::string_view kind;  // of the node's id: "build/web"
  std::string_view now, done, noun;
};
constexpr auto kActionWords = std::to_array<ActionRow>({
    {"build", "building", "built", "image"},
    {"config", "looking up", "looked up", "config"},
    {"healthy", "starting", "started", "service"},
    {"run", "running", "ran", "job"},
    {"secret", "writing", "wrote", "secret"},
});

/// "container app" of "Microsoft.App/containerApps": the type's last part, in words.
std::string noun_of(const std::string& type) {
  std::string words;
  for (const char c : type.substr(type.rfind('/') + 1)) {
    if (c >= 'A' && c <= 'Z') words += ' ';
    words += c;
  }
  words = to_lower(words);
  if (words.ends_with("ies"))
    words.replace(words.size() - 3, 3, "y");
  else if (words.ends_with('s'))
    words.pop_back();
  return words;
}

}  // namespace

std::string resource_title(const std::string& type, const std::string& name) {
  return fmt::format("{} `{}`", noun_of(type), name);
}

Wording wording_of(const deploy::NodeStarted& event) {
  const auto slash = event.name.find('/');
  const auto action = std::ranges::find(kActionWords, std::string_view(event.name).substr(0, slash), &ActionRow::kind);
  if (event.type == "action" && slash != std::string::npos && action != kActionWords.end())
    return {std::string(action->now), std::string(action->done),
            fmt::format("{} `{}`", action->noun, event.name.substr(slash + 1))};
  const auto row = std::ranges::find(kResourceWords, event.doing, &DoingRow::doing);
  return {std::string(row->now), std::string(row->done), resource_title(event.type, event.name)};
}

}  // namespace defang::cli
