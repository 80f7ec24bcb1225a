# One libFuzzer program per test/fuzz/*_fuzz.cc; every other .cc there is shared by all of them.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "HANDFAST_FUZZ needs clang (preset fuzz)")
endif()
# Coverage for the library and the tests' support code, without libFuzzer's main.
target_compile_options(handfast_objects PRIVATE -fsanitize=fuzzer-no-link)

file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/fuzz/*_fuzz.cc)
file(GLOB fuzz_support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/fuzz/*.cc)
if(fuzz_sources)
  list(REMOVE_ITEM fuzz_support ${fuzz_sources})
endif()
file(GLOB fuzz_test_support CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/test/support/*.cc)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} ${fuzz_support} ${fuzz_test_support})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/test)
  target_compile_definitions(${name} PRIVATE
    OPENSSL_SUPPRESS_DEPRECATED HANDFAST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE
    handfast_warnings handfast_static OpenSSL::Crypto Threads::Threads)
endforeach()
