"""The pages that people read: the report, the feedback for a student, the timings."""
