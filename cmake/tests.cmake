# Test programs. Every folder may be empty.
include(GoogleTest)
find_package(GTest REQUIRED)

set(tests_dir ${PROJECT_SOURCE_DIR}/test)

# Certificates, fake BIOs and the like, shared by all tests. It links neither libssl: the program
# that uses it decides which one.
file(GLOB support_sources CONFIGURE_DEPENDS ${tests_dir}/support/*.cc)
add_library(test_support_usage INTERFACE)
target_include_directories(test_support_usage INTERFACE ${tests_dir} ${PROJECT_SOURCE_DIR}/include)
target_include_directories(test_support_usage SYSTEM INTERFACE ${OPENSSL_INCLUDE_DIR})
# Tests are compiled more often than they run; more than that is not worth the compiler's time.
target_compile_options(test_support_usage INTERFACE $<$<CONFIG:Release>:-O1>)
# Warnings of g++ 12 about libstdc++ itself, which it leaves out unless its headers are precompiled.
target_compile_options(test_support_usage INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict>)
target_compile_definitions(test_support_usage INTERFACE
  OPENSSL_SUPPRESS_DEPRECATED HANDFAST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
if(support_sources)
  add_library(test_support STATIC ${support_sources})
  target_link_libraries(test_support PUBLIC test_support_usage PRIVATE handfast_warnings)
else()
  add_library(test_support INTERFACE)
  target_link_libraries(test_support INTERFACE test_support_usage)
endif()

file(GLOB_RECURSE unit_sources CONFIGURE_DEPENDS ${tests_dir}/unit/*.cc)
# ThreadSanitizer has something to say about tests with threads only (named *Thread*).
if(HANDFAST_SANITIZE STREQUAL "thread")
  foreach(source IN LISTS unit_sources)
    file(STRINGS ${source} threads REGEX "Thread" LIMIT_COUNT 1)
    if(source MATCHES "_test\\.cc$" AND NOT threads)
      list(REMOVE_ITEM unit_sources ${source})
    endif()
  endforeach()
endif()
if(unit_sources)
  # Not a part of `all`: with each compiler and sanitizer they are built where they are run.
  add_executable(unit_tests EXCLUDE_FROM_ALL ${unit_sources})
  target_include_directories(unit_tests PRIVATE ${PROJECT_SOURCE_DIR}/src)
  # `if (x) EXPECT_EQ(...);` is plain enough; the else is inside GoogleTest's macro.
  target_compile_options(unit_tests PRIVATE -Wno-dangling-else)
  target_link_libraries(unit_tests PRIVATE
    handfast_warnings test_support handfast_static OpenSSL::Crypto
    GTest::gtest GTest::gtest_main Threads::Threads)
  # Sanitizers are for the library: to have them look at every line of the tests takes longer than
  # all the rest.
  target_compile_options(unit_tests PRIVATE $<$<CONFIG:Sanitize>:-O0>)
  if(HANDFAST_SANITIZE MATCHES "undefined")
    target_compile_options(unit_tests PRIVATE -fno-sanitize=undefined)
  endif()
  # Parsing headers is most of the build of tests.
  target_precompile_headers(unit_tests PRIVATE
    <gtest/gtest.h> <openssl/ct.h> <openssl/ocsp.h> <openssl/engine.h>
    <algorithm> <map> <span> <string> <vector> ${tests_dir}/support/resumption13.h)
  gtest_discover_tests(unit_tests DISCOVERY_MODE PRE_TEST)
endif()

# Programs written only against <openssl/ssl.h>. They are linked with the system's libssl and meet
# Handfast through LD_LIBRARY_PATH, as any program does. The first one's precompiled headers are
# those of all of the folder.
function(handfast_programs folder output)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc ${folder}/*.c)
  set(first "")
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    set(target ${output}_${name})
    add_executable(${target} ${source})
    if(source MATCHES "\\.cc$")
      if(first)
        target_precompile_headers(${target} REUSE_FROM ${first})
      else()
        set(first ${target})
        target_precompile_headers(${target} PRIVATE
          <algorithm> <map> <string> <vector> ${tests_dir}/support/resumption13.h)
      endif()
    endif()
    set_target_properties(${target} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${output})
    target_link_libraries(${target} PRIVATE
      handfast_warnings ${ARGN} OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
  endforeach()
endfunction()

handfast_programs(${tests_dir}/twin twin test_support)
handfast_programs(${tests_dir}/twin/pairings pairings test_support)

# Notes what the twin programs call (test/twin/coverage/run).
if(NOT HANDFAST_SANITIZE)
  add_library(twin_coverage MODULE ${tests_dir}/twin/coverage/calls.c)
  set_target_properties(twin_coverage PROPERTIES
    OUTPUT_NAME calls LINKER_LANGUAGE C LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/twin_coverage)
  target_link_libraries(twin_coverage PRIVATE handfast_warnings)
endif()

handfast_programs(${tests_dir}/apps apps test_support)
handfast_programs(${tests_dir}/peers peers test_support)
handfast_programs(${tests_dir}/abi abi test_support)

# Programs that declare secrets undefined to valgrind's memcheck (Debian: valgrind). Sanitizers and
# valgrind do not go together.
find_path(HANDFAST_VALGRIND_INCLUDE valgrind/memcheck.h)
if(HANDFAST_VALGRIND_INCLUDE AND NOT HANDFAST_SANITIZE)
  file(GLOB constant_time_sources CONFIGURE_DEPENDS ${tests_dir}/constant_time/*.cc)
  foreach(source IN LISTS constant_time_sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(constant_time_${name} ${source})
    set_target_properties(constant_time_${name} PROPERTIES
      OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/constant_time)
    target_include_directories(constant_time_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_include_directories(constant_time_${name} SYSTEM PRIVATE ${HANDFAST_VALGRIND_INCLUDE})
    target_compile_definitions(constant_time_${name} PRIVATE OPENSSL_SUPPRESS_DEPRECATED)
    target_link_libraries(constant_time_${name} PRIVATE
      handfast_warnings handfast_static OpenSSL::Crypto Threads::Threads)
  endforeach()
endif()

if(EXISTS ${PROJECT_SOURCE_DIR}/examples/CMakeLists.txt)
  add_subdirectory(examples)
  # What ./demo shows, as one target: make builds several named ones one after the other.
  get_property(example_programs DIRECTORY examples PROPERTY BUILDSYSTEM_TARGETS)
  add_custom_target(demo_parts DEPENDS handfast_shared handfast_tool ${example_programs})
endif()

# Runners that print PASS/FAIL/SKIP lines; `check` counts those lines, ctest their exit status.
foreach(runner twin twin/pairings apps peers abi lint product)
  if(EXISTS ${tests_dir}/${runner}/run)
    set(arguments)
    if(runner MATCHES "^twin")
      get_filename_component(programs ${runner} NAME)
      set(arguments ${PROJECT_BINARY_DIR}/lib ${PROJECT_BINARY_DIR}/${programs})
    endif()
    add_test(NAME ${runner} COMMAND ${tests_dir}/${runner}/run ${arguments})
    set_tests_properties(${runner} PROPERTIES
      ENVIRONMENT "HANDFAST_BUILD=${PROJECT_BINARY_DIR}" WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  endif()
endforeach()
