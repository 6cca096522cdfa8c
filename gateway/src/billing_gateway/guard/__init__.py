"""The strict-JSON guard: what the translation would drop or guess is refused before it gets there."""
