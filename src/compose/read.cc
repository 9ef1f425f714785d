#include "compose/read.h"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "compose/diagnostics.h"
#include "compose/interpolate.h"
#include "compose/limits.h"
#include "compose/scalars.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::compose {
namespace {

/// One event of libyaml, freed at the end of its life.
class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  yaml_event_t* operator->() { return &event_; }
  yaml_event_t* get() { return &event_; }

 private:
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* text) { return text ? reinterpret_cast<const char*>(text) : ""; }

/// Short form of YAML's own tags: "tag:yaml.org,2002:str" is "!!str".
std::string short_tag(const yaml_char_t* tag) {
  constexpr std::string_view kStandard = "tag:yaml.org,2002:";
  const std::string text = text_of(tag);
  return text.starts_with(kStandard) ? "!!" + text.substr(kStandard.size()) : text;
}

/// Where each line starts. libyaml counts characters, and takes more for line ends than editors do (a lone carriage
/// return, U+0085, U+2028): only the count from the beginning of the text is used, places are bytes on lines.
class Lines {
 public:
  struct Place {
    std::size_t line = 0, column = 0;  // both from 0, the column in bytes
  };

  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back({});
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (!continues_character(text[at])) ++characters;
      if (text[at] == '\n') starts_.push_back({at + 1, characters});
    }
  }

  Place place(std::size_t character) {
    const auto after = std::ranges::upper_bound(starts_, character, {}, &Start::character);
    const auto line = static_cast<std::size_t>(after - starts_.begin()) - 1;
    // From where it is nearest: mostly asked from front to back with short steps back, and a whole file may be one
    // line.
    const Start& start = starts_[line];
    if (last_.character < start.character || last_.character > 2 * character - start.character) last_ = start;
    while (last_.character > character)
      if (!continues_character(text_[--last_.byte])) --last_.character;
    for (; last_.byte < text_.size(); ++last_.byte) {
      if (continues_character(text_[last_.byte])) continue;
      if (last_.character == character) break;
      ++last_.character;
    }
    return {line, last_.byte - starts_[line].byte};
  }

  std::size_t size_of(std::size_t line) const {
    const std::size_t begin = starts_[line].byte;
    const std::size_t end = line + 1 < starts_.size() ? starts_[line + 1].byte - 1 : text_.size();
    return end - begin - (end > begin && text_[end - 1] == '\r' ? 1 : 0);
  }

 private:
  struct Start {
    std::size_t byte = 0, character = 0;
  };
  static bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

  std::string_view text_;
  std::vector<Start> starts_;
  Start last_;  // where the last place was
};

