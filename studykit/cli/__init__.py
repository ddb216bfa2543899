"""The command `study`: what every person types."""
