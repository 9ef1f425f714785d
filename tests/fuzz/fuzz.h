#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What every target here checks about any input: besides not crashing, something that must hold. A broken promise ends
/// the program, which libFuzzer reports together with the input.
#define PROMISE(condition)                                                         \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

/// One target a program.
void examine(std::string_view input);