class Reader {
 public:
  Reader(const std::shared_ptr<const SourceFile>& file, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), lines_(file->text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(file->text.data()),
                                 file->text.size());
  }
  ~Reader() { yaml_parser_delete(&parser_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::optional<std::vector<Node>> documents() {
    if (count_lines_with("%TAG") > kMostTagDirectives) return fail(too_many_directives({file_})), std::nullopt;
    std::vector<Node> documents;
    while (true) {
      Event event;
      if (!next(event)) return std::nullopt;
      if (event->type == YAML_STREAM_END_EVENT) return documents;
      if (event->type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      alias_nodes_ = 0;
      Event root;
      if (!next(root)) return std::nullopt;
      Node node = read(root);
      if (failed_) return std::nullopt;
      if (!node.is_null()) documents.push_back(std::move(node));
    }
  }

 private:
  struct Anchor {
    Node node;
    std::size_t size = 0;
  };

  std::size_t count_lines_with(std::string_view start) const {
    const std::string_view text = file_->text;
    std::size_t count = text.starts_with(start) ? 1 : 0;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1))
      count += text.substr(end + 1).starts_with(start) ? 1 : 0;
    return count;
  }

  bool next(Event& event) {
    if (failed_) return false;
    if (yaml_parser_parse(&parser_, event.get())) return true;
    failed_ = true;
    const bool at_problem = parser_.error != YAML_READER_ERROR;
    // Bytes that are no text have an offset instead of a mark.
    const SourceSpan span = at_problem ? point(parser_.problem_mark) : point_at(parser_.problem_offset);
    std::string problem = parser_.problem ? parser_.problem : "not enough memory";
    SourceSpan context;
    if (at_problem && parser_.context && parser_.context_mark.line != parser_.problem_mark.line)
      context = point(parser_.context_mark);
    diagnostics_.add(yaml_syntax(problem, parser_.context ? parser_.context : "", span, context));
    return false;
  }

  SourceSpan point(const yaml_mark_t& mark) {
    const auto place = lines_.place(mark.index);
    return {file_, place.line + 1, place.column + 1, 1};
  }

  SourceSpan point_at(std::size_t offset) const {
    const std::string_view before = std::string_view(file_->text).substr(0, offset);
    const auto line_start = before.rfind('\n') + 1;  // 0 where there is none
    return {file_, static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1, before.size() - line_start + 1, 1};
  }

  SourceSpan span(const yaml_mark_t& start, const yaml_mark_t& end) {
    const auto first = lines_.place(start.index);
    const auto last = lines_.place(end.index);
    const std::size_t end_column = last.line == first.line ? last.column : lines_.size_of(first.line);
    return {file_, first.line + 1, first.column + 1, end_column > first.column ? end_column - first.column : 0};
  }

  Node fail(Diagnostic diagnostic) {
    diagnostics_.add(std::move(diagnostic));
    failed_ = true;
    return {};
  }

  Node read(Event& event) {
    if (++depth_ > kDeepestNesting) return fail(too_deep(point(event->start_mark)));
    if (!count(1)) return fail(document_too_big(point(event->start_mark)));
    Node node;
    std::string anchor;
    switch (event->type) {
      case YAML_ALIAS_EVENT:
        node = alias(text_of(event->data.alias.anchor), span(event->start_mark, event->end_mark));
        break;
      case YAML_SCALAR_EVENT:
        anchor = text_of(event->data.scalar.anchor);
        node = scalar(event);
        break;
      case YAML_SEQUENCE_START_EVENT:
        anchor = text_of(event->data.sequence_start.anchor);
        open_anchors_.insert(anchor);
        node = list(event);
        break;
      case YAML_MAPPING_START_EVENT:
        anchor = text_of(event->data.mapping_start.anchor);
        open_anchors_.insert(anchor);
        node = mapping(event);
        break;
      default:
        break;
    }
    --depth_;
    if (!anchor.empty() && !failed_) {
      open_anchors_.erase(anchor);
      const std::size_t size = size_of(node);
      if (!count(size)) return fail(document_too_big(point(event->start_mark)));  // anchors within anchors
      anchors_[anchor] = {node, size};
    }
    return node;
  }

  /// False: the file has more values than a project may have.
  bool count(std::size_t values) { return (values_ += values) <= kMostValues; }

  Node alias(const std::string& name, const SourceSpan& place) {
    if (open_anchors_.contains(name)) return fail(alias_of_itself(name, place));
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return fail(unknown_anchor(name, place));
    alias_nodes_ += found->second.size;
    if (alias_nodes_ > kMostAliasNodes || !count(found->second.size)) return fail(too_many_aliases(place));
    return found->second.node;
  }

  Node scalar(Event& event) {
    const auto& data = event->data.scalar;
    std::string text(reinterpret_cast<const char*>(data.value), data.length);
    if (short_tag(data.tag) == "!!binary") {
      const std::string bytes = from_base64(text);
      if (base64(bytes) != replace_all(text, "\n", "") || !is_utf8(bytes))
        return fail(not_base64(span(event->start_mark, event->end_mark)));
      text = bytes;
    }
    if (has_marks(text)) return fail(not_a_character(span(event->start_mark, event->end_mark)));
    const bool plain = data.style == YAML_PLAIN_SCALAR_STYLE;
    Node node = resolve_scalar(text, plain ? ScalarStyle::plain : ScalarStyle::quoted, short_tag(data.tag));
    node.span = span(event->start_mark, event->end_mark);
    return node;
  }

  Node list(Event& start) {
    Node node = Node::of_list();
    node.tag = short_tag(start->data.sequence_start.tag);
    node.span = span(start->start_mark, start->end_mark);
    for (std::size_t index = 0;; ++index) {
      Event event;
      if (!next(event) || event->type == YAML_SEQUENCE_END_EVENT) return node;
      path_.push_back("[" + std::to_string(index) + "]");
      node.items.push_back(read(event));
      path_.pop_back();
    }
  }

  Node mapping(Event& start) {
    Node node = Node::of_mapping();
    node.tag = short_tag(start->data.mapping_start.tag);
    node.span = span(start->start_mark, start->end_mark);
    const bool was_dropped = std::exchange(is_dropped_, is_dropped_ || node.tag == "!reset");
    std::map<std::string, SourceSpan> seen;
    std::vector<Node> merged;
    while (true) {
      Event key_event;
      if (!next(key_event) || key_event->type == YAML_MAPPING_END_EVENT) break;
      const bool is_merge = key_event->type == YAML_SCALAR_EVENT &&
                            key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                            text_of(key_event->data.scalar.value) == "<<";
      const Node key = read(key_event);
      --values_;  // it counts with its value
      if (failed_) return node;
      if (!key.is_text() && !is_dropped_)
        return fail(key_not_a_text(path(), key, span(key_event->start_mark, key_event->end_mark)));
      const SourceSpan key_span = span(key_event->start_mark, key_event->end_mark);
      Event value_event;
      if (!next(value_event)) return node;
      if (!is_merge) path_.push_back(key.text);
      Node value = read(value_event);
      if (!is_merge) path_.pop_back();
      if (failed_) return node;
      const auto [first, is_new] = seen.emplace(key.text, key_span);
      if (!is_new) {
        if (!is_dropped_) diagnostics_.add(duplicate_key(key.text, key_span, first->second));
      } else if (is_merge) {
        merged.push_back(std::move(value));
      } else {
        node.entries.push_back({key.text, key_span, std::move(value)});
      }
    }
    is_dropped_ = was_dropped;
    KeyIndex keys;
    for (Node& source : merged) merge_into(node, std::move(source), keys);
    return node;
  }

  /// `<<`: what the mapping itself says wins, then the earlier of several sources (CS-24).
  void merge_into(Node& node, Node source, KeyIndex& keys) {
    if (source.is_list()) {
      for (Node& item : source.items) {
        if (!item.is_mapping()) return (void)fail(merge_key_needs_mapping(item.span));
        merge_into(node, std::move(item), keys);
      }
      return;
    }
    if (!source.is_mapping()) return (void)fail(merge_key_needs_mapping(source.span));
    for (Node::Entry& entry : source.entries)
      if (!keys.find(node, entry.key)) node.entries.push_back(std::move(entry));
  }

  std::string path() const {
    std::string path;
    for (const std::string& part : path_) {
      if (!path.empty() && !part.starts_with('[')) path += '.';
      path += part;
    }
    return path;
  }

  std::shared_ptr<const SourceFile> file_;
  Diagnostics& diagnostics_;
  Lines lines_;
  yaml_parser_t parser_{};
  bool failed_ = false;
  bool is_dropped_ = false;  // inside what `!reset` marks, of which only the place counts
  int depth_ = 0;
  std::size_t values_ = 0;       // of the whole file
  std::size_t alias_nodes_ = 0;  // of the document
  std::map<std::string, Anchor> anchors_;
  std::set<std::string> open_anchors_;
  std::vector<std::string> path_;
};

}  // namespace

std::optional<std::vector<Node>> read_documents(const std::shared_ptr<const SourceFile>& file,
                                                Diagnostics& diagnostics) {
  return Reader(file, diagnostics).documents();
}

}  // namespace defang::compose
