# The memory door: a process of the node inside this one.
entryproof_library(memory_door
  SOURCES memory_paths.cc memory_process.cc
  LINK entryproof_node)
