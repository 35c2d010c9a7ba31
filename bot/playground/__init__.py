"""A Slack workspace and a DashScope on loopback, as strict as the real ones."""
