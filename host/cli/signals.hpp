// SIGINT and SIGTERM ask the work to stop; a second one ends the program at once.
#pragma once

namespace phaseselect {

// Also ignores SIGPIPE, so that training survives a closed terminal pipe; writing a result to one fails as any other
// write.
void install_signal_handlers();
bool stop_requested();

// Ends the program as SIGPIPE would have, silently, when whoever read standard output has gone. Otherwise returns.
void end_if_reader_left();

}  // namespace phaseselect
