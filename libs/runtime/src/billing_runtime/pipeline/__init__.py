"""The way of every call, from its bytes to its answer: one ordered list of stages, composed once for each method."""
