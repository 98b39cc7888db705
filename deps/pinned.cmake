# Pinned releases of the C libraries, for systems that do not have them.
#
# gevent_pinned(<name> <debian package> <variable>) unpacks a release below and sets <variable> to its folder. The
# tarball is looked for in $GEVENT_DEPS_CACHE first, then downloaded; either way its SHA-256 decides.
#
# With GEVENT_DEPS_SOURCES, a folder of unpacked sources by name (libev/, libuv/, c-ares/), these are used instead, whatever
# release they are: tools/cross.sh gets them from the distribution.
option(GEVENT_DEPS_PINNED "Use the pinned releases even where the system has the libraries" OFF)
set(GEVENT_DEPS_SOURCES "" CACHE PATH "Folder of unpacked sources to use instead of the pinned releases")

set(GEVENT_PINNED_libev
    libev-4.33
    https://dist.schmorp.de/libev/Attic/libev-4.33.tar.gz
    507eb7b8d1015fbec5b935f34ebed15bf346bed04a11ab82b8eee848c4205aea)
set(GEVENT_PINNED_libuv
    libuv-v1.51.0
    https://dist.libuv.org/dist/v1.51.0/libuv-v1.51.0.tar.gz
    5f0557b90b1106de71951a3c3931de5e0430d78da1d9a10287ebc7a3f78ef8eb)
set(GEVENT_PINNED_c-ares
    c-ares-1.34.8
    https://github.com/c-ares/c-ares/releases/download/v1.34.8/c-ares-1.34.8.tar.gz
    c222b6d681096f9444d2c4863d2c1174019e27cacca0a4a5c114d36dd7d7bf78)

# One line of its own first: CMake folds the text of an error, and tools/configure.sh shows that line alone.
macro(gevent_give_up reason)
  message(NOTICE "${reason}")
  message(FATAL_ERROR "a library is missing")
endmacro()

function(gevent_pinned name debian_package variable)
  list(GET GEVENT_PINNED_${name} 0 folder)
  list(GET GEVENT_PINNED_${name} 1 url)
  list(GET GEVENT_PINNED_${name} 2 sha256)
  if(GEVENT_DEPS_SOURCES)
    set(${variable} ${GEVENT_DEPS_SOURCES}/${name} PARENT_SCOPE)
    return()
  endif()
  set(unpacked ${CMAKE_CURRENT_BINARY_DIR}/${folder})
  set(${variable} ${unpacked} PARENT_SCOPE)
  if(EXISTS ${unpacked}.complete)
    return()
  endif()

  get_filename_component(file ${url} NAME)
  set(tarball "$ENV{GEVENT_DEPS_CACHE}/${file}")
  if(NOT EXISTS "${tarball}")
    set(tarball ${CMAKE_CURRENT_BINARY_DIR}/${file})
    message(STATUS "${name}: not on this system; downloading ${url}")
    file(DOWNLOAD ${url} ${tarball} INACTIVITY_TIMEOUT 30 TIMEOUT 300 TLS_VERIFY ON STATUS status)
    list(GET status 0 code)
    list(GET status 1 reason)
    if(NOT code EQUAL 0)
      gevent_give_up("gevent-mp needs ${name}: apt-get install ${debian_package} (${url}: ${reason})")
    endif()
  endif()
  file(SHA256 ${tarball} found)
  if(NOT found STREQUAL sha256)
    gevent_give_up("gevent-mp needs ${name}: apt-get install ${debian_package} (${tarball} has another SHA-256)")
  endif()
  file(ARCHIVE_EXTRACT INPUT ${tarball} DESTINATION ${CMAKE_CURRENT_BINARY_DIR})
  file(TOUCH ${unpacked}.complete)
  message(STATUS "${name}: ${folder}, built statically")
endfunction()
