"""A fuzzer over what others wrote: `make fuzz`."""
