// A string's characters where they lie.
#pragma once
#include <Python.h>

#include <cstddef>
#include <string_view>

namespace gevent {

// The bytes that `text` is in Latin-1, if it is a str that is kept so, for as long as it lives; false if it is not.
inline bool latin1_of(PyObject* text, std::string_view& view) noexcept {
  if (!PyUnicode_CheckExact(text)) return false;
#if PY_VERSION_HEX < 0x030C0000
  if (!PyUnicode_IS_READY(text)) return false;
#endif
  if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) return false;
  view = std::string_view(static_cast<const char*>(PyUnicode_DATA(text)),
                          static_cast<std::size_t>(PyUnicode_GET_LENGTH(text)));
  return true;
}

}  // namespace gevent
