#include "python/object/text_view.h"

#include <string>

#include "python/interpreter.h"

using namespace gevent;
using namespace gevent::testing;

TEST_CASE("text view: a string in Latin-1 is seen where it lies") {
  const Object ascii(value_of("'abc'")), latin(value_of("'a\\xe4\\0'")), empty(value_of("''"));
  std::string_view view;
  CHECK((latin1_of(ascii, view) && view == "abc"));
  CHECK((latin1_of(latin, view) && view == std::string_view("a\xe4\0", 3)));
  CHECK((latin1_of(empty, view) && view.empty()));
}

TEST_CASE("text view: what is kept otherwise, or is no str, is not seen") {
  const Object wide(value_of("'\\u20ac'")), bytes(value_of("b'abc'"));
  run("class Text(str): pass");
  const Object derived(value_of("Text('abc')"));
  std::string_view view;
  CHECK_FALSE((latin1_of(wide, view) || latin1_of(bytes, view) || latin1_of(derived, view)));
}
