// What libuv says of itself, for people and for gevent's public attributes.
#pragma once

namespace gevent {

struct LibuvFacts {
  const char* version;                           // of the library that runs, as "1.2.3"; lives for ever
  int header_major, header_minor, header_patch;  // of the one that this was compiled against
};

LibuvFacts libuv_facts() noexcept;

}  // namespace gevent
