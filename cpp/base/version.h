// Which release of gevent-mp the native half was built as.
#pragma once

namespace gevent {

// What gevent.__mp_version__ was when this was compiled, such as "0.1.0"; gevent/_installed.py compares the two.
// Bindings of another release do not load at all: each refers to a symbol whose name has the version in it
// (CMakeLists.txt).
const char* native_version() noexcept;

}  // namespace gevent
