# Tests that look at the build itself.
if(NOT OTOSCOPE_TESTS)
  return()
endif()

# Per-ISA objects keep to their namespace (tests/kernels/weak_symbols.sh says why). Sanitizers and coverage add
# symbols of their own, so only plain builds are judged.
if(NOT CMAKE_CXX_FLAGS MATCHES "sanitize|coverage")
  file(GLOB_RECURSE per_isa CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src/*_avx2.cpp ${PROJECT_SOURCE_DIR}/src/*_avx512.cpp ${PROJECT_SOURCE_DIR}/src/*_amx.cpp)
  set(objects)
  foreach(source ${per_isa})
    string(REGEX REPLACE "^src/([^/]*)/.*" "\\1" room ${source})
    list(APPEND objects ${PROJECT_BINARY_DIR}/CMakeFiles/otoscope_${room}.dir/${source}.o)
  endforeach()
  add_test(NAME "kernels: per-ISA objects define nothing outside their namespace"
    COMMAND ${PROJECT_SOURCE_DIR}/tests/kernels/weak_symbols.sh ${objects})
  set_tests_properties("kernels: per-ISA objects define nothing outside their namespace" PROPERTIES LABELS fast)
endif()
