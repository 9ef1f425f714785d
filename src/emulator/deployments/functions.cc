#include "emulator/deployments/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

Error template_error(std::string message) {
  return {.kind = Error::Kind::refused, .code = "InvalidTemplate", .message = std::move(message)};
}

namespace {

using Arguments = std::vector<Json>;
using Answered = Result<Json>;

std::unexpected<Error> wrong(std::string message) { return fail(template_error(std::move(message))); }

Result<std::string> text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return wrong(fmt::format("The template language function expected a string, and got '{}'.", dump(value)));
}
Result<std::int64_t> integer(const Json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return wrong(fmt::format("The template language function expected an integer, and got '{}'.", dump(value)));
}
/// As concat(), string() and format() write a value.
std::string written(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return dump(value);
}

/// Of the first argument, all of them texts.
template <class Of>
Answered of_text(const Arguments& a, Of&& of) {
  TRY_ASSIGN(const auto first, text(a[0]));
  return of(first);
}
template <class Of>
Answered of_texts(const Arguments& a, Of&& of) {
  TRY_ASSIGN(const auto first, text(a[0]));
  TRY_ASSIGN(const auto second, text(a[1]));
  return of(first, second);
}
template <class Of>
Answered of_integers(const Arguments& a, Of&& of) {
  TRY_ASSIGN(const auto first, integer(a[0]));
  TRY_ASSIGN(const auto second, integer(a[1]));
  return of(first, second);
}

// --- text ---

Answered concat(const Arguments& a, const Surroundings&) {
  if (a[0].is_array()) {
    Json all = Json::array();
    for (const auto& part : a) {
      if (!part.is_array()) return wrong("The template function 'concat' joins arrays with arrays only.");
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  std::string all;
  for (const auto& part : a) {
    if (part.is_structured()) return wrong("The template function 'concat' joins texts with texts only.");
    all += written(part);
  }
  return Json(std::move(all));
}

/// Composite formatting: {0}, {1}; {{ and }}. Alignment and format items are refused.
Answered format_text(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto pattern, text(a[0]));
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    if (c != '{') {
      out += c;
      continue;
    }
    const auto end = pattern.find('}', i);
    const auto number = to_number(std::string_view(pattern).substr(i + 1, end == std::string::npos ? 0 : end - i - 1));
    if (!number || *number + 1 >= a.size())
      return wrong(fmt::format("The template function 'format' cannot fill '{}' in.", pattern));
    out += written(a[static_cast<std::size_t>(*number) + 1]);
    i = end;
  }
  return Json(std::move(out));
}

Answered replace(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto whole, text(a[0]));
  TRY_ASSIGN(const auto from, text(a[1]));
  TRY_ASSIGN(const auto to, text(a[2]));
  return Json(from.empty() ? whole : replace_all(whole, from, to));
}

Answered split_text(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto whole, text(a[0]));
  std::vector<std::string> separators;
  for (const auto& one : a[1].is_array() ? a[1] : Json::array({a[1]})) {
    TRY_ASSIGN(const auto separator, text(one));
    if (!separator.empty()) separators.push_back(separator);
  }
  Json parts = Json::array();
  std::string part;
  for (std::size_t i = 0; i < whole.size();) {
    const auto found =
        std::ranges::find_if(separators, [&](const std::string& s) { return whole.compare(i, s.size(), s) == 0; });
    if (found == separators.end()) {
      part += whole[i++];
    } else {
      parts.push_back(std::exchange(part, ""));
      i += found->size();
    }
  }
  parts.push_back(part);
  return parts;
}

Answered join_texts(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto separator, text(a[1]));
  if (!a[0].is_array()) return wrong("The template function 'join' expects an array.");
  std::vector<std::string> parts;
  for (const auto& part : a[0]) parts.push_back(written(part));
  return Json(join(parts, separator));
}

Answered substring(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto whole, text(a[0]));
  TRY_ASSIGN(const auto start, integer(a[1]));
  std::int64_t length = static_cast<std::int64_t>(whole.size()) - start;
  if (a.size() > 2) {
    TRY_ASSIGN(length, integer(a[2]));
  }
  if (start < 0 || length < 0 || start + length > static_cast<std::int64_t>(whole.size()))
    return wrong("The index and length parameters of the template function 'substring' must be within the string.");
  return Json(whole.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length)));
}

