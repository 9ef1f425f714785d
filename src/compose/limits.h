#pragma once

#include <cstddef>

/// How much a project may ask for. Far more than people write, and little enough that a hostile file neither takes the
/// memory nor the time of who loads it.
namespace defang::compose {

inline constexpr std::size_t kMostFileBytes = 16u << 20;
inline constexpr int kDeepestNesting = 200;                 // mappings and lists
inline constexpr std::size_t kMostAliasNodes = 100000;      // CS-24: the reference's limit a document
inline constexpr std::size_t kAliasBytesAsNode = 100;       // a long text counts as several
inline constexpr int kDeepestDefault = 100;                 // ${A:-${B:-...}}
inline constexpr std::size_t kMostTextBytes = 1u << 20;     // one text, variables filled in
inline constexpr std::size_t kMostFilledBytes = 64u << 20;  // all texts of a document or env file
inline constexpr std::size_t kLongestExtends = 200;
inline constexpr std::size_t kMostIncludes = 1000;  // in all
inline constexpr std::size_t kDeepestIncludes = 50;

}  // namespace defang::compose
