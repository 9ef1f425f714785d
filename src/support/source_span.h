#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace defang {

/// A text that was read, kept whole so that messages can show its lines long after loading.
struct SourceFile {
  std::string path;  // as the user would write it: relative to the working directory where it lies below
  std::string text;
};

/// A place in a user's file. Empty (no file) where nothing of the user's asked for something.
struct SourceSpan {
  std::shared_ptr<const SourceFile> file;
  std::size_t line = 0;    // 1-based; 0: the file as a whole
  std::size_t column = 0;  // 1-based, in bytes
  std::size_t length = 0;  // bytes on that line; 0: unknown, shown as one caret

  explicit operator bool() const { return file != nullptr; }
  /// "compose.yaml:7:5"; "compose.yaml" without a line; "" when empty.
  std::string text() const;
  friend bool operator==(const SourceSpan& a, const SourceSpan& b) {
    return a.line == b.line && a.column == b.column &&
           (a.file == b.file || (a.file && b.file && a.file->path == b.file->path));
  }
};

/// A value together with the place that it was read from.
template <class T>
struct Spanned {
  T value{};
  SourceSpan span;

  const T& operator*() const { return value; }
  const T* operator->() const { return &value; }
};

}  // namespace defang
