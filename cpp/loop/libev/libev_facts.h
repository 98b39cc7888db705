// What libev says of itself, for people and for gevent's public attributes.
#pragma once

namespace gevent {

struct LibevFacts {
  int major, minor;                             // of the library that runs
  int header_major, header_minor;               // of the one that this was compiled against
  unsigned supported, recommended, embeddable;  // backends: libev's EVBACKEND_* numbers
};

LibevFacts libev_facts() noexcept;

}  // namespace gevent
