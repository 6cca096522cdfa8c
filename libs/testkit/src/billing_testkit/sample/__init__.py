"""A service of three tables, for tests of the runtime itself."""
