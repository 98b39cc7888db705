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


def plant(folder, name, version, *requirements):
    """Install a distribution of metadata alone into `folder`."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
    (info / "METADATA").write_text("".join(lines + [f"Requires-Dist: {each}\n" for each in requirements]))


def doctor_with(folder):
    script = f"import sys; sys.path.insert(0, {str(folder)!r}); from gevent_mp import doctor; "
    script += "sys.exit(doctor.main(['--json']))"
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S
    )
    return done.returncode, json.loads(done.stdout)


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
    plant(tmp_path, "geventmp", "0.0.12")
    plant(tmp_path, "gipc", "1.4.0")
    plant(tmp_path, "gunicorn", "99.0", 'gevent>=99.1; extra == "gevent"')
    status, report = doctor_with(tmp_path)
    assert status == 1
    mends = [problem["mend"].rpartition("pip ")[2] for problem in report["problems"]]
    assert mends == ["uninstall -y geventmp", "install -U 'gipc>=1.5'", "install -U gevent-mp"]


@pytest.mark.parametrize(
    ("requirement", "mend"),
    [
        ("gevent<25", "pip install -U client"),
        ("gevent==25.9.1", "pip install -U client"),
        ("gevent (>=1.5,<26)", "pip install -U client"),
        ("gevent[recommended]~=24.2 ; python_version >= '3.8'", "pip install -U client"),
        ("gevent!=26.9.*", "pip install -U client"),
        ("gevent>=99", "pip install -U gevent-mp"),
        ("gevent==99.*", "pip install -U gevent-mp"),
    ],
)
def test_the_doctor_names_who_requires_another_gevent(tmp_path, requirement, mend):
    plant(tmp_path, "client", "1.2", requirement)
    status, report = doctor_with(tmp_path)
    (problem,) = report["problems"]
    assert status == 1
    assert problem["problem"].startswith("client 1.2 requires gevent")
    assert problem["mend"].endswith(mend)


@pytest.mark.parametrize(
    "requirement",
    [
        "gevent",
        "gevent>=24.11.1",
        "gevent==26.9.0",
        "gevent==26.9",
        "gevent~=26.8",
        "gevent<27,>=20.9,!=21.*",
        "gevent<25; python_version < '3.9'",
        "gevent<25; sys_platform == 'win32' and python_version >= '3.9'",
        "gevent-websocket<1",
        "geventhttpclient==99",
    ],
)
def test_the_doctor_is_content_with_what_is_met_or_meant_for_others(tmp_path, requirement):
    plant(tmp_path, "client", "1.2", requirement)
    status, report = doctor_with(tmp_path)
    assert (status, report["problems"]) == (0, [])
    assert not [note for note in report["notes"] if "client" in note]


def test_the_doctor_notes_what_an_extra_would_ask_for(tmp_path):
    """Nobody has written down whether that extra was asked for."""
    plant(tmp_path, "client", "1.2", 'gevent==25.9.1; extra == "gevent"')
    status, report = doctor_with(tmp_path)
    assert status == 0
    (note,) = [note for note in report["notes"] if note.startswith("client 1.2 requires gevent==25.9.1")]
    assert note.endswith("pip install -U client")


def test_info_has_the_settings_of_the_environment(monkeypatch):
    monkeypatch.setenv("GEVENT_RESOLVER", "block")
    done = run("gevent", "info")
    assert done.returncode == 0
    assert "GEVENT_RESOLVER=block" in done.stdout