Answered pad_left(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto width, integer(a[1]));
  std::string fill = " ";
  if (a.size() > 2) {
    TRY_ASSIGN(fill, text(a[2]));
  }
  std::string out = written(a[0]);
  if (fill.size() != 1) return wrong("The template function 'padLeft' fills up with one character.");
  const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(width, 0, 4096));
  if (out.size() < wanted) out.insert(0, wanted - out.size(), fill[0]);
  return Json(out);
}

Answered string_of(const Arguments& a, const Surroundings&) { return Json(written(a[0])); }

Answered int_of(const Arguments& a, const Surroundings&) {
  if (a[0].is_number_integer()) return a[0];
  TRY_ASSIGN(const auto digits, text(a[0]));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size())
    return wrong(fmt::format("Unable to parse '{}' as an integer.", digits));
  return Json(value);
}

Answered bool_of(const Arguments& a, const Surroundings&) {
  if (a[0].is_boolean()) return a[0];
  if (a[0].is_number_integer()) return Json(a[0].get<std::int64_t>() != 0);
  TRY_ASSIGN(const auto word, text(a[0]));
  if (equals_ignoring_case(word, "true")) return Json(true);
  if (equals_ignoring_case(word, "false")) return Json(false);
  return wrong(fmt::format("Unable to parse '{}' as a boolean.", word));
}

Answered json_of(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto source, text(a[0]));
  auto value = parse_json(source);
  if (!value) return wrong("The template language function 'json' parameter is not valid JSON.");
  return *value;
}

/// Both have one result for texts, lists and objects.
Answered length_of(const Arguments& a, const Surroundings&) {
  if (a[0].is_string()) return Json(static_cast<std::int64_t>(a[0].get_ref<const std::string&>().size()));
  if (a[0].is_structured()) return Json(static_cast<std::int64_t>(a[0].size()));
  return wrong("The template function 'length' expects a string, an array or an object.");
}

Answered end_of(const Arguments& a, bool is_first) {
  if (a[0].is_array()) {
    if (a[0].empty()) return Json();
    return is_first ? a[0].front() : a[0].back();
  }
  TRY_ASSIGN(const auto whole, text(a[0]));
  if (whole.empty()) return Json("");
  return Json(std::string(1, is_first ? whole.front() : whole.back()));
}

Answered part_of(const Arguments& a, bool is_take) {
  TRY_ASSIGN(const auto wanted, integer(a[1]));
  const auto at = [&](std::size_t size) {
    return static_cast<std::size_t>(std::clamp<std::int64_t>(wanted, 0, static_cast<std::int64_t>(size)));
  };
  if (a[0].is_array()) {
    const auto middle = a[0].begin() + static_cast<std::ptrdiff_t>(at(a[0].size()));
    Json part = Json::array();
    part.insert(part.end(), is_take ? a[0].begin() : middle, is_take ? middle : a[0].end());
    return part;
  }
  TRY_ASSIGN(const auto whole, text(a[0]));
  return Json(is_take ? whole.substr(0, at(whole.size())) : whole.substr(at(whole.size())));
}

Answered contains(const Arguments& a, const Surroundings&) {
  if (a[0].is_array()) return Json(std::ranges::find(a[0], a[1]) != a[0].end());
  TRY_ASSIGN(const auto part, text(a[1]));
  if (a[0].is_object()) return Json(find_member(a[0], part) != nullptr);
  TRY_ASSIGN(const auto whole, text(a[0]));
  return Json(whole.find(part) != std::string::npos);
}

Json index_of(const std::string& whole, const std::string& part, bool is_last) {
  const auto lower = to_lower(whole);
  const auto found = is_last ? lower.rfind(to_lower(part)) : lower.find(to_lower(part));
  return found == std::string::npos ? Json(-1) : Json(static_cast<std::int64_t>(found));
}

Answered empty(const Arguments& a, const Surroundings&) {
  if (a[0].is_null()) return Json(true);
  if (a[0].is_string()) return Json(a[0].get_ref<const std::string&>().empty());
  return Json(a[0].empty());
}

Result<std::string> hyphenated(const Arguments& a) {
  std::vector<std::string> parts;
  for (const auto& part : a) {
    TRY_ASSIGN(auto one, text(part));
    parts.push_back(std::move(one));
  }
  return join(parts, "-");
}

// --- lists and objects ---

