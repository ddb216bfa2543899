"""Windows, panes, aggregates and the keyed operators: pure, no I/O, no clock."""
