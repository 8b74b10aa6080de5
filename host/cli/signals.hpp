// SIGINT, SIGTERM and SIGHUP ask the work to stop; a second one of them ends the program at once. Work that has never
// asked whether to stop is cut off at once, and work that does not stop within seconds then: nothing half-written
// stays, and what was saved before goes on with --resume.
#pragma once

#include <string>

namespace phaseselect {

// A SIGHUP that is ignored stays ignored (nohup). Also ignores SIGPIPE, so that training survives a closed terminal
// pipe, and SIGXFSZ: writing a result to one, or more than a file may hold, fails as any other write.
void install_signal_handlers();
bool stop_requested();
// What the program says how to go on with when it cuts its work off.
void remember_resumption(const std::string& command);

// No file that is opened later takes the place of a standard stream that the caller closed, where messages would land
// in it. Writing to such a stream still fails.
void occupy_standard_streams();

// Ends the program as SIGPIPE would have, silently, when whoever read standard output has gone. Otherwise returns.
void end_if_reader_left();

}  // namespace phaseselect
