#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace defang::compose {

/// What an attribute holds once the project is loaded. Says also in which forms it may be written, unless
/// AttributeRow::also adds some.
enum class Type {
  any,     // x-*: whatever the user likes
  object,  // a mapping with the fixed keys that have rows beneath it
  names,   // a mapping of names that the user chooses; the row `path.*` says what each holds
  list,    // the row `path[]` says what each item holds
  text,
  integer,
  number,
  boolean,
  duration,      // "1m30s"
  bytes,         // "512m"
  texts,         // a list of texts
  words,         // a command: a list, or one text that is split like a shell does
  key_values,    // a mapping of texts, or a list of "KEY=VALUE"
  scalars,       // a mapping of texts and numbers, which become texts
  health_test,   // a list that starts with CMD, CMD-SHELL or NONE; one text is a CMD-SHELL
  file_mode,     // permission bits: 0440 or "0440"
  count,         // of devices: a number or "all"
  hosts,         // extra_hosts
  ssh_keys,      // of a build: "default", or an id and a path
  option_lists,  // options of a provider: each becomes a list of texts
};

/// Forms of YAML that an attribute accepts.
enum Form : std::uint16_t {
  form_text = 1,
  form_integer = 2,
  form_number = 4,  // with a fraction
  form_boolean = 8,
  form_null = 16,
  form_list = 32,
  form_mapping = 64,
};

/// How a later file's value meets an earlier one's (compose-semantics.md, section F).
enum class Merge {
  generic,   // mappings merge, lists are appended, scalars replaced, null keeps (CS-70)
  replace,   // CS-71
  sequence,  // both become lists first (CS-72, CS-73)
  dependencies,
  names,  // list items become null mappings
  build,
  extra_hosts,
  logging,
  ipam_config,
};

/// Which items of a list are the same; of those the last stays, in the place of the first.
enum class Unique {
  no,
  checked,  // two equal items are an error (CS-202)
  key,      // text before "="
  text,
  port,    // CS-74
  target,  // container path of a mount or device (CS-75)
  secret,  // CS-76
  config,
  path,  // env_file
};

/// Which texts are paths, to be made absolute (CS-190).
enum class Place { none, file, context, unix_path };

/// What the entries of a key_values without a value become.
enum class Valueless { blank, stay, dropped };

enum AttributeFlag : std::uint16_t {
  required = 1,
  keep_empty = 2,     // printed even when zero, false or empty
  no_extensions = 4,  // x-* is an unknown key here
  any_name = 8,       // names are not checked
  only_text = 16,     // a bytes attribute that refuses a bare number
  unconverted = 32,   // a text is not turned into a boolean or a number here
  text_values = 64,   // of scalars: no numbers among them
  null_values = 128,  // of scalars: an entry may have no value
  not_negative = 256,
};

/// One attribute of a Compose file. The table of them is the only place that knows their names: validation,
/// conversion, merging, paths and canonical output all read it.
struct AttributeRow {
  std::string_view path;  // "services.*.ports[].target"
  Type type = Type::any;
  std::uint16_t also = 0;  // forms beyond the type's own
  Merge merge = Merge::generic;
  Unique unique = Unique::no;
  Place place = Place::none;
  Valueless valueless = Valueless::blank;
  std::uint16_t flags = 0;
  std::string_view values = {};  // "a|b": nothing else is allowed
  std::string_view like = {};    // its rows are those of that attribute
};

std::span<const AttributeRow> attributes();

/// The table as a tree, to walk along a project.
struct Shape {
  const AttributeRow* attribute = nullptr;
  std::map<std::string_view, const Shape*> keys;
  const Shape* each = nullptr;  // of a list's items, of a mapping's values

  Type type() const { return attribute->type; }
  bool has(AttributeFlag flag) const { return (attribute->flags & flag) != 0; }
  const Shape* key(std::string_view name) const;  // also the values of `names`; nullptr: unknown, or x-*
  std::vector<std::string> key_names() const;
};
const Shape& compose_file();

/// Forms in which the attribute may be written.
std::uint16_t accepted_forms(const AttributeRow& attribute);

}  // namespace defang::compose
