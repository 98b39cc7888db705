#define DOCTEST_CONFIG_IMPLEMENT
#include <Python.h>
#include <doctest/doctest.h>

#include <cstdio>

// Its one interpreter is that of GEVENT_TEST_PYTHON, an environment in which gevent is installed.
int main(int argc, char** argv) {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  PyConfig_SetBytesString(&config, &config.executable, GEVENT_TEST_PYTHON);
  PyConfig_SetBytesString(&config, &config.program_name, GEVENT_TEST_PYTHON);
  const PyStatus status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status) || PyRun_SimpleString("import gevent; gevent.get_hub()") != 0) {
    std::fputs("no interpreter with gevent: " GEVENT_TEST_PYTHON "\n", stderr);
    return 1;
  }
  doctest::Context context;
  context.applyCommandLine(argc, argv);
  const int outcome = context.run();
  return Py_FinalizeEx() == 0 ? outcome : 1;
}
