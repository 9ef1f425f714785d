#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "cli/views/board.h"
#include "cli/views/view.h"
#include "cli/views/wording.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using namespace deploy;

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

constexpr std::chrono::milliseconds kRefresh{200};
constexpr int kNarrowest = 20;
constexpr std::size_t kKeptLines = 20;  // of a build's log, shown when it fails

/// On a terminal: what is done stands above as lines, what goes on below as a board that is drawn again and again.
/// Elsewhere: lines only, and every line of a log.
class HumanView {
 public:
  HumanView(const Arguments& arguments, Context& context)
      : arguments_(arguments),
        context_(context),
        color_(wants_color(arguments, context)),
        is_live_(wants_board(arguments, context)),
        on_stop_(context.stop, [this] { tell_of_stop(); }) {
    if (is_live_) ticker_ = std::jthread([this](std::stop_token stop) { refresh(stop); });
  }

  void operator()(const Event& event) {
    const std::lock_guard lock(mutex_);
    erase_board();
    std::visit([this](const auto& what) { show(what); }, event.what);
    draw_board();
  }

 private:
  static bool is_dumb(const Context& context) {
    return context.variable("TERM").empty() || context.variable("TERM") == "dumb";
  }
  static bool wants_color(const Arguments& arguments, const Context& context) {
    if (arguments.color != "auto") return arguments.color == "always";
    return context.err.is_terminal() && context.variable("NO_COLOR").empty() && !is_dumb(context);
  }
  static bool wants_board(const Arguments& arguments, const Context& context) {
    return !arguments.quiet && context.err.is_terminal() && !is_dumb(context) &&
           context.err.size().columns >= kNarrowest;
  }

  // --- the board

