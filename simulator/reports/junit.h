// JUnit XML, for GitLab, Jenkins and the report actions of GitHub.
//
// A suite per build, a case per scenario and check. A failure that decides is <failure>, a harness error or an unknown is <error>, what was
// not tested or does not decide is <skipped> with its reason. If the verdict on a build is not conformant or incomplete for any other
// reason, a case of its own says so: the document is red exactly where the exit code is not 0. Nothing that a build printed can make it
// ill-formed.
#pragma once

#include <string>

#include "simulator/reports/run.h"

namespace entryproof::reports {

std::string junit(const Run& run, const Asked& asked);

}  // namespace entryproof::reports
