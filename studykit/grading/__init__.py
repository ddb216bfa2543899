"""Grading: a trusted process judges, a sandbox runs the submission, and only JSON crosses."""
