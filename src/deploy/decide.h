#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

/// What to do with one resource: pure, from what is wished for and what a GET showed.
namespace defang::deploy {

/// Tags on everything that is ours (design.md section 5).
inline constexpr std::string_view kProjectTag = "defang-project";
inline constexpr std::string_view kStackTag = "defang-stack";
inline constexpr std::string_view kHashTag = "defang-hash";

enum class Step {
  create,           // nothing there
  update,           // ours, but other than wished for
  skip,             // as wished for
  adopt,            // an operation is in flight: wait for it, then decide again
  wait_until_gone,  // being deleted: wait, then create
  refuse,           // somebody else's
};

struct Wish {
  std::string hash;
  std::string project, stack;
  bool taggable = true;
  bool force = false;  // write even what is as wished for
};

struct Found {
  bool exists = false;
  std::map<std::string, std::string> tags;
  std::string provisioning_state;  // empty: the type has none
  bool holds_wish = false;         // every leaf of the wished body is there; asked for untaggable types only
};

Step decide(const Wish& wish, const Found& found);

/// Reads tags and state from the body of a GET; `wished` is the body that would be sent.
Found look_at(const nlohmann::json& existing, const nlohmann::json& wished);

/// Every leaf of `wished` stands in `existing`: texts without case (ids and enums change theirs, wire facts 1.9, 1.11),
/// lists element by element.
bool holds(const nlohmann::json& existing, const nlohmann::json& wished);

/// Places ("properties.template.scale.minReplicas") where `existing` shows another value than was wished for. What it
/// does not show at all, such as a key, says nothing.
std::vector<std::string> differences(const nlohmann::json& existing, const nlohmann::json& wished);

/// A property that Azure never changes and that is wished for otherwise than it is.
struct FixedChange {
  std::string property;  // "administratorLogin"
  std::string is, wished;
  std::string_view consequence;  // of having it all the same
};
std::optional<FixedChange> change_of_what_is_fixed(std::string_view type, const nlohmann::json& existing,
                                                   const nlohmann::json& wished);

/// A change that costs the user something, which has to be agreed to.
struct CostlyChange {
  enum class Cost { downtime, data } cost = Cost::downtime;
  std::string property, is, wished;
  std::string_view consequence;
};
std::optional<CostlyChange> costly_change(std::string_view type, const nlohmann::json& existing,
                                          const nlohmann::json& wished);

/// What Azure has let grow by itself stays as large as it is.
void keep_what_has_grown(std::string_view type, const nlohmann::json& existing, nlohmann::json& wished);

/// "1-" and 32 hex digits over a body that is stable from run to run: references to other resources unresolved, outputs
/// of actions filled in (the image's digest tag, a secret's version).
std::string desired_hash(std::string_view type, const nlohmann::json& stable_body);

/// Resource types whose writes Azure refuses in parallel share a key; empty: none. Wire facts, "Private endpoints, DNS,
/// VNet" (AnotherOperationInProgress).
std::string serial_key(const graph::Resource& resource);

/// Whether what a GET shows can be used: some types say so beside their operation's end (RD-5).
struct Readiness {
  enum class Is { ready, not_yet, failed } is = Is::ready;
  std::string state;  // "Creating"
};
Readiness readiness_of(std::string_view type, const nlohmann::json& existing);

/// What Azure usually takes, for the order of ready nodes. Wire facts, section 3.
std::chrono::seconds usual_time(const graph::Node& node);

}  // namespace defang::deploy
