"""The machine that a task finds itself on: its GPUs, memory and cores, and whose turn it is."""
