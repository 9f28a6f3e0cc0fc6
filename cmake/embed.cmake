# A file's bytes inside a library, so that the program is one file.
#
#   otoscope_embed(model src/model/data/british_american.tsv british_american)
#
# gives `extern const std::string_view otoscope::embedded::british_american;` (declare it where it is used).
# The file is read at build time: edit it and the next build has it.
function(otoscope_embed room file symbol)
  set(output ${PROJECT_BINARY_DIR}/embedded/${symbol}.cpp)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${PROJECT_SOURCE_DIR}/${file} -DOUTPUT=${output} -DSYMBOL=${symbol}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/${file} ${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake
    COMMENT "Embedding ${file}" VERBATIM)
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(otoscope_${room} PRIVATE ${output})
endfunction()
