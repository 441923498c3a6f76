// Signals: TERM and INT, from the first instruction to the last.
//
// They are blocked before anything else runs, so that none is lost, not even by process 1 of a container, which a signal without a handler
// never reaches. Once there is a loop to end they are counted by a handler: the first asks for a clean end, which comes between two steps
// and never between making a file visible and making it durable; a second ends the process at once. Even that leaves whole files only.
#pragma once

namespace reference::signals {

void block();  // TERM and INT wait; HUP, PIPE and XFSZ are ignored
void take();   // from now on they are counted; those that waited come now

bool end_requested();
int descriptor();  // polls as readable once the end was asked for; -1 before take()

}  // namespace reference::signals
