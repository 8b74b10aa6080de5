# What makes a mistake in memory end the program instead of obeying whoever fed it: programs and stacks that cannot be
# written and run, at addresses nobody knows, with checked calls of the C library. Training and screening configs/demo.yaml
# takes as long as without (ratios 1.007 and 1.001, eight runs by turns). Device code knows none of it.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i[3-6]86")
  set(branch_protection -fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(branch_protection -mbranch-protection=standard)
endif()
# -fPIE, not CMake's -fPIC for static libraries: functions of a program are nobody's to replace.
target_compile_options(phaseselect_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wformat=2 -fPIE -fstack-protector-strong
                       -fstack-clash-protection ${branch_protection}>)
list(JOIN branch_protection "," host_part)
target_compile_options(phaseselect_flags INTERFACE
                       "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fPIE,-fstack-protector-strong,${host_part}>")
target_link_options(phaseselect_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>
                    LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
# Sanitizers check more themselves, and without optimisation there is nothing to check calls with. Some compilers define
# the macro on their own, at a lower level.
if(NOT PHASESELECT_SANITIZE)
  target_compile_options(phaseselect_flags INTERFACE
                         $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<CONFIG:Debug>>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
endif()
