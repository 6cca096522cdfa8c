"""The one server bootstrap of every service."""
