# One room of the house = one static library, with the tests and fuzz targets that bear its name.
# Files are found by pattern, so adding one needs no edit here. `x_avx2.cpp`, `x_avx512.cpp` and
# `x_amx.cpp` are compiled with the flags of that instruction set, everything else for any x86-64. From io down the
# headers that most files include are parsed once (precompiled), and the preset release compiles ten files of a
# room as one (OTOSCOPE_TOGETHER): names in unnamed namespaces must differ within a room. clang's presets go
# without either, so an #include that a file forgot is found there.
#
#   otoscope_room(sae USES store)          links otoscope_store and, through it, the rooms above
set(OTOSCOPE_COMMON_HEADERS <algorithm> <cmath> <filesystem> <functional> <map> <memory> <optional> <set> <span>
  <string> <string_view> <vector> <fmt/format.h> <nlohmann/json.hpp>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)  # without it ccache passes over whatever uses a precompiled header
endif()

set(OTOSCOPE_BACKEND_LEFT_OUT cuda)  # cuda/ and nocuda/ define the same functions
if(OTOSCOPE_CUDA)
  set(OTOSCOPE_BACKEND_LEFT_OUT nocuda)
endif()

function(otoscope_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/src/${name}/${OTOSCOPE_BACKEND_LEFT_OUT}/")
  add_library(otoscope_${name} STATIC ${sources})
  add_library(otoscope::${name} ALIAS otoscope_${name})
  set_target_properties(otoscope_${name} PROPERTIES EXPORT_NAME ${name})
  if(NOT name MATCHES "^(core|kernels)$")  # those are small, and many of their files have flags of their own
    set_target_properties(otoscope_${name} PROPERTIES UNITY_BUILD ${OTOSCOPE_TOGETHER} UNITY_BUILD_BATCH_SIZE 10)
  endif()
  target_include_directories(otoscope_${name}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  foreach(source ${sources})
    if(source MATCHES "_avx2\\.cpp$")
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON
        COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
    elseif(source MATCHES "_avx512\\.cpp$")
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS
        "-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mf16c;-mprefer-vector-width=512")
    elseif(source MATCHES "_amx\\.cpp$")
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS
        "-mamx-tile;-mamx-bf16;-mavx512bf16;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx2;-mfma;-mf16c;-mprefer-vector-width=512")
    endif()
  endforeach()
  foreach(used ${ROOM_USES})
    target_link_libraries(otoscope_${name} PUBLIC otoscope_${used})
  endforeach()
  target_link_libraries(otoscope_${name} PRIVATE ${ROOM_LIBRARIES} otoscope_warnings)
  if(name STREQUAL "io")
    target_precompile_headers(otoscope_io PRIVATE ${OTOSCOPE_COMMON_HEADERS})
  elseif(TARGET otoscope_io)
    target_precompile_headers(otoscope_${name} REUSE_FROM otoscope_io)
  endif()
  set_property(GLOBAL APPEND PROPERTY OTOSCOPE_ROOMS ${name})
  if(OTOSCOPE_TESTS)
    otoscope_room_tests(${name})
  endif()
  if(OTOSCOPE_FUZZ)
    otoscope_room_fuzzers(${name})
  endif()
endfunction()

# tests/<room>/*.cpp make <room>_tests. A file called slow_*.cpp goes to <room>_slow_tests (label slow),
# real_*.cpp to <room>_real_tests (label real: needs real weights or Debian's speech), and, in builds with CUDA,
# cuda_*.cpp to <room>_cuda_tests (label cuda: needs a device).
function(otoscope_room_tests name)
  file(GLOB all CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*.cpp)
  set(fast ${all})
  list(FILTER fast EXCLUDE REGEX "/(slow|real|cuda)_[^/]*$")
  set(kinds fast slow real)
  if(OTOSCOPE_CUDA)
    list(APPEND kinds cuda)
  endif()
  foreach(kind ${kinds})
    if(kind STREQUAL "fast")
      set(files ${fast})
      set(target ${name}_tests)
    else()
      set(files ${all})
      list(FILTER files INCLUDE REGEX "/${kind}_[^/]*$")
      set(target ${name}_${kind}_tests)
    endif()
    if(files)
      add_executable(${target} ${files})
      target_link_libraries(${target} PRIVATE otoscope_${name} otoscope_test_main otoscope_warnings)
      if(TARGET core_tests AND NOT target STREQUAL "core_tests")
        target_precompile_headers(${target} REUSE_FROM core_tests)
      else()
        target_precompile_headers(${target} PRIVATE ${OTOSCOPE_COMMON_HEADERS} <doctest/doctest.h>)
      endif()
      target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
      target_compile_definitions(${target} PRIVATE
        OTOSCOPE_TEST_DIR="${PROJECT_SOURCE_DIR}/tests" OTOSCOPE_BINARY_DIR="${PROJECT_BINARY_DIR}")
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
      doctest_discover_tests(${target} TEST_PREFIX "${name}: " PROPERTIES LABELS ${kind} TIMEOUT 900
        ENVIRONMENT "OMP_WAIT_POLICY=passive")  # tests run side by side: idle threads must not spin
    endif()
  endforeach()
endfunction()

# tests/fuzz/<room>/x.cpp make fuzz_x; its corpus lies in tests/fuzz/<room>/x/.
function(otoscope_room_fuzzers name)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}/*.cpp)
  foreach(source ${fuzzers})
    get_filename_component(stem ${source} NAME_WE)
    add_executable(fuzz_${stem} ${source})
    target_link_libraries(fuzz_${stem} PRIVATE otoscope_${name})
    target_include_directories(fuzz_${stem} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(fuzz_${stem} PRIVATE OTOSCOPE_TEST_DIR="${PROJECT_SOURCE_DIR}/tests")
    target_link_options(fuzz_${stem} PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    add_test(NAME "fuzz: ${stem}" COMMAND fuzz_${stem} -max_total_time=60 -rss_limit_mb=2048
      ${PROJECT_BINARY_DIR}/fuzz/corpus-${stem} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}/${stem})
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz/corpus-${stem})
    set_tests_properties("fuzz: ${stem}" PROPERTIES LABELS slow TIMEOUT 300)
  endforeach()
endfunction()
