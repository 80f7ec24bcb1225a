# The product: build/<preset>/lib/libssl.so.3 and build/<preset>/libhandfast.a, from one set of
# objects.
file(GLOB_RECURSE library_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cc)
list(FILTER library_sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/src/tool/")
file(GLOB_RECURSE api_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/api/*.cc)

# src/api/functions.def is the one table of exported functions; the version script is generated from
# it.
set(abi_script ${PROJECT_SOURCE_DIR}/scripts/abi.py)
set(abi_table ${PROJECT_SOURCE_DIR}/src/api/functions.def)
set(generated ${PROJECT_BINARY_DIR}/generated)
set(abi_map ${generated}/libssl.map)
file(MAKE_DIRECTORY ${generated})
add_custom_command(
  OUTPUT ${abi_map}
  COMMAND ${HANDFAST_PYTHON} ${abi_script} version-script ${abi_map}
  DEPENDS ${abi_script} ${abi_table}
  VERBATIM)
add_custom_target(abi_map DEPENDS ${abi_map})
add_custom_target(abi_doc
  COMMAND ${HANDFAST_PYTHON} ${abi_script} doc ${PROJECT_SOURCE_DIR}/docs/abi.md
  VERBATIM)

set_source_files_properties(${api_sources} PROPERTIES
  COMPILE_OPTIONS "-include;${PROJECT_SOURCE_DIR}/cmake/abi_visibility.h"
  OBJECT_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/abi_visibility.h)

add_library(handfast_objects OBJECT ${library_sources})
set_target_properties(handfast_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(handfast_objects PUBLIC
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_include_directories(handfast_objects SYSTEM PUBLIC ${OPENSSL_INCLUDE_DIR})
target_compile_definitions(handfast_objects PRIVATE OPENSSL_SUPPRESS_DEPRECATED)
target_compile_options(handfast_objects PRIVATE
  -fvisibility=hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-semantic-interposition
  $<$<CONFIG:Release>:-fstack-protector-strong -D_FORTIFY_SOURCE=2>)
target_link_libraries(handfast_objects PRIVATE handfast_warnings)
# Parsing headers is most of the build. Not in the release preset: there each file must include what
# it uses.
if(HANDFAST_PCH)
  target_precompile_headers(handfast_objects PRIVATE
    ${PROJECT_SOURCE_DIR}/cmake/abi_visibility.h
    <openssl/err.h> <openssl/x509.h> <openssl/ct.h> <openssl/ocsp.h> <openssl/engine.h>
    <algorithm> <atomic> <cstring> <memory> <span> <string_view>)
endif()

# OUTPUT_NAME and SUFFIX instead of SOVERSION: the folder must hold libssl.so.3 and nothing else, so
# that LD_LIBRARY_PATH can point at it.
add_library(handfast_shared SHARED $<TARGET_OBJECTS:handfast_objects>)
set_target_properties(handfast_shared PROPERTIES
  OUTPUT_NAME ssl SUFFIX .so.3 EXPORT_NAME ssl LINKER_LANGUAGE C
  LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
  LINK_DEPENDS ${abi_map})
add_dependencies(handfast_shared abi_map)
target_link_options(handfast_shared PRIVATE
  -static-libgcc
  -Wl,--version-script=${abi_map}
  -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
if(NOT HANDFAST_SANITIZE)
  target_link_options(handfast_shared PRIVATE -Wl,-z,defs)
endif()
# Whoever uses <openssl/ssl.h> calls libcrypto as well.
target_link_libraries(handfast_shared PUBLIC OpenSSL::Crypto)
target_include_directories(handfast_shared INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

add_library(handfast_static STATIC $<TARGET_OBJECTS:handfast_objects>)
set_target_properties(handfast_static PROPERTIES
  OUTPUT_NAME handfast EXPORT_NAME ssl_static LINKER_LANGUAGE C
  ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_include_directories(handfast_static INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(handfast_static PUBLIC OpenSSL::Crypto)

add_library(Handfast::ssl ALIAS handfast_shared)
add_library(Handfast::ssl_static ALIAS handfast_static)
