"""Contract suites: what every adapter of a port must do, run on the fake and on the real thing."""
