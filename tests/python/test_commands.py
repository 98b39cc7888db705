"""`python -m gevent` and the doctor."""

import json
import subprocess
import sys

import pytest

DEADLINE_S = 60


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def test_without_a_command_the_commands_are_listed():
    done = run("gevent")
    assert done.returncode == 0
    assert {"doctor", "info", "monkey"} <= {line.split()[0] for line in done.stdout.splitlines() if line[:4] == "    "}


def test_a_command_that_does_not_exist_is_a_usage_error():
    done = run("gevent", "serf")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such command: serf" in done.stderr


@pytest.mark.parametrize("command", [("gevent", "doctor"), ("gevent_mp.doctor",)])
def test_the_doctor_tells_what_is_here(command):
    done = run(*command, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, report["problems"]
    assert {"versions", "loop", "resolver", "patched", "owner", "limits", "problems"} <= set(report)
    assert report["owner"]["is"] == "gevent-mp"
    assert report["versions"]["gevent"] == "26.9.0"
    assert report["limits"]["descriptors"] > 0


def test_the_doctor_tells_of_too_few_descriptors():
    limited = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100));"
    script = limited + "sys.argv = ['doctor', '--json']; runpy.run_module('gevent_mp.doctor', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["mend"] == "ulimit -n 4096"


def test_the_doctor_tells_what_is_patched():
    script = (
        "from gevent import monkey; monkey.patch_all(multiprocessing=True)\n"
        "import json; from gevent_mp import doctor; print(json.dumps(doctor.report()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S
    )
    patched = json.loads(done.stdout)["patched"]
    assert {"socket", "threading", "multiprocessing.synchronize"} <= set(patched["modules"])
    assert patched["patch_all"]["multiprocessing"] is True
    assert patched["when"]["at"] == "<string>:1"


@pytest.mark.parametrize("engine", ["libev", "libuv"])
def test_the_doctor_tells_which_engine_wakes_up_how(engine, monkeypatch):
    monkeypatch.setenv("GEVENT_LOOP", engine)
    monkeypatch.setenv("GEVENT_WAKEUP", "pipe")
    loop = json.loads(run("gevent", "doctor", "--json").stdout)["loop"]
    assert (loop["engine"], loop["wakeup"]) == (engine, "pipe")


def test_the_doctor_tells_of_companions_that_do_not_go_together(tmp_path):
    for name, version, more in [
        ("geventmp", "0.0.12", ""),
        ("gipc", "1.4.0", ""),
        ("gunicorn", "99.0", 'Requires-Dist: gevent>=99.1; extra == "gevent"\n'),
    ]:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from gevent_mp import doctor; sys.exit(doctor.main())"
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 1
    for mend in ("pip uninstall -y geventmp", "pip install -U 'gipc>=1.5'", "pip install -U gevent-mp"):
        assert f"{mend}\n" in done.stdout


def test_info_has_the_settings_of_the_environment(monkeypatch):
    monkeypatch.setenv("GEVENT_RESOLVER", "block")
    done = run("gevent", "info")
    assert done.returncode == 0
    assert "GEVENT_RESOLVER=block" in done.stdout