Answered create_array(const Arguments& a, const Surroundings&) { return Json(a); }
Answered array_of(const Arguments& a, const Surroundings&) { return a[0].is_array() ? a[0] : Json::array({a[0]}); }

Answered create_object(const Arguments& a, const Surroundings&) {
  Json object = Json::object();
  if (a.size() % 2 != 0) return wrong("The template function 'createObject' expects keys and values.");
  for (std::size_t i = 0; i < a.size(); i += 2) {
    TRY_ASSIGN(const auto key, text(a[i]));
    object[key] = a[i + 1];
  }
  return object;
}

void merge(Json& into, const Json& more) {
  for (const auto& [key, value] : more.items()) {
    const Json* there = find_member(into, key);
    if (there != nullptr && there->is_object() && value.is_object()) {
      Json merged = *there;
      merge(merged, value);
      into[key] = std::move(merged);
    } else {
      into[key] = value;
    }
  }
}

Answered union_of(const Arguments& a, const Surroundings&) {
  Json all = a[0];
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (all.is_object() != a[i].is_object() || !all.is_structured())
      return wrong("The template function 'union' expects arrays or objects.");
    if (all.is_object()) {
      merge(all, a[i]);
      continue;
    }
    for (const auto& one : a[i])
      if (std::ranges::find(all, one) == all.end()) all.push_back(one);
  }
  return all;
}

Answered intersection(const Arguments& a, const Surroundings&) {
  Json common = a[0].is_object() ? Json::object() : Json::array();
  for (const auto& [key, value] : a[0].items()) {
    const bool everywhere = std::ranges::all_of(a, [&](const Json& other) {
      if (a[0].is_array()) return std::ranges::find(other, value) != other.end();
      const Json* there = find_member(other, key);
      return there != nullptr && *there == value;
    });
    if (!everywhere) continue;
    if (a[0].is_array())
      common.push_back(value);
    else
      common[key] = value;
  }
  return common;
}

Answered range(const Arguments& a, const Surroundings&) {
  return of_integers(a, [](std::int64_t start, std::int64_t count) -> Answered {
    constexpr std::int64_t kMost = 10000;
    if (count < 0 || count > kMost) return wrong("The template function 'range' counts from 0 to 10000.");
    Json numbers = Json::array();
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(start + i);
    return numbers;
  });
}

Answered extreme(const Arguments& a, bool is_least) {
  const Json all = a.size() == 1 && a[0].is_array() ? a[0] : Json(a);
  std::optional<std::int64_t> found;
  for (const auto& one : all) {
    TRY_ASSIGN(const auto number, integer(one));
    found = !found ? number : is_least ? std::min(*found, number) : std::max(*found, number);
  }
  if (!found) return wrong("The template functions 'min' and 'max' expect integers.");
  return Json(*found);
}

Answered items(const Arguments& a, const Surroundings&) {
  std::map<std::string, Json> sorted;  // by key, as documented
  for (const auto& [key, value] : a[0].items()) sorted[key] = value;
  Json list = Json::array();
  for (const auto& [key, value] : sorted) list.push_back({{"key", key}, {"value", value}});
  return list;
}

Answered object_keys(const Arguments& a, const Surroundings&) {
  std::set<std::string> sorted;
  for (const auto& [key, value] : a[0].items()) sorted.insert(key);
  return Json(sorted);
}

Answered flatten(const Arguments& a, const Surroundings&) {
  Json all = Json::array();
  for (const auto& one : a[0]) all.insert(all.end(), one.begin(), one.end());
  return all;
}

Answered coalesce(const Arguments& a, const Surroundings&) {
  for (const auto& one : a)
    if (!one.is_null()) return one;
  return Json();
}

/// Texts compare with their case.
Answered equals(const Arguments& a, const Surroundings&) { return Json(a[0] == a[1]); }

template <class Compare>
Answered compared(const Arguments& a, Compare compare) {
  if (a[0].is_string()) return of_texts(a, [&](const auto& x, const auto& y) { return Json(compare(x, y)); });
  return of_integers(a, [&](auto x, auto y) { return Json(compare(x, y)); });
}

Answered all_true(const Arguments& a, bool wanted_any) {
  bool result = !wanted_any;
  for (const auto& one : a) {
    if (!one.is_boolean()) return wrong("The template functions 'and', 'or' and 'not' expect booleans.");
    result = wanted_any ? result || one.get<bool>() : result && one.get<bool>();
  }
  return Json(result);
}

