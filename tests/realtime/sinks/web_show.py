"""The web stage, stepped by a test, and what a viewer of it meets."""

from __future__ import annotations

import contextlib
import http.client
import threading

from realtime.sinks.web import Web

from .examples import NS_PER_S, frame

TIMEOUT_S = 20


class Show:
    """A web stage with what it was told to say."""

    def __init__(self, positions_ms=()):
        self.said = []
        self.web = Web("test", {"vision": "openvino/int8"}, self.said.append, positions_ms)
        self.web.open()
        self.url = self.said[0]
        self.host = self.url.removeprefix("http://").rstrip("/")
        self.port = int(self.host.split(":")[1])
        self.number = 0
        self.now_ns = NS_PER_S

    def step(self, **inputs):
        return list(self.web.step(self.now_ns, inputs))

    def next_picture(self):
        self.number += 1
        return self.step(video=[frame(self.number % 30, grey=self.number % 200)])

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())

    def until(self, what, step=None):
        """Step until something is there: what viewers do takes its time."""
        for _ in range(2000):
            found = (step or self.next_picture)()
            if what(found):
                return found
            threading.Event().wait(0.005)
        raise AssertionError(f"{self.web.stats()}, and never what was wanted")

    def wait_for(self, count, what="viewers"):
        self.until(lambda _: self.web.stats()[what] == count)

    def controls(self, count=1):
        found = []
        self.until(lambda controls: found.extend(controls) or len(found) >= count, self.step)
        return [control for _, control in found]
