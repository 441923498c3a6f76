// Signals and sleep, as a Go program and as bash see them.
//
// Both need care as PID 1, where the kernel ignores a signal that has its default action: a Go program then notices that raising the signal
// did not kill it and exits with 2; bash sits in the sleep that it waits for.
#pragma once

namespace entryproof::subjects::predecessor {

// Go without signal.Notify: TERM, INT and HUP kill (143 and so on for the parent); as PID 1 they exit with 2.
void default_go_signals();

// From here on TERM and INT only ask for an orderly end; a second one exits with 1 at once. HUP stays as it is.
void catch_termination();

// bash with a trap on TERM: the trap runs after the present command. INT ends only the command it waits for, and here nothing.
void trap_termination();

// TERM, or INT in a Go program, has been seen since it was caught or trapped.
bool termination_requested();

// Returns when termination is requested; for ever, if it is not caught.
void wait_for_termination();

// Sleeps the whole time, whatever signals say.
void sleep_seconds(int seconds);

// `sleep infinity` in the foreground of a script: nothing but a signal that kills ends it.
[[noreturn]] void sleep_for_ever();

}  // namespace entryproof::subjects::predecessor