Answered divided(const Arguments& a, bool wanted_rest) {
  return of_integers(a, [&](std::int64_t x, std::int64_t y) -> Answered {
    if (y == 0 || (y == -1 && x == std::numeric_limits<std::int64_t>::min()))
      return wrong("The template language function attempted to divide by zero.");
    return Json(wanted_rest ? x % y : x / y);
  });
}

/// Azure's arithmetic is of 64 bits; what does not fit is refused rather than wrapped.
Answered calculated(const Arguments& a, bool (*operation)(std::int64_t, std::int64_t, std::int64_t*)) {
  return of_integers(a, [&](std::int64_t x, std::int64_t y) -> Answered {
    std::int64_t result = 0;
    if (operation(x, y, &result)) return wrong("The result of the template language function is no 64-bit integer.");
    return Json(result);
  });
}

// --- ids ---

/// "/Microsoft.App/jobs/j" of type and names: a name for each part of the type after the provider.
Result<std::string> type_and_names(const Arguments& a, std::size_t type_at) {
  TRY_ASSIGN(const auto type, text(a[type_at]));
  const auto parts = split(type, '/');
  std::vector<std::string> names;
  for (std::size_t i = type_at + 1; i < a.size(); ++i) {
    TRY_ASSIGN(const auto name, text(a[i]));
    names.push_back(name);
  }
  if (parts.size() < 2 || parts.size() - 1 != names.size())
    return wrong(
        fmt::format("Unable to evaluate template language function 'resourceId': the type '{}' requires '{}' resource "
                    "name argument(s).",
                    type, parts.size() - 1));
  std::string id = "/" + parts[0];
  for (std::size_t i = 0; i < names.size(); ++i) id += "/" + parts[i + 1] + "/" + names[i];
  return id;
}

/// How many arguments stand before the one that is a type ("Microsoft.X/y").
std::size_t before_type(const Arguments& a) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].is_string() && a[i].get_ref<const std::string&>().find('/') != std::string::npos) return i;
  return a.size();
}

/// resourceId([subscription], [group], type, name...)
Answered resource_id(const Arguments& a, const Surroundings& in) {
  const auto before = before_type(a);
  if (before == a.size() || before > 2) return wrong("The template function 'resourceId' expects a resource type.");
  std::string subscription = in.subscription, group = text_at(in.group, "name");
  if (before == 2) {
    TRY_ASSIGN(subscription, text(a[0]));
  }
  if (before > 0) {
    TRY_ASSIGN(group, text(a[before - 1]));
  }
  TRY_ASSIGN(const auto rest, type_and_names(a, before));
  const std::string scope = "/subscriptions/" + subscription;
  return Json((group.empty() ? scope : scope + "/resourceGroups/" + group) + "/providers" + rest);
}

Answered subscription_resource_id(const Arguments& a, const Surroundings& in) {
  const auto before = before_type(a);
  if (before > 1) return wrong("The template function 'subscriptionResourceId' expects a resource type.");
  std::string subscription = in.subscription;
  if (before == 1) {
    TRY_ASSIGN(subscription, text(a[0]));
  }
  TRY_ASSIGN(const auto rest, type_and_names(a, before));
  return Json("/subscriptions/" + subscription + "/providers" + rest);
}

Answered tenant_resource_id(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto rest, type_and_names(a, 0));
  return Json("/providers" + rest);
}

Answered extension_resource_id(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto scope, text(a[0]));
  TRY_ASSIGN(const auto rest, type_and_names(a, 1));
  return Json(scope + "/providers" + rest);
}

// --- where the deployment is ---

Answered subscription(const Arguments&, const Surroundings& in) {
  return Json{{"id", "/subscriptions/" + in.subscription},
              {"subscriptionId", in.subscription},
              {"tenantId", in.tenant},
              {"displayName", "defang emulator"}};
}
Answered tenant(const Arguments&, const Surroundings& in) {
  return Json{{"tenantId", in.tenant}, {"countryCode", "US"}, {"displayName", "defang emulator"}};
}
Answered resource_group(const Arguments&, const Surroundings& in) {
  if (in.group.is_null())
    return wrong(
        "The template function 'RESOURCEGROUP' is not expected at this location: the deployment is at the "
        "scope of a subscription.");
  return in.group;
}
Answered deployment(const Arguments&, const Surroundings& in) { return in.deployment; }

