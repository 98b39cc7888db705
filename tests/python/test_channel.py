"""Channels: what goes from hand to hand. What they share with queues is in test_queue.py."""

import pytest
from hubs import in_hub

import gevent
from gevent.queue import Channel


def test_a_channels_putter_that_is_killed_gives_nothing():
    channel = Channel()
    one, two = gevent.spawn(channel.put, "one"), gevent.spawn(channel.put, "two")
    gevent.sleep(0)
    assert (channel.balance, channel.putters) == (2, ["one", "two"])
    one.kill()
    assert channel.get() == "two"
    two.join(timeout=10)
    assert channel.balance == 0


def test_a_channel_gives_an_item_to_who_waits_for_it_also_from_the_hub():
    channel = Channel()
    getter = gevent.spawn(channel.get)
    gevent.sleep(0)
    assert channel.getters == [getter]
    assert in_hub(channel.put_nowait, "item") is None
    assert getter.get(timeout=10) == "item"
    putter = gevent.spawn(channel.put, "other")
    gevent.sleep(0)
    assert in_hub(channel.get_nowait) == "other"
    putter.join(timeout=10)
    assert putter.successful()


def test_a_channels_putter_goes_on_after_the_getter_has_the_item():
    channel, seen = Channel(), []

    def get():
        for _ in range(2):
            seen.append(channel.get())

    getter = gevent.spawn(get)
    for item in "ab":
        channel.put(item)
        seen.append("put " + item)
    getter.join(timeout=10)
    assert seen == ["a", "put a", "b", "put b"]
    assert (channel.qsize(), channel.empty(), channel.full()) == (0, True, True)
    with pytest.raises(ValueError, match="maxsize"):
        Channel(2)
