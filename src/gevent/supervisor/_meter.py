"""Requests and how long they took: counted where they happen, in buckets, and added up elsewhere."""

from gevent._native.http import BOUNDS_S, Meter, quantile

__all__ = ["BOUNDS_S", "Meter", "add", "quantile"]


def add(totals, snapshot):
    """Add such a snapshot to another one, in place."""
    totals["requests"] += snapshot["requests"]
    totals["seconds"] += snapshot["seconds"]
    totals["buckets"] = [a + b for a, b in zip(totals["buckets"], snapshot["buckets"])]
