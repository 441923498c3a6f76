# What plays scenarios; the format of scenarios is entryproof_runner's.
entryproof_library(engine
  SOURCES build.cc record.cc site.cc given.cc waiting_program.cc credentials.cc access.cc course.cc demands.cc fault_desk.cc ledger.cc power.cc play.cc steps.cc judgement.cc case.cc stage.cc engine.cc replay.cc
          fuse_ground.cc tmpfs_ground.cc process_world.cc memory_node.cc judged_node.cc memory_world.cc
          ${CMAKE_SOURCE_DIR}/simulator/subjects/predecessors/traits.cc
  LINK entryproof_runner entryproof_oracles entryproof_api entryproof_cluster entryproof_subjects entryproof_doors entryproof_durability entryproof_mutants entryproof_in_process)
target_compile_definitions(entryproof_engine PRIVATE ENTRYPROOF_VERSION="${PROJECT_VERSION}")

entryproof_test(engine
  SOURCES record_test.cc site_test.cc build_test.cc ledger_test.cc case_test.cc judged_node_test.cc
  LINK entryproof_engine
  DEPENDS thin_entrypoint predecessor mutant)

# Whole lives of the reference in virtual time.
entryproof_test(reference_property
  SOURCES reference_input_property.cc reference_property.cc reference_stage_test_support.cc
  LINK entryproof_engine)

entryproof_test(process_world
  SOURCES process_world_test.cc
  LINK entryproof_engine
  DEPENDS thin_entrypoint mutant sandbox_probe)
