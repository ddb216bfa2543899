"""What the tests of inspection share: one broker and one store, with a log that is processed."""

from tests.support.worlds.processor import own_services

__all__ = ["own_services"]
