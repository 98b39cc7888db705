// The one main() of gevent_tests; see CMakeLists.txt.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <cfloat>  // doctest 2.4.9 forgets it, where no other header brings it

#include "doctest/doctest.h"
