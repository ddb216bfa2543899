"""Figures of clocks: how event time and the watermark follow the arrival of events."""
