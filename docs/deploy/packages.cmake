# What is installed, and as which Debian package: `cmake --install build [--component NAME]`, `cpack -G DEB --config build/CPackConfig.cmake`.
#
#   thin-entrypoint  the entrypoint: one static program, and how to deploy it
#   entryproof       the suite: the tool, the builds that come along with it, the scenarios
include(GNUInstallDirs)

install(TARGETS thin_entrypoint RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT thin-entrypoint)
install(FILES docs/reference.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/thin-entrypoint COMPONENT thin-entrypoint)
install(DIRECTORY docs/deploy DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/thin-entrypoint COMPONENT thin-entrypoint
        FILES_MATCHING PATTERN "*.yaml" PATTERN "*.md" PATTERN "Dockerfile")

# The builds that come along have names that belong on nobody's PATH; the tool finds them beside itself.
set(entryproof_programs ${CMAKE_INSTALL_LIBEXECDIR}/entryproof)
install(TARGETS entryproof predecessor mutant RUNTIME DESTINATION ${entryproof_programs} COMPONENT entryproof)
function(install_link target link)
  cmake_path(GET link PARENT_PATH folder)
  install(CODE "file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
file(CREATE_LINK \"${target}\" \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${link}\" SYMBOLIC)" COMPONENT entryproof)
endfunction()
install_link(../${entryproof_programs}/entryproof ${CMAKE_INSTALL_BINDIR}/entryproof)
install_link(../../${CMAKE_INSTALL_BINDIR}/thin_entrypoint ${entryproof_programs}/thin_entrypoint)
install(DIRECTORY scenarios/ DESTINATION ${CMAKE_INSTALL_DATADIR}/entryproof/scenarios COMPONENT entryproof
        FILES_MATCHING PATTERN "*.json" PATTERN "*.conf" PATTERN "*.conflist" PATTERN "testdata" EXCLUDE)
install(FILES README.md docs/design.md docs/scenarios.md docs/results.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/entryproof
        COMPONENT entryproof)
foreach(package thin-entrypoint entryproof)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME copyright COMPONENT ${package})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "Entryproof")
set(CPACK_PACKAGE_CONTACT "Entryproof maintainers <entryproof@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL thin-entrypoint entryproof)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_THIN-ENTRYPOINT_PACKAGE_NAME thin-entrypoint)
set(CPACK_DEBIAN_THIN-ENTRYPOINT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_THIN-ENTRYPOINT_DESCRIPTION "entrypoint of Multus CNI that keeps kubeconfig and configuration right
 Installs the Multus plugin on a Kubernetes node, publishes the kubeconfig that
 the plugin needs and a CNI configuration, and keeps all three right. One static
 program that reads and writes files and nothing else.")
set(CPACK_DEBIAN_ENTRYPROOF_PACKAGE_NAME entryproof)
set(CPACK_DEBIAN_ENTRYPROOF_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_ENTRYPROOF_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_ENTRYPROOF_PACKAGE_DEPENDS "thin-entrypoint (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_ENTRYPROOF_DESCRIPTION "conformance suite for entrypoints of Multus CNI
 Runs any entrypoint, unmodified, in a simulated Kubernetes node, judges every
 file-system operation that it makes, and says what a node would suffer.")
include(CPack)
