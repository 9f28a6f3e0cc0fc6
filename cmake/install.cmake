# `cmake --install build` gives the program, the headers, the libraries and a package for
# find_package(otoscope): link otoscope::eval (or any other room) and include <otoscope/...>.
include(CMakePackageConfigHelpers)
get_property(rooms GLOBAL PROPERTY OTOSCOPE_ROOMS)
set(targets otoscope_warnings)
foreach(room ${rooms})
  list(APPEND targets otoscope_${room})
endforeach()
install(TARGETS otoscope RUNTIME)
install(TARGETS ${targets} EXPORT otoscope-targets ARCHIVE)
install(DIRECTORY include/otoscope TYPE INCLUDE)
install(EXPORT otoscope-targets NAMESPACE otoscope:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/otoscope)
configure_package_config_file(cmake/otoscope-config.cmake.in ${PROJECT_BINARY_DIR}/otoscope-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/otoscope)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/otoscope-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES cmake/Finddnnl.cmake ${PROJECT_BINARY_DIR}/otoscope-config.cmake ${PROJECT_BINARY_DIR}/otoscope-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/otoscope)
