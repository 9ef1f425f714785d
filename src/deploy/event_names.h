#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "deploy/event.h"

/// The words that lines of events use.
namespace defang::deploy {

template <class E, std::size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

inline constexpr Names<NodeStarted::Doing, 5> kDoings = {{{NodeStarted::Doing::create, "create"},
                                                          {NodeStarted::Doing::update, "update"},
                                                          {NodeStarted::Doing::adopt, "adopt"},
                                                          {NodeStarted::Doing::run, "run"},
                                                          {NodeStarted::Doing::remove, "remove"}}};
inline constexpr Names<NodeFinished::How, 6> kNodeEnds = {{{NodeFinished::How::created, "created"},
                                                           {NodeFinished::How::updated, "updated"},
                                                           {NodeFinished::How::adopted, "adopted"},
                                                           {NodeFinished::How::unchanged, "unchanged"},
                                                           {NodeFinished::How::ran, "ran"},
                                                           {NodeFinished::How::removed, "removed"}}};
inline constexpr Names<RunFinished::How, 3> kRunEnds = {
    {{RunFinished::How::done, "done"}, {RunFinished::How::failed, "failed"}, {RunFinished::How::stopped, "stopped"}}};

template <class E, std::size_t N>
std::string_view name_of(const Names<E, N>& names, E wanted) {
  return std::ranges::find(names, wanted, &std::pair<E, std::string_view>::first)->second;
}

}  // namespace defang::deploy
