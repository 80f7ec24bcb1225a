# The `handfast` program: an ordinary C++ program that never links libssl itself.
file(GLOB tool_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/tool/*.cc)
if(tool_sources)
  add_executable(handfast_tool ${tool_sources})
  set_target_properties(handfast_tool PROPERTIES
    OUTPUT_NAME handfast RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_include_directories(handfast_tool PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(handfast_tool PRIVATE
    HANDFAST_VERSION="${PROJECT_VERSION}"
    HANDFAST_INSTALL_SUBDIR="${CMAKE_INSTALL_LIBDIR}/handfast")
  target_link_libraries(handfast_tool PRIVATE handfast_warnings)
endif()
