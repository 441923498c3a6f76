// Container: what a new process does to itself between clone(2) and exec(2): namespaces filled, a root built, privileges dropped.
//
// Runs in a copy of the launcher, which has one thread. Every mount goes through descriptors that were opened below a root (openat2,
// open_tree, move_mount), so that a symlink on a node's volume leads nowhere else.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "simulator/base/descriptor.h"
#include "simulator/base/result.h"
#include "simulator/subjects/sandbox.h"

namespace entryproof::subjects {

struct ContainerParts {
  const SandboxSpec* spec = nullptr;
  std::string root;  // an empty directory of the private tmpfs, to mount the new root on
  const std::vector<sock_filter>* filter = nullptr;
  std::vector<int> cgroups;  // cgroup.procs files, open for writing
  int network = -1;          // a namespace to join; -1: the new one that clone gave
  int supervisor = -1;       // a Channel that the descriptor for calls of inotify is to go through (SandboxSpec::can_be_denied)
  int out = -1;
  int err = -1;
  bool groups_fixed = false;
  unsigned pid_max = 0;  // root.h
};

// Builds the root, enters it and drops everything. On success only the exec is left.
Result<> enter_container(const ContainerParts& parts);
// Executes the program; returns only if that failed. kUnavailable for a missing interpreter, with its name where it can be told.
Error execute(const SandboxSpec& spec);

}  // namespace entryproof::subjects
