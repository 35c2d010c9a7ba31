"""A DashScope on loopback: the app completion call, its refusals, its streams and its bad days.

`server.DashScopeServer` is the door; everything it decides lives in modules without any I/O.
"""
