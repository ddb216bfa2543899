"""What the tests of the processor share: one broker and one store of their own."""

from tests.support.worlds.processor import own_services, world

__all__ = ["own_services", "world"]
