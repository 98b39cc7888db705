"""Visitors of one page."""

from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def visit(self):
        self.client.get("/")
