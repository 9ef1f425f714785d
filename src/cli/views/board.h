#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace defang::cli {

/// What a run is working on at the moment, one line a node: what, for how long, how long that usually takes, and the
/// newest word on it. Knows no terminal: what happens goes in, lines come out.
class Board {
 public:
  using Time = std::chrono::milliseconds;

  /// `what`: "creating vault `x`". `usual`: 0 where nobody knows.
  void start(const std::string& node, std::string what, std::chrono::seconds usual, Time now);
  /// The state that Azure shows, or the last line of a build.
  void tell(const std::string& node, std::string news);
  void end(const std::string& node);
  void clear() { rows_.clear(); }
  bool empty() const { return rows_.empty(); }

  /// In the order in which they began, at most `rows`, each at most `columns` wide.
  std::vector<std::string> lines(Time now, std::size_t columns, std::size_t rows) const;

 private:
  struct Row {
    std::string node, what, news;
    std::chrono::seconds usual;
    Time since;
  };
  std::vector<Row> rows_;
};

/// At most `columns` characters of UTF-8, the last an ellipsis where something was left out; nothing that would move
/// the cursor.
std::string fit(std::string_view text, std::size_t columns);

}  // namespace defang::cli
