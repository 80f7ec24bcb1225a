# The library goes to a folder of its own: a libssl.so.3 in the linker's default path would replace
# the system's library for every program of the machine.
set(HANDFAST_INSTALL_LIBDIR ${CMAKE_INSTALL_LIBDIR}/handfast)

install(TARGETS handfast_shared handfast_static EXPORT HandfastTargets
  LIBRARY DESTINATION ${HANDFAST_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET handfast_tool)
  install(TARGETS handfast_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# The exported targets name this folder, so it has to exist even without headers of our own.
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(EXISTS ${PROJECT_SOURCE_DIR}/include/handfast)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/handfast
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
endif()

configure_file(cmake/handfast.pc.in ${PROJECT_BINARY_DIR}/handfast.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/handfast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Handfast)
install(EXPORT HandfastTargets NAMESPACE Handfast:: DESTINATION ${package_dir})
configure_package_config_file(cmake/HandfastConfig.cmake.in
  ${PROJECT_BINARY_DIR}/HandfastConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/HandfastConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/HandfastConfig.cmake
  ${PROJECT_BINARY_DIR}/HandfastConfigVersion.cmake DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
