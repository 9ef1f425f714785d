#include "cli/views/board.h"

#include <fmt/format.h>

#include <algorithm>

namespace defang::cli {
namespace {

using std::chrono::seconds;

std::string minutes_and_seconds(seconds time) { return fmt::format("{}:{:02}", time.count() / 60, time.count() % 60); }

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string fit(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  for (const char c : text) {
    if (!continues_a_character(c) && ++used > columns) break;
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  if (used <= columns) return out;
  while (!out.empty() && continues_a_character(out.back())) out.pop_back();
  if (!out.empty()) out.pop_back();
  return columns == 0 ? "" : out + "…";
}

void Board::start(const std::string& node, std::string what, seconds usual, Time now) {
  end(node);
  rows_.push_back({node, std::move(what), "", usual, now});
}

void Board::tell(const std::string& node, std::string news) {
  const auto row = std::ranges::find(rows_, node, &Row::node);
  if (row != rows_.end()) row->news = std::move(news);
}

void Board::end(const std::string& node) {
  std::erase_if(rows_, [&](const Row& row) { return row.node == node; });
}

std::vector<std::string> Board::lines(Time now, std::size_t columns, std::size_t rows) const {
  std::vector<std::string> out;
  const std::size_t shown = rows_.size() > rows ? std::max<std::size_t>(rows, 1) - 1 : rows_.size();
  for (const Row& row : rows_) {
    if (out.size() == shown) break;
    const auto took = std::chrono::duration_cast<seconds>(now - row.since);
    std::string line = fmt::format("  {} {}", row.what, minutes_and_seconds(took));
    if (row.usual >= seconds(5)) line += fmt::format(", usually {}", minutes_and_seconds(row.usual));
    if (!row.news.empty()) line += " · " + row.news;
    out.push_back(fit(line, columns));
  }
  if (shown < rows_.size()) out.push_back(fit(fmt::format("  and {} more", rows_.size() - shown), columns));
  return out;
}

}  // namespace defang::cli
