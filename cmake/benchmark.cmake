# benchmark/: programs against libssl's public API only; ./bench runs them on both libraries.
file(GLOB benchmark_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/benchmark/*.cc)
foreach(source IN LISTS benchmark_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(benchmark_${name} ${source})
  set_target_properties(benchmark_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmark)
  target_compile_definitions(benchmark_${name} PRIVATE OPENSSL_SUPPRESS_DEPRECATED)
  target_link_libraries(benchmark_${name} PRIVATE
    handfast_warnings OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
endforeach()
