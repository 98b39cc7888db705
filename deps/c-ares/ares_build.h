/* The types that c-ares' own configuration would find out on Darwin and on Linux with glibc: see ares_config.h. */
#pragma once
#include <sys/socket.h>
#include <sys/types.h>
#define CARES_TYPEOF_ARES_SOCKLEN_T socklen_t
#define CARES_TYPEOF_ARES_SSIZE_T ssize_t
typedef CARES_TYPEOF_ARES_SOCKLEN_T ares_socklen_t;
typedef CARES_TYPEOF_ARES_SSIZE_T ares_ssize_t;
