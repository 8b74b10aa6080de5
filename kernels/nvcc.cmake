# Enables the CUDA language where nvcc is found; sets PHASESELECT_HAS_NVCC. Sanitizers are for host code and leave it out.
if(PHASESELECT_CUDA STREQUAL "OFF" OR PHASESELECT_SANITIZE)
  return()
endif()
include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER)
  unset(CMAKE_CUDA_COMPILER CACHE)  # look again: nvcc may have been installed since
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(PHASESELECT_CUDA STREQUAL "ON")
    message(FATAL_ERROR "PHASESELECT_CUDA=ON needs nvcc on the PATH: install the CUDA Toolkit or use PHASESELECT_CUDA=OFF")
  endif()
  return()
endif()

# For the GPUs of this machine, or the H100 where there are none: few architectures keep the build quick. The preset
# `cuda` compiles for all.
execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader OUTPUT_VARIABLE capabilities ERROR_QUIET)
string(REGEX MATCHALL "([89]|1[0-9])\\.[0-9]" architectures "${capabilities}")
list(REMOVE_DUPLICATES architectures)
if(NOT architectures)
  set(architectures 9.0)
endif()
string(REPLACE "." "" architectures "${architectures}")
list(TRANSFORM architectures APPEND -real)
set(CMAKE_CUDA_ARCHITECTURES ${architectures} CACHE STRING "GPU architectures to compile for")

enable_language(CUDA)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(PHASESELECT_HAS_NVCC ON)
