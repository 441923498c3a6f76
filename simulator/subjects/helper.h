// What the two helper processes of a harness do first.
#pragma once

namespace entryproof::subjects {

// Gives the process a name, keeps it deaf to the terminal's signals (a Ctrl-C is the harness's to handle), and closes every descriptor but
// `kept`, which becomes 3, and stderr.
void become_helper(const char* name, int kept);

}  // namespace entryproof::subjects
