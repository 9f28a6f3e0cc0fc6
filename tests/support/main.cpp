#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "otoscope/core/denormals.h"

int main(int argc, char** argv) {
  otoscope::flush_denormals();  // as the program does
  return doctest::Context(argc, argv).run();
}
