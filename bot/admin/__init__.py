"""What people configure, and what they are told about it."""
