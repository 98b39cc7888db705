# CMake's toolchain file for tools/cross.sh: -DGEVENT_TARGET=<a target>, GEVENT_TARGET_TOOLS=<folder of its cc, c++, ar, ranlib>.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES GEVENT_TARGET GEVENT_TARGET_TOOLS)
if(GEVENT_TARGET MATCHES "-macos$")
  set(CMAKE_SYSTEM_NAME Darwin)
  set(CMAKE_INSTALL_NAME_TOOL true)  # asked for, never used: nothing is installed
  # C's driver, so that zig does not build a C++ library first. Darwin's own is not here, and what it must give is
  # left to run time; tools/cross/undefined.py sees to it that this is nothing else.
  set(CMAKE_CXX_LINK_EXECUTABLE
      "${GEVENT_TARGET_TOOLS}/cc <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES> -Wl,-undefined,dynamic_lookup")
else()
  set(CMAKE_SYSTEM_NAME Linux)
endif()
string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${GEVENT_TARGET})
set(CMAKE_C_COMPILER ${GEVENT_TARGET_TOOLS}/cc)
set(CMAKE_CXX_COMPILER ${GEVENT_TARGET_TOOLS}/c++)
set(CMAKE_AR ${GEVENT_TARGET_TOOLS}/ar)
set(CMAKE_RANLIB ${GEVENT_TARGET_TOOLS}/ranlib)
# Nothing of this machine is of use to the other.
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/nothing)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# What can be compiled is the question; linking would take its time for each answer.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
