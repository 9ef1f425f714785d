#pragma once

#include <cstddef>

/// How much a project may ask for. Far more than people write, and little enough that a hostile file neither takes the
/// memory nor the time of who loads it.
namespace defang::compose {

inline constexpr std::size_t kMostFileBytes = 16u << 20;
inline constexpr int kDeepestNesting = 200;                 // mappings and lists
inline constexpr std::size_t kMostAliasNodes = 100000;      // CS-24: the reference's limit a document
inline constexpr std::size_t kMostValues = 400000;          // of a project, each as often as it is used
inline constexpr std::size_t kBytesAsValue = 100;           // a long text counts as several
inline constexpr std::size_t kMostTagDirectives = 1000;     // libyaml compares each with all before
inline constexpr std::size_t kMostDocuments = 100;          // that are merged
inline constexpr std::size_t kMostMistakes = 1000;          // that are told
inline constexpr int kDeepestDefault = 100;                 // ${A:-${B:-...}}
inline constexpr std::size_t kMostTextBytes = 1u << 20;     // one text, variables filled in
inline constexpr std::size_t kMostFilledBytes = 32u << 20;  // all texts of a document or env file
inline constexpr std::size_t kLongestExtends = 200;
inline constexpr std::size_t kMostIncludes = 1000;  // in all
inline constexpr std::size_t kDeepestIncludes = 50;

}  // namespace defang::compose
