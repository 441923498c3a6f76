// WaitingProgram: the smallest program that a kernel executes and that does nothing.
//
// What a scenario lays on the node as {"program": "waits"}: while it is being executed, the kernel lets nobody write to its file (ETXTBSY),
// and only a kernel can stage that. An ELF file for the machine that this was built for; it needs no loader and no library, and waits until
// a signal ends it.
#pragma once

#include <string>

namespace entryproof::runner {

std::string waiting_program();

}  // namespace entryproof::runner
