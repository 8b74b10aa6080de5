// Errors that reach the user. Each message is one clear sentence: where, what is wrong, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace phaseselect {

// The work could not be done (exit code 1): unreadable or malformed data, a full disk, a damaged checkpoint.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The request itself is wrong (exit code 2): bad arguments or a bad configuration.
class UsageError : public Error {
 public:
  using Error::Error;
};

// A device has no room (exit code 1).
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

// The user asked to stop; state was saved (exit code 130).
class Interrupted : public Error {
 public:
  using Error::Error;
};

}  // namespace phaseselect
