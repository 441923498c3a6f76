# Odd configuration inputs, and the worlds in which they are played fast.
entryproof_library(odd
  SOURCES odd_behaviour.cc odd_grammar.cc odd_input.cc odd_search.cc odd_shrink.cc stall.cc
  LINK entryproof_engine
  PRIVATE_LINK nlohmann_json::nlohmann_json)

entryproof_program(fuzz_warden SOURCES warden.cc)
if(NOT ENTRYPROOF_SANITIZE)
  target_link_options(fuzz_warden PRIVATE -static)  # it is started in containers that need not have its libraries
endif()

entryproof_test(odd
  SOURCES odd_test.cc
  LINK entryproof_odd
  DEPENDS mutant thin_entrypoint)
