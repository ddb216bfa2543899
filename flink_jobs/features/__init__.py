"""What a feature is: definitions, units and null rules."""
