# benchmark/: one program against libssl's public API only; ./bench runs it on both libraries.
file(GLOB benchmark_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/benchmark/*.cc)
if(benchmark_sources)
  add_executable(libssl_bench ${benchmark_sources})
  set_target_properties(libssl_bench PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmark)
  target_include_directories(libssl_bench PRIVATE ${PROJECT_SOURCE_DIR}/benchmark)
  target_compile_definitions(libssl_bench PRIVATE OPENSSL_SUPPRESS_DEPRECATED)
  target_link_libraries(libssl_bench PRIVATE
    handfast_warnings OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
endif()
