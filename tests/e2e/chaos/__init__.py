"""A bad day for several bots: the questions, what goes wrong, and the judgement of the journals."""
