#include "otoscope/cli/cli.h"

int main(int argc, char** argv) { return otoscope::cli::run(argc, argv); }
