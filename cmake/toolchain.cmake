# Warnings are errors: a warning that may stay is switched off here, with its reason.
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 at -O2 sees uninitialised and restricted memory inside std::string and std::variant that is none (GCC bugs 105329, 105593).
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-missing-field-initializers)
else()
  # What an initialiser leaves out has its default; clang's own idea of this warning cannot be told apart from a mistake.
  add_compile_options(-Wno-missing-field-initializers -Wno-missing-designated-field-initializers)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # base_dir and hash_dir: two checkouts of the same commit share the cache, whatever the language of who builds, which is part of the hash
  # otherwise. Sloppiness: without it, it gives up on precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env --unset=LANG --unset=LC_ALL --unset=LC_CTYPE --unset=LC_MESSAGES
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The first lets ccache see through precompiled headers. The second: less garbage collection inside of g++, which takes a tenth of the time.
  add_compile_options(-fpch-preprocess "SHELL:--param ggc-min-heapsize=524288")
endif()
# -O3 takes a fifth more time to compile, and g++ 12 sees overflows in std::string with it that are none.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
find_program(MOLD mold)
if(MOLD AND DEFANG_STATIC STREQUAL "OFF")  # mold links static programs too, but the release is linked by the tool that everybody has
  add_link_options(-fuse-ld=mold)
endif()

if(DEFANG_SANITIZE)
  add_compile_options(-fsanitize=${DEFANG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${DEFANG_SANITIZE})
  if(DEFANG_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link -O1)
  else()
    # Cheap to compile, for every commit pays for it: no optimisation, and without those checks of every member access that
    # double the code and whose findings crash under the address sanitizer anyhow.
    add_compile_options(-O0 -fno-sanitize=alignment,null,object-size,vptr)
  endif()
  if(DEFANG_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio has fences, which this sanitizer does not model; every queue of Asio has a mutex besides.
    add_compile_options(-Wno-tsan)
  endif()
else()
  string(REPLACE "-g" "-g1" CMAKE_CXX_FLAGS_DEBUG "${CMAKE_CXX_FLAGS_DEBUG}")
endif()
