// Variables of each thread that cost an instruction to read.
#pragma once

// In the thread's static block, rather than where a call finds them; but musl has no room there for what is loaded
// later. Belongs at the declaration: extern constinit thread_local int there GEVENT_STATIC_TLS;
#if defined(__ELF__) && defined(__GLIBC__)
#define GEVENT_STATIC_TLS __attribute__((tls_model("initial-exec")))
#else
#define GEVENT_STATIC_TLS
#endif