Answered copy_index(const Arguments& a, const Surroundings& in) {
  std::string loop = in.loop;
  std::int64_t offset = 0;
  for (const auto& argument : a) {
    if (argument.is_string())
      loop = to_lower(argument.get<std::string>());
    else {
      TRY_ASSIGN(offset, integer(argument));
    }
  }
  const auto found = in.loops.find(loop);
  if (found == in.loops.end())
    return wrong(
        "The template function 'copyIndex' is not expected at this location. The function can only be used "
        "inside of a copy loop.");
  return Json(found->second + offset);
}

// --- time ---

/// .NET's patterns: "u" (the default), "o", "s", "d", and custom ones of y, M, d, H, m and s.
std::string dated(std::int64_t unix_ms, std::string pattern) {
  if (pattern == "u") pattern = "yyyy-MM-dd HH:mm:ssZ";
  if (pattern == "s") pattern = "yyyy-MM-ddTHH:mm:ss";
  if (pattern == "o") pattern = "yyyy-MM-ddTHH:mm:ss.fffffffZ";
  if (pattern == "d") pattern = "MM/dd/yyyy";
  const std::time_t seconds = unix_ms / 1000;
  std::tm t{};
  gmtime_r(&seconds, &t);
  const auto value = [&](char letter) -> int {
    switch (letter) {
      case 'y':
        return t.tm_year + 1900;
      case 'M':
        return t.tm_mon + 1;
      case 'd':
        return t.tm_mday;
      case 'H':
        return t.tm_hour;
      case 'm':
        return t.tm_min;
      case 's':
        return t.tm_sec;
      default:
        return -1;
    }
  };
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    const auto end = std::min(pattern.find_first_not_of(pattern[i], i), pattern.size());
    const int count = static_cast<int>(end - i);
    if (pattern[i] == 'f')
      out += fmt::format("{:03}", unix_ms % 1000) + std::string(static_cast<std::size_t>(std::max(0, count - 3)), '0');
    else if (const int number = value(pattern[i]); number < 0)
      out += pattern.substr(i, end - i);
    else
      out += fmt::format("{:0{}}", pattern[i] == 'y' && count == 2 ? number % 100 : number, count);
    i = end;
  }
  return out;
}

Answered utc_now(const Arguments& a, const Surroundings& in) {
  if (!in.now_ms)
    return wrong(
        "The template function 'utcNow' is not expected at this location. It can only be used in the default "
        "value of a parameter.");
  if (a.empty()) return Json(dated(*in.now_ms, "yyyyMMddTHHmmssZ"));
  return of_text(a, [&](const std::string& pattern) { return Json(dated(*in.now_ms, pattern)); });
}

/// ISO 8601: "PT1H", "-P3D", "P1Y" counts 365 days.
std::optional<std::int64_t> duration_ms(std::string_view text) {
  std::int64_t sign = 1, total = 0, number = 0;
  bool is_time = false, has_digits = false;
  if (text.starts_with('-')) sign = -1, text.remove_prefix(1);
  if (!text.starts_with('P') || text.size() < 3) return std::nullopt;
  for (const char c : text.substr(1)) {
    if (c >= '0' && c <= '9' && number < 1000000) {
      number = number * 10 + (c - '0');
      has_digits = true;
      continue;
    }
    if (c == 'T') {
      is_time = true;
      continue;
    }
    const std::int64_t day = 86400;
    const std::int64_t unit = c == 'Y'   ? 365 * day
                              : c == 'W' ? 7 * day
                              : c == 'D' ? day
                              : c == 'H' ? 3600
                              : c == 'S' ? 1
                              : c == 'M' ? (is_time ? 60 : 30 * day)
                                         : 0;
    if (unit == 0 || !has_digits) return std::nullopt;
    total += number * unit;
    number = 0;
    has_digits = false;
  }
  return has_digits ? std::nullopt : std::optional(sign * total * 1000);
}

