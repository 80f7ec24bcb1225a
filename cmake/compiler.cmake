# Flags shared by everything that is built here.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(HANDFAST_CCACHE ccache)
  if(HANDFAST_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${HANDFAST_CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${HANDFAST_CCACHE})
  endif()
endif()

# The shared library is linked by the C driver; CMake must not add libstdc++ back because some of
# its objects were compiled as C++.
set(HANDFAST_CXX_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
set(CMAKE_CXX_IMPLICIT_LINK_LIBRARIES "")

set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

add_library(handfast_warnings INTERFACE)
target_compile_options(handfast_warnings INTERFACE -Wall -Wextra)
# Instrumented code makes g++ warn of uses that are not there; the plain builds are the judges.
if(HANDFAST_WERROR AND NOT HANDFAST_SANITIZE)
  target_compile_options(handfast_warnings INTERFACE -Werror)
endif()

if(HANDFAST_SANITIZE)
  add_compile_options(-fsanitize=${HANDFAST_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HANDFAST_SANITIZE})
endif()
