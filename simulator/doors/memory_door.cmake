# The memory door: a process of the node inside this one.
entryproof_library(memory_door
  SOURCES memory_paths.cc memory_process.cc
  LINK entryproof_node)

if(ENTRYPROOF_TESTS)
  # For every door's differential test.
  entryproof_library(posix_targets
    SOURCES posix_targets.cc
    LINK entryproof_memory_door entryproof_posix_sequence)
endif()
entryproof_test(memory_door
  SOURCES memory_process_test.cc posix_property.cc trace_property.cc
  LINK entryproof_posix_targets entryproof_durability entryproof_faults)
