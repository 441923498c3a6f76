#include "simulator/cli/commands.h"

int main(int argc, char** argv) { return entryproof::cli::run(argc, argv); }
