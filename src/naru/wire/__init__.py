"""The languages clients and upstreams speak, and one neutral model between them.

Same language on both sides: bytes pass untouched and only a copy is read (`Tap`). Different languages:
client bytes → `model.Request` → upstream bytes, and back as `model.Reply` or a stream of events.
No I/O and no settings: pure functions and small state machines, each held by golden fixtures.
"""
