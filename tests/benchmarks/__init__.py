"""Measured tables: what the bot costs and how fast it is, beside what one would use instead."""
