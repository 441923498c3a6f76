#include "simulator/subjects/helper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace entryproof::subjects {

void become_helper(const char* name, int kept) {
  prctl(PR_SET_NAME, name);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTOU}) signal(number, SIG_IGN);
  if (kept != 3) dup2(kept, 3);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  close_range(4, ~0U, 0);
  const int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, 0);
  dup2(nothing, 1);
  if (nothing > 2) close(nothing);
}

}  // namespace entryproof::subjects
