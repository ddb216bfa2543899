"""What the tests of the processor share: one broker and one store of their own."""

from tests.services.processor_run import own_services, world

__all__ = ["own_services", "world"]