/// Of "2026-01-31T12:00:00Z", "2026-01-31 12:00:00Z" and "20260131T120000Z", with or without fractions.
std::optional<std::int64_t> time_of(const std::string& written) {
  std::string digits;
  for (const char c : written.substr(0, written.find('.')))
    if (c >= '0' && c <= '9') digits += c;
  if (digits.size() == 8) digits += "000000";
  if (digits.size() != 14) return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t size) {
    return static_cast<int>(*to_number(digits.substr(at, size)));
  };
  std::tm t{};
  t.tm_year = part(0, 4) - 1900;
  t.tm_mon = part(4, 2) - 1;
  t.tm_mday = part(6, 2);
  t.tm_hour = part(8, 2);
  t.tm_min = part(10, 2);
  t.tm_sec = part(12, 2);
  return static_cast<std::int64_t>(timegm(&t)) * 1000;
}

Answered date_time_add(const Arguments& a, const Surroundings&) {
  TRY_ASSIGN(const auto base, text(a[0]));
  TRY_ASSIGN(const auto duration, text(a[1]));
  std::string pattern = "yyyy-MM-ddTHH:mm:ssZ";
  if (a.size() > 2) {
    TRY_ASSIGN(pattern, text(a[2]));
  }
  const auto from = time_of(base);
  const auto more = duration_ms(duration);
  if (!from || !more)
    return wrong(fmt::format("The template function 'dateTimeAdd' cannot add '{}' to '{}'.", duration, base));
  return Json(dated(*from + *more, pattern));
}

// Sorted by name in lower case.
constexpr TemplateFunction kFunctions[] = {
    {"add", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return calculated(
           a, [](std::int64_t x, std::int64_t y, std::int64_t* r) { return __builtin_add_overflow(x, y, r); });
     }},
    {"and", 2, kAnyNumber, [](const Arguments& a, const Surroundings&) { return all_true(a, false); }},
    {"array", 1, 1, array_of},
    {"base64", 1, 1,
     [](const Arguments& a, const Surroundings&) { return of_text(a, [](const auto& t) { return Json(base64(t)); }); }},
    {"base64ToString", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(from_base64(t)); });
     }},
    {"bool", 1, 1, bool_of},
    {"coalesce", 1, kAnyNumber, coalesce},
    {"concat", 1, kAnyNumber, concat},
    {"contains", 2, 2, contains},
    {"copyIndex", 0, 2, copy_index},
    {"createArray", 0, kAnyNumber, create_array},
    {"createObject", 0, kAnyNumber, create_object},
    {"dateTimeAdd", 2, 3, date_time_add},
    {"deployment", 0, 0, deployment},
    {"div", 2, 2, [](const Arguments& a, const Surroundings&) { return divided(a, false); }},
    {"empty", 1, 1, empty},
    {"endsWith", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return of_texts(a, [](const auto& w, const auto& p) { return Json(to_lower(w).ends_with(to_lower(p))); });
     }},
    {"equals", 2, 2, equals},
    {"extensionResourceId", 3, kAnyNumber, extension_resource_id},
    {"false", 0, 0, [](const Arguments&, const Surroundings&) { return Answered(false); }},
    {"first", 1, 1, [](const Arguments& a, const Surroundings&) { return end_of(a, true); }},
    {"flatten", 1, 1, flatten},
    {"format", 1, kAnyNumber, format_text},
    {"greater", 2, 2, [](const Arguments& a, const Surroundings&) { return compared(a, std::greater<>()); }},
    {"greaterOrEquals", 2, 2,
     [](const Arguments& a, const Surroundings&) { return compared(a, std::greater_equal<>()); }},
    {"guid", 1, kAnyNumber,
     [](const Arguments& a, const Surroundings&) -> Answered {
       TRY_ASSIGN(const auto name, hyphenated(a));
       return Json(template_guid(name));
     }},
    {"indexOf", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return of_texts(a, [](const auto& w, const auto& p) { return index_of(w, p, false); });
     }},
    {"int", 1, 1, int_of},
    {"intersection", 2, kAnyNumber, intersection},
    {"items", 1, 1, items},
    {"join", 2, 2, join_texts},
    {"json", 1, 1, json_of},
    {"last", 1, 1, [](const Arguments& a, const Surroundings&) { return end_of(a, false); }},
    {"lastIndexOf", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return of_texts(a, [](const auto& w, const auto& p) { return index_of(w, p, true); });
     }},
    {"length", 1, 1, length_of},
    {"less", 2, 2, [](const Arguments& a, const Surroundings&) { return compared(a, std::less<>()); }},
    {"lessOrEquals", 2, 2, [](const Arguments& a, const Surroundings&) { return compared(a, std::less_equal<>()); }},
    {"max", 1, kAnyNumber, [](const Arguments& a, const Surroundings&) { return extreme(a, false); }},
    {"min", 1, kAnyNumber, [](const Arguments& a, const Surroundings&) { return extreme(a, true); }},
    {"mod", 2, 2, [](const Arguments& a, const Surroundings&) { return divided(a, true); }},
    {"mul", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return calculated(
           a, [](std::int64_t x, std::int64_t y, std::int64_t* r) { return __builtin_mul_overflow(x, y, r); });
     }},
    {"not", 1, 1,
     [](const Arguments& a, const Surroundings&) -> Answered {
       TRY_ASSIGN(const auto value, all_true(a, false));
       return Json(!value.template get<bool>());
     }},
    {"null", 0, 0, [](const Arguments&, const Surroundings&) { return Answered(nullptr); }},
    {"objectKeys", 1, 1, object_keys},
    {"or", 2, kAnyNumber, [](const Arguments& a, const Surroundings&) { return all_true(a, true); }},
    {"padLeft", 2, 3, pad_left},
    {"range", 2, 2, range},
    {"replace", 3, 3, replace},
    {"resourceGroup", 0, 0, resource_group},
    {"resourceId", 2, kAnyNumber, resource_id},
    {"skip", 2, 2, [](const Arguments& a, const Surroundings&) { return part_of(a, false); }},
    {"split", 2, 2, split_text},
    {"startsWith", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return of_texts(a, [](const auto& w, const auto& p) { return Json(to_lower(w).starts_with(to_lower(p))); });
     }},
    {"string", 1, 1, string_of},
    {"sub", 2, 2,
     [](const Arguments& a, const Surroundings&) {
       return calculated(
           a, [](std::int64_t x, std::int64_t y, std::int64_t* r) { return __builtin_sub_overflow(x, y, r); });
     }},
    {"subscription", 0, 0, subscription},
    {"subscriptionResourceId", 2, kAnyNumber, subscription_resource_id},
    {"substring", 2, 3, substring},
    {"take", 2, 2, [](const Arguments& a, const Surroundings&) { return part_of(a, true); }},
    {"tenant", 0, 0, tenant},
    {"tenantResourceId", 2, kAnyNumber, tenant_resource_id},
    {"toLower", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(to_lower(t)); });
     }},
    {"toUpper", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(to_upper(t)); });
     }},
    {"trim", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(std::string(trim(t))); });
     }},
    {"true", 0, 0, [](const Arguments&, const Surroundings&) { return Answered(true); }},
    {"union", 1, kAnyNumber, union_of},
    {"uniqueString", 1, kAnyNumber,
     [](const Arguments& a, const Surroundings&) -> Answered {
       TRY_ASSIGN(const auto name, hyphenated(a));
       return Json(unique_string(name));
     }},
    {"uriComponent", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(percent_encode(t)); });
     }},
    {"uriComponentToString", 1, 1,
     [](const Arguments& a, const Surroundings&) {
       return of_text(a, [](const auto& t) { return Json(percent_decode(t)); });
     }},
    {"utcNow", 0, 1, utc_now},
};

