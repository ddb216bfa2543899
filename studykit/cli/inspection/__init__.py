"""Commands that show what `flink_jobs.inspection` finds out: `why`, `letters` and `profile`."""
