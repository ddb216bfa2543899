"""The edges of the production job: where its records come from, and where its rows go."""
