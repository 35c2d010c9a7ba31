"""The DashScope edge: the only place that imports httpx."""
