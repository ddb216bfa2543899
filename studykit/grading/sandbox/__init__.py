"""Running a submission where it can reach nothing but its own folder."""
