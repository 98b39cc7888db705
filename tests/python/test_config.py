"""Settings: where a value comes from, what is accepted, and that reading none of them costs an import."""

import pytest
from scripts import run_script

from gevent import _config
from gevent._config import Config


@pytest.fixture
def config(monkeypatch):
    for setting in _config.ALL_SETTINGS:
        monkeypatch.delenv(setting.environment_key, raising=False)
    return Config()


def test_a_setting_has_its_default_until_something_else_is_said(config):
    assert config.max_blocking_time == 0.1
    assert config.track_greenlet_tree is True
    assert config.resolver_nameservers is None


def test_the_environment_is_read_at_the_first_use_and_not_again(config, monkeypatch):
    monkeypatch.setenv("GEVENT_MAX_BLOCKING_TIME", "2.5")
    assert config.max_blocking_time == 2.5
    monkeypatch.setenv("GEVENT_MAX_BLOCKING_TIME", "9")
    assert config.max_blocking_time == 2.5


def test_what_the_program_assigns_comes_before_the_environment(config, monkeypatch):
    monkeypatch.setenv("GEVENT_MONITOR_THREAD_ENABLE", "1")
    config.monitor_thread = False
    assert config.monitor_thread is False


@pytest.mark.parametrize("text", ["1", "on", "yes", "true", " TRUE "])
def test_these_words_turn_a_setting_on(config, monkeypatch, text):
    monkeypatch.setenv("GEVENT_NOWAITPID", text)
    assert config.disable_watch_children is True


@pytest.mark.parametrize("text", ["0", "off", "no", "false", ""])
def test_these_words_turn_a_setting_off(config, monkeypatch, text):
    monkeypatch.setenv("GEVENT_TRACK_GREENLET_TREE", text)
    assert config.track_greenlet_tree is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_blocking_time", -1),
        ("max_blocking_time", "soon"),
        ("max_memory_usage", 0),
        ("max_memory_usage", "5tb"),
        ("monitor_thread", "perhaps"),
    ],
)
def test_an_unacceptable_value_is_refused_and_the_old_one_kept(config, name, value):
    before = getattr(config, name)
    with pytest.raises(ValueError):
        setattr(config, name, value)
    assert getattr(config, name) == before


@pytest.mark.parametrize(("text", "size"), [("123", 123), ("2kb", 2048), ("3 MB", 3 << 20), ("1Gb", 1 << 30)])
def test_a_size_may_be_given_with_its_unit(config, text, size):
    config.max_memory_usage = text
    assert config.max_memory_usage == size


def test_the_idle_time_of_worker_threads_may_be_without_limit(config):
    config.threadpool_idle_task_timeout = -1
    assert config.threadpool_idle_task_timeout == -1


def test_lists_are_separated_by_commas(config, monkeypatch):
    monkeypatch.setenv("GEVENT_BACKEND", "epoll,poll")
    monkeypatch.setenv("GEVENT_RESOLVER_NAMESERVERS", "192.0.2.1,192.0.2.2")
    assert config.libev_backend == ["epoll", "poll"]
    assert config.resolver_nameservers == ["192.0.2.1", "192.0.2.2"]


def test_the_first_name_that_can_be_imported_is_taken(config):
    from gevent.resolver.blocking import Resolver

    config.resolver = "no.such.thing,block,thread"
    assert config.resolver is Resolver


def test_an_object_is_taken_as_it_is(config):
    class MyPool:
        pass

    config.threadpool = MyPool
    assert config.threadpool is MyPool


def test_a_loop_nobody_heard_of_is_refused_by_a_message_that_names_the_choices(config):
    with pytest.raises(ImportError, match="libev-cext.*libuv"):
        config.loop = "nonsense"


def test_a_loop_that_is_not_built_is_refused_by_a_message_that_names_the_others(config):
    with pytest.raises(ImportError, match="'libev-cffi' is not available here.*libev-cext"):
        config.loop = "libev-cffi"


def test_options_are_objects_or_the_errors_in_their_way():
    options = _config.Loop().get_options()
    assert options["libev"] is options["libev-cext"]
    assert options["libev"].__name__ == "loop"
    assert isinstance(options["libev-cffi"], ImportError)


def test_an_unknown_setting_is_an_attribute_error(config):
    with pytest.raises(AttributeError, match="no_such_setting"):
        config.no_such_setting  # noqa: B018
    with pytest.raises(AttributeError, match="no_such_setting"):
        config.set("no_such_setting", 1)


def test_every_setting_is_explained(config, capsys):
    config.print_help()
    text = capsys.readouterr().out
    for name, setting in config.settings.items():
        assert f"\n{name}\n" in "\n" + text
        assert setting.environment_key in text


def test_settings_import_nothing_expensive():
    heavy = ("importlib.metadata", "re", "textwrap", "inspect", "dataclasses", "pprint", "zope.event", "zope.interface")
    run_script(
        f"""
        import sys
        before = set(sys.modules)
        import gevent._config, gevent.events, gevent.monkey
        print(set(sys.modules) - before & set({heavy!r}))
        assert not (set(sys.modules) - before) & set({heavy!r}), set(sys.modules) & set({heavy!r})
        """
    )