constexpr std::string_view kLacking[] = {
    "base64ToJson",
    "cidrHost",
    "cidrSubnet",
    "dataUri",
    "dataUriToString",
    "dateTimeFromEpoch",
    "dateTimeToEpoch",
    "environment",
    "filter",
    "groupBy",
    "indexFromEnd",
    "lambda",
    "lambdaVariables",
    "loadFileAsBase64",
    "managementGroup",
    "managementGroupResourceId",
    "map",
    "mapValues",
    "newGuid",
    "parseCidr",
    "pickZones",
    "reduce",
    "references",
    "shallowMerge",
    "sort",
    "tryGet",
    "tryIndexFromEnd",
    "toObject",
    "uri",
    "getSecret",
    "deployer",
    "toLogicalZone",
    "toLogicalZones",
    "toPhysicalZone",
    "toPhysicalZones",
    "fail",
};

}  // namespace

const TemplateFunction* find_template_function(std::string_view name) {
  const auto found =
      std::ranges::find_if(kFunctions, [&](const TemplateFunction& f) { return equals_ignoring_case(f.name, name); });
  return found == std::end(kFunctions) ? nullptr : found;
}

bool is_lacking_function(std::string_view name) {
  return std::ranges::any_of(kLacking, [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

}  // namespace defang::emulator
