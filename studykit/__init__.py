"""The teaching tools: services without Docker, traces, figures, checks and grading."""
