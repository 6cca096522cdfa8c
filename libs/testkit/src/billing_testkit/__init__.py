"""Fixtures, frozen clock, contract suites and fakes of ports."""