  void refresh(std::stop_token stop) {
    while (context_.clock.sleep_for(kRefresh, stop)) {
      const std::lock_guard lock(mutex_);
      erase_board();
      draw_board();
    }
  }
  void erase_board() {
    // A terminal that has become narrower wraps what was drawn.
    const auto columns = static_cast<std::size_t>(std::max(context_.err.size().columns, 1));
    std::size_t rows = 0;
    for (const std::size_t width : drawn_) rows += std::max<std::size_t>((width + columns - 1) / columns, 1);
    if (rows > 0) context_.err.write(fmt::format("\r\033[{}A\033[J", rows));
    drawn_.clear();
  }
  void draw_board() {
    if (!is_live_ || board_.empty()) return;
    const auto size = context_.err.size();
    std::string text;
    // One column stays free, since a full line already wraps on some terminals; a row for the cursor, one to see above.
    for (const auto& one :
         board_.lines(context_.clock.elapsed(), static_cast<std::size_t>(std::max(size.columns - 1, 1)),
                      static_cast<std::size_t>(std::max(size.rows - 2, 1)))) {
      drawn_.push_back(static_cast<std::size_t>(
          std::ranges::count_if(one, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; })));
      text += paint("2", one) + "\n";
    }
    context_.err.write(text);
  }
  void tell_of_stop() {
    const std::lock_guard lock(mutex_);
    erase_board();
    if (!is_over_ && !arguments_.quiet)
      line(paint("33", "  stopping; what Azure has begun goes on there. Ctrl-C again leaves at once"));
    draw_board();
  }

  // --- lines

  std::string paint(std::string_view code, const std::string& text) const {
    return color_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }
  void line(const std::string& text) { context_.err.write(text + "\n"); }
  void progress(const std::string& text) {
    if (!arguments_.quiet) line(text);
  }

  void show(const RunStarted& event) {
    progress(fmt::format("project `{}`, stack `{}`: resource group `{}` in {}", event.project, event.stack, event.group,
                         event.location));
  }
  void show(const NodeStarted& event) {
    const auto& wording = wording_[event.node] = wording_of(event);
    const std::string what = wording.now + " " + wording.what;
    board_.start(event.node, what, event.usual, context_.clock.elapsed());
    if (!is_live_) progress("  " + what);
  }
  void show(const NodeWaiting& event) {
    board_.tell(event.node, event.state);
    if (arguments_.verbose) progress(fmt::format("  {}: {}", title_of(event.node), event.state));
  }
  void show(const NodeLog& event) {
    board_.tell(event.node, event.line);
    if (!is_live_ || arguments_.verbose) return progress(log_line(event));
    auto& kept = logs_[event.node];
    kept.push_back(event);
    if (kept.size() > kKeptLines) kept.pop_front();
  }
  void show(const NodeFinished& event) {
    board_.end(event.node);
    if (event.how == NodeFinished::How::unchanged) {
      if (arguments_.verbose) progress(fmt::format("  unchanged {}", event.node));
      return;
    }
    const auto wording = wording_.find(event.node);
    progress(paint("32", fmt::format("  {} {} in {}", wording == wording_.end() ? "done" : wording->second.done,
                                     title_of(event.node), seconds(event.took))) +
             (event.detail.empty() ? "" : ": " + event.detail));
  }
  void show(const NodeFailed& event) {
    board_.end(event.node);
    for (const auto& one : logs_[event.node]) line(log_line(one));
    line(paint("31", fmt::format("  failed {} after {}", title_of(event.node), seconds(event.took))));
    print(event.error, arguments_, context_);
  }
  void show(const NodeSkipped& event) { skipped_[title_of(event.because_of)].push_back(event.node); }
  void show(const Notice& event) { progress("  " + event.message); }
  void show(const RunFinished& event) {
    is_over_ = true;
    board_.clear();
    for (const auto& [cause, nodes] : skipped_)
      line(paint("33", fmt::format("  skipped, because of {}: {}", cause, join(nodes, ", "))));
    std::string counts;
    const std::pair<std::string_view, std::size_t> rows[] = {
        {"created", event.created}, {"updated", event.updated}, {"unchanged", event.unchanged},
        {"removed", event.removed}, {"failed", event.failed},   {"skipped", event.skipped}};
    for (const auto& [word, count] : rows)
      if (count > 0) counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, word);
    const std::string how = event.how == RunFinished::How::done      ? "done"
                            : event.how == RunFinished::How::stopped ? "stopped"
                                                                     : "failed";
    progress(fmt::format("{} in {}: {}", how, seconds(event.took), counts.empty() ? "nothing to do" : counts));
  }

  std::string log_line(const NodeLog& event) const {
    return fmt::format("  {} | {}", event.node, fit(event.line, std::string::npos));
  }
  std::string title_of(const std::string& node) const {
    const auto wording = wording_.find(node);
    return wording == wording_.end() ? fmt::format("`{}`", node) : wording->second.what;
  }

  const Arguments& arguments_;
  Context& context_;
  const bool color_, is_live_;
  std::mutex mutex_;  // events, the ticker and Ctrl-C come from different threads
  bool is_over_ = false;
  std::map<std::string, Wording> wording_;
  std::map<std::string, std::deque<NodeLog>> logs_;
  std::map<std::string, std::vector<std::string>> skipped_;  // by what they wait for in vain
  Board board_;
  std::vector<std::size_t> drawn_;  // widths of the board's lines as they stand on the terminal
  std::stop_callback<std::function<void()>> on_stop_;
  std::jthread ticker_;  // last: it uses the rest
};

}  // namespace

deploy::EventSink make_human_view(const Arguments& arguments, Context& context) {
  return [view = std::make_shared<HumanView>(arguments, context)](const deploy::Event& event) { (*view)(event); };
}

std::string table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < headings.size(); ++column) {
    std::size_t width = headings[column].size();
    for (const auto& row : rows) width = std::max(width, row[column].size());
    widths.push_back(width);
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells, bool heading) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      const std::string cell = heading ? to_upper(cells[column]) : cells[column];
      line += column + 1 == cells.size() ? cell : fmt::format("{:<{}}", cell, widths[column] + 2);
    }
    text += std::string(line.substr(0, line.find_last_not_of(' ') + 1)) + "\n";
  };
  add(headings, true);
  for (const auto& row : rows) add(row, false);
  return text;
}

}  // namespace defang::cli
