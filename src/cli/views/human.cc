#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/views/view.h"
#include "cli/views/wording.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using namespace deploy;

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

class HumanView {
 public:
  HumanView(const Arguments& arguments, Context& context)
      : verbose_(arguments.verbose),
        stream_(context.err),
        arguments_(arguments),
        context_(context),
        color_(wants_color(arguments, context)) {}

  void operator()(const Event& event) {
    std::visit([this](const auto& what) { show(what); }, event.what);
  }

 private:
  static bool wants_color(const Arguments& arguments, const Context& context) {
    if (arguments.color != "auto") return arguments.color == "always";
    return context.err.is_terminal() && context.variable("NO_COLOR").empty() && context.variable("TERM") != "dumb";
  }

  std::string paint(std::string_view code, const std::string& text) const {
    return color_ ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }
  void line(const std::string& text) { stream_.write(text + "\n"); }

  void show(const RunStarted& event) {
    line(fmt::format("project `{}`, stack `{}`: resource group `{}` in {}", event.project, event.stack, event.group,
                     event.location));
  }
  void show(const NodeStarted& event) {
    const auto& wording = wording_[event.node] = wording_of(event);
    line(fmt::format("  {} {}", wording.now, wording.what));
  }
  void show(const NodeWaiting& event) {
    if (verbose_) line(fmt::format("  {}: {}", title_of(event.node), event.state));
  }
  void show(const NodeLog& event) { line(fmt::format("  {} | {}", event.node, event.line)); }
  void show(const NodeFinished& event) {
    if (event.how == NodeFinished::How::unchanged) {
      if (verbose_) line(fmt::format("  unchanged {}", event.node));
      return;
    }
    const auto wording = wording_.find(event.node);
    line(paint("32", fmt::format("  {} {} in {}", wording == wording_.end() ? "done" : wording->second.done,
                                 title_of(event.node), seconds(event.took))) +
         (event.detail.empty() ? "" : ": " + event.detail));
  }
  void show(const NodeFailed& event) {
    line(paint("31", fmt::format("  failed {} after {}", title_of(event.node), seconds(event.took))));
    print(event.error, arguments_, context_);
  }
  void show(const NodeSkipped& event) { skipped_[title_of(event.because_of)].push_back(event.node); }
  void show(const Notice& event) { line("  " + event.message); }
  void show(const RunFinished& event) {
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
    line(fmt::format("{} in {}: {}", how, seconds(event.took), counts.empty() ? "nothing to do" : counts));
  }

  std::string title_of(const std::string& node) const {
    const auto wording = wording_.find(node);
    return wording == wording_.end() ? fmt::format("`{}`", node) : wording->second.what;
  }

  bool verbose_;
  Stream& stream_;
  const Arguments& arguments_;
  Context& context_;
  bool color_;
  std::map<std::string, Wording> wording_;
  std::map<std::string, std::vector<std::string>> skipped_;  // by what they wait for in vain
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
