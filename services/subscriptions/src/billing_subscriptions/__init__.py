"""The subscriptions service."""
